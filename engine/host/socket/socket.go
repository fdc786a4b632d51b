//go:build linux

package socket

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"os"
	"sync"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// socket is a TCP socket with the kernel's defaults, none of Go's, that waits
// through the runtime's poller.
type socket struct {
	f  *os.File
	rc syscall.RawConn
}

// family is the socket family of an IP version.
func family(six bool) int {
	if six {
		return unix.AF_INET6
	}
	return unix.AF_INET
}

// newSocket makes a socket in the namespace of h.
func (h *Host) newSocket(six bool) (*socket, error) {
	var fd int
	err := h.ns.Do(func() (err error) {
		fd, err = unix.Socket(family(six), unix.SOCK_STREAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_TCP)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open socket on %s: %w", h.name, err)
	}
	return wrap(fd)
}

func wrap(fd int) (*socket, error) {
	f := os.NewFile(uintptr(fd), "socket")
	rc, err := f.SyscallConn()
	if err != nil {
		_ = f.Close()
		return nil, err
	}
	return &socket{f, rc}, nil
}

// close is close(2), once: servers and the host both close what is theirs.
func (s *socket) close() error {
	if err := s.f.Close(); err != nil && !errors.Is(err, os.ErrClosed) {
		return err
	}
	return nil
}

// control runs f on the descriptor.
func (s *socket) control(f func(fd int) error) error {
	var err error
	if cerr := s.rc.Control(func(fd uintptr) { err = f(int(fd)) }); cerr != nil {
		return cerr
	}
	return err
}

// Conn is a TCP connection. It is a net.Conn.
//
// While it is open its socket lingers for no time, so that a process that is
// killed leaves no orphan to hold its namespace; Close sets what was asked for
// before it closes. The option acts in close(2) alone.
type Conn struct {
	socket
	host          *Host
	local, remote netip.AddrPort

	mu     sync.Mutex
	linger *time.Duration // as asked for; nil is off, the kernel's default
}

// newConn adopts a connected socket.
func (h *Host) newConn(s *socket, remote netip.AddrPort) (*Conn, error) {
	c := &Conn{socket: *s, host: h, remote: remote}
	err := c.control(func(fd int) error {
		sa, err := unix.Getsockname(fd)
		if err != nil {
			return err
		}
		c.local = addrPort(sa)
		l, err := unix.GetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER)
		if err == nil && l.Onoff != 0 { // asked for at dial, or of the listener
			d := time.Duration(l.Linger) * time.Second
			c.linger = &d
		}
		return setLinger(fd, new(time.Duration))
	})
	return c, err
}

func addrPort(sa unix.Sockaddr) netip.AddrPort {
	switch a := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port))
	}
	return netip.AddrPort{}
}

func sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is6() {
		return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}
	}
	return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
}

// Read implements net.Conn.
func (c *Conn) Read(b []byte) (int, error) { return c.f.Read(b) }

// Write implements net.Conn.
func (c *Conn) Write(b []byte) (int, error) { return c.f.Write(b) }

// Close implements net.Conn: close(2), with whatever linger is set.
func (c *Conn) Close() error {
	c.host.Forget(c)
	c.mu.Lock()
	linger := c.linger
	c.mu.Unlock()
	_ = c.control(func(fd int) error { return setLinger(fd, linger) }) // closed already is no news here
	return c.close()
}

// Set applies o; linger is kept for Close.
func (c *Conn) Set(o Options) error {
	if o.Linger != nil {
		c.mu.Lock()
		c.linger = o.Linger
		c.mu.Unlock()
		o.Linger = nil
	}
	return c.socket.Set(o)
}

// Abort resets the connection, whatever linger is set.
func (c *Conn) Abort() error {
	c.host.Forget(c)
	return c.abort()
}

// abort closes the connection at once, whatever linger is set.
func (c *Conn) abort() error {
	_ = c.control(func(fd int) error { return setLinger(fd, new(time.Duration)) })
	return c.close()
}

// Disconnect breaks the association as connect(2) to AF_UNSPEC does
// (tcp_disconnect), and closes the socket.
func (c *Conn) Disconnect() error {
	err := c.control(func(fd int) error {
		var sa unix.RawSockaddr // family 0 is AF_UNSPEC, which x/sys has no type for
		_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(fd), uintptr(unsafe.Pointer(&sa)), unsafe.Sizeof(sa))
		if errno != 0 {
			return fmt.Errorf("disconnect: %w", errno)
		}
		return nil
	})
	return errors.Join(err, c.Close())
}

// Vanish closes the connection without a word, as a machine does that loses its
// power: a socket under TCP_REPAIR sends nothing when it is closed.
func (c *Conn) Vanish() error {
	err := c.control(func(fd int) error { return unix.SetsockoptInt(fd, unix.IPPROTO_TCP, unix.TCP_REPAIR, 1) })
	if err != nil {
		return fmt.Errorf("set TCP_REPAIR: %w", err)
	}
	return c.Close()
}

// Host is where this side lives.
func (c *Conn) Host() *Host { return c.host }

// Local is the connection's own address.
func (c *Conn) Local() netip.AddrPort { return c.local }

// Remote is the peer's address.
func (c *Conn) Remote() netip.AddrPort { return c.remote }

// LocalAddr implements net.Conn.
func (c *Conn) LocalAddr() net.Addr { return net.TCPAddrFromAddrPort(c.local) }

// RemoteAddr implements net.Conn.
func (c *Conn) RemoteAddr() net.Addr { return net.TCPAddrFromAddrPort(c.remote) }

// SetDeadline implements net.Conn.
func (c *Conn) SetDeadline(t time.Time) error { return c.f.SetDeadline(t) }

// SetReadDeadline implements net.Conn.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.f.SetReadDeadline(t) }

// SetWriteDeadline implements net.Conn.
func (c *Conn) SetWriteDeadline(t time.Time) error { return c.f.SetWriteDeadline(t) }

// WaitReadable waits until a read would not block, taking nothing.
func (c *Conn) WaitReadable() error {
	var err error
	rerr := c.rc.Read(func(fd uintptr) bool {
		var b [1]byte
		_, _, err = unix.Recvfrom(int(fd), b[:], unix.MSG_PEEK)
		return !errors.Is(err, unix.EAGAIN)
	})
	if rerr != nil {
		return rerr
	}
	return err
}

// Readable reports whether there are bytes to read now. The end of the stream is
// none.
func (c *Conn) Readable() bool {
	n := 0
	_ = c.control(func(fd int) (err error) { // closed has none
		n, err = unix.IoctlGetInt(fd, unix.TIOCINQ)
		return err
	})
	return n > 0
}

// Ended reports whether the peer has closed or reset the connection.
func (c *Conn) Ended() bool {
	i, err := c.Info()
	return err != nil || i.State != established
}

// established is TCP_ESTABLISHED (include/net/tcp_states.h).
const established = 1

// Shutdown closes one direction: "read", "write" or "both" (shutdown(2)).
func (c *Conn) Shutdown(how string) error {
	n, ok := map[string]int{"read": unix.SHUT_RD, "write": unix.SHUT_WR, "both": unix.SHUT_RDWR}[how]
	if !ok {
		return fmt.Errorf("shutdown %q: want read, write or both", how)
	}
	return c.control(func(fd int) error { return unix.Shutdown(fd, n) })
}

// Info reads TCP_INFO (tcp(7)).
func (c *Conn) Info() (info *unix.TCPInfo, err error) {
	err = c.control(func(fd int) (err error) {
		info, err = unix.GetsockoptTCPInfo(fd, unix.IPPROTO_TCP, unix.TCP_INFO)
		return err
	})
	return info, err
}
