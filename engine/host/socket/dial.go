//go:build linux

package socket

import (
	"context"
	"errors"
	"fmt"
	"net/netip"

	"golang.org/x/sys/unix"

	"netrepro/engine/host/socket/fd"
)

// DialSpec says how to open a connection.
type DialSpec struct {
	To       netip.AddrPort
	From     netip.Addr // invalid is the kernel's choice
	FromPort int        // 0 takes the next of the host's own
	Options
}

// Pending is a socket on its way to be connected: its addresses are known.
type Pending struct {
	sock  *fd.Socket
	host  *Host
	to    netip.AddrPort
	Local netip.AddrPort
}

// Bind makes the socket of a connection and fixes its source port, sending
// nothing yet.
func (h *Host) Bind(s DialSpec) (*Pending, error) {
	sock, err := h.newSocket(s.To.Addr().Is6())
	if err != nil {
		return nil, err
	}
	local := s.From
	if !local.IsValid() {
		if local, err = h.source(s.To); err != nil {
			return nil, errors.Join(fmt.Errorf("connect %s to %s: %w", h.name, s.To, err), sock.Close())
		}
	}
	p := &Pending{sock: sock, host: h, to: s.To}
	if err := s.Apply(sock); err != nil {
		return nil, errors.Join(err, sock.Close())
	}
	err = sock.Control(func(n int) error {
		if err := unix.SetsockoptInt(n, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return err
		}
		port, err := h.BindPort(n, local, s.FromPort)
		p.Local = netip.AddrPortFrom(local, uint16(port))
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bind on %s: %w", h.name, err), sock.Close())
	}
	return p, nil
}

// Connect completes the connection; ctx bounds how long it may take.
func (p *Pending) Connect(ctx context.Context) (*Conn, error) {
	if err := fd.Within(ctx, p.sock.SetWriteDeadline, func() error { return p.connect(nil) }); err != nil {
		return nil, errors.Join(fmt.Errorf("connect %s to %s: %w", p.host.name, p.to, err), p.sock.Close())
	}
	return p.adopt()
}

// connect waits until the connection stands or has failed, or told, if it is not
// nil, reports that the socket was told something.
func (p *Pending) connect(told func() bool) error {
	var err error
	started := false
	werr := p.sock.AwaitWrite(func(n int) bool {
		if told != nil && told() {
			err = nil
			return true
		}
		if !started {
			started = true
			err = unix.Connect(n, fd.Sockaddr(p.to))
			return !errors.Is(err, unix.EINPROGRESS)
		}
		// A spurious wake-up leaves no error and no peer: wait on.
		var code int
		if code, err = unix.GetsockoptInt(n, unix.SOL_SOCKET, unix.SO_ERROR); err == nil && code != 0 {
			err = unix.Errno(code)
		}
		if err != nil {
			if told != nil && told() { // it came with the error
				err = nil
			}
			return true
		}
		_, perr := unix.Getpeername(n)
		return perr == nil
	})
	if werr != nil {
		return werr
	}
	return err
}

// Probe connects, but an ICMP error that comes meanwhile ends it with that; the
// socket must have recverr.
func (p *Pending) Probe(ctx context.Context) (*Conn, *fd.Fault, error) {
	var f *fd.Fault
	told := func() (ok bool) {
		f, ok = p.sock.TakeFault()
		return ok
	}
	err := fd.Within(ctx, p.sock.SetWriteDeadline, func() error { return p.connect(told) })
	if f != nil || err != nil {
		return nil, f, errors.Join(err, p.sock.Close())
	}
	c, err := p.adopt()
	return c, nil, err
}

// adopt makes a connection of the socket that has become one.
func (p *Pending) adopt() (*Conn, error) {
	c, err := p.host.newConn(p.sock, p.to)
	if err != nil {
		return nil, errors.Join(err, p.sock.Close())
	}
	return c, p.host.Keep(c)
}

// Dial is Bind and Connect.
func (h *Host) Dial(ctx context.Context, s DialSpec) (*Conn, error) {
	p, err := h.Bind(s)
	if err != nil {
		return nil, err
	}
	return p.Connect(ctx)
}
