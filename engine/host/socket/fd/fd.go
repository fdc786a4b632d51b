//go:build linux

// Package fd is sockets with the kernel's defaults, none of Go's, that wait through
// the runtime's poller. It knows no protocol.
//
// Invariant: no call waits longer than its deadline or its context.
package fd

import (
	"errors"
	"os"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"netrepro/engine/lab/netns"
)

// Socket is a socket of any kind.
type Socket struct {
	f  *os.File
	rc syscall.RawConn
}

// Open opens a socket in a namespace: of IPv6 if six, of this kind and protocol
// (socket(2)).
func Open(ns *netns.NS, six bool, kind, proto int) (*Socket, error) {
	var n int
	err := ns.Do(func() (err error) {
		n, err = unix.Socket(family(six), kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto)
		return err
	})
	if err != nil {
		return nil, err
	}
	return Wrap(n)
}

// Wrap makes a Socket of a descriptor that does not block, and owns it then.
func Wrap(n int) (*Socket, error) {
	f := os.NewFile(uintptr(n), "socket")
	rc, err := f.SyscallConn()
	if err != nil {
		return nil, errors.Join(err, f.Close())
	}
	return &Socket{f, rc}, nil
}

// Close is close(2). Closing twice is harmless: servers and their host both close
// what is theirs.
func (s *Socket) Close() error {
	if err := s.f.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// Control runs f on the descriptor.
func (s *Socket) Control(f func(n int) error) error {
	var err error
	if cerr := s.rc.Control(func(n uintptr) { err = f(int(n)) }); cerr != nil {
		return cerr
	}
	return err
}

// AwaitRead runs f whenever the socket may be read from, until f is done or the
// deadline for reads is over.
func (s *Socket) AwaitRead(f func(n int) (done bool)) error {
	return s.rc.Read(func(n uintptr) bool { return f(int(n)) })
}

// AwaitWrite runs f whenever the socket may be written to, until f is done or the
// deadline for writes is over.
func (s *Socket) AwaitWrite(f func(n int) (done bool)) error {
	return s.rc.Write(func(n uintptr) bool { return f(int(n)) })
}

// Read is read(2), waiting for something to come.
func (s *Socket) Read(b []byte) (int, error) { return s.f.Read(b) }

// Write is write(2), until all is written.
func (s *Socket) Write(b []byte) (int, error) { return s.f.Write(b) }

// SetDeadline ends reads and writes at t; zero is never.
func (s *Socket) SetDeadline(t time.Time) error { return s.f.SetDeadline(t) }

// SetReadDeadline ends reads at t; zero is never.
func (s *Socket) SetReadDeadline(t time.Time) error { return s.f.SetReadDeadline(t) }

// SetWriteDeadline ends writes at t; zero is never.
func (s *Socket) SetWriteDeadline(t time.Time) error { return s.f.SetWriteDeadline(t) }
