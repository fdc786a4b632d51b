//go:build linux

package socket

import (
	"errors"
	"fmt"
	"net"
	"net/netip"
	"sync"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"

	"netrepro/engine/host/socket/fd"
)

// Conn is a TCP connection. It is a net.Conn.
//
// While it is open its socket lingers for no time, so that a process that is
// killed leaves no orphan to hold its namespace; Close sets what was asked for
// before it closes. The option acts in close(2) alone.
type Conn struct {
	*fd.Socket
	host          *Host
	local, remote netip.AddrPort

	mu     sync.Mutex
	linger *time.Duration // as asked for; nil is off, the kernel's default
}

// newConn adopts a connected socket.
func (h *Host) newConn(s *fd.Socket, remote netip.AddrPort) (*Conn, error) {
	c := &Conn{Socket: s, host: h, remote: remote}
	err := c.Control(func(n int) error {
		sa, err := unix.Getsockname(n)
		if err != nil {
			return err
		}
		c.local = fd.AddrPort(sa)
		l, err := unix.GetsockoptLinger(n, unix.SOL_SOCKET, unix.SO_LINGER)
		if err == nil && l.Onoff != 0 { // asked for at dial, or of the listener
			d := time.Duration(l.Linger) * time.Second
			c.linger = &d
		}
		return setLinger(n, new(time.Duration))
	})
	return c, err
}

// Close implements net.Conn: close(2), with whatever linger is set.
func (c *Conn) Close() error {
	c.host.Forget(c)
	c.mu.Lock()
	linger := c.linger
	c.mu.Unlock()
	_ = c.Control(func(n int) error { return setLinger(n, linger) }) // closed already is no news here
	return c.Socket.Close()
}

// Set applies o; linger is kept for Close.
func (c *Conn) Set(o Options) error {
	if o.Linger != nil {
		c.mu.Lock()
		c.linger = o.Linger
		c.mu.Unlock()
		o.Linger = nil
	}
	return o.Apply(c.Socket)
}

// Abort resets the connection, whatever linger is set.
func (c *Conn) Abort() error {
	c.host.Forget(c)
	return c.abort()
}

// abort closes the connection at once, whatever linger is set.
func (c *Conn) abort() error {
	_ = c.Control(func(n int) error { return setLinger(n, new(time.Duration)) })
	return c.Socket.Close()
}

// Disconnect breaks the association as connect(2) to AF_UNSPEC does
// (tcp_disconnect), and closes the socket.
func (c *Conn) Disconnect() error {
	err := c.Control(func(n int) error {
		var sa unix.RawSockaddr // family 0 is AF_UNSPEC, which x/sys has no type for
		_, _, errno := unix.Syscall(unix.SYS_CONNECT, uintptr(n), uintptr(unsafe.Pointer(&sa)), unsafe.Sizeof(sa))
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
	err := c.Control(func(n int) error { return unix.SetsockoptInt(n, unix.IPPROTO_TCP, unix.TCP_REPAIR, 1) })
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

// WaitReadable waits until a read would not block, taking nothing.
func (c *Conn) WaitReadable() error {
	var err error
	rerr := c.AwaitRead(func(n int) bool {
		var b [1]byte
		_, _, err = unix.Recvfrom(n, b[:], unix.MSG_PEEK)
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
	waiting := 0
	_ = c.Control(func(n int) (err error) { // closed has none
		waiting, err = unix.IoctlGetInt(n, unix.TIOCINQ)
		return err
	})
	return waiting > 0
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
	direction, ok := map[string]int{"read": unix.SHUT_RD, "write": unix.SHUT_WR, "both": unix.SHUT_RDWR}[how]
	if !ok {
		return fmt.Errorf("shutdown %q: want read, write or both", how)
	}
	return c.Control(func(n int) error { return unix.Shutdown(n, direction) })
}

// Info reads TCP_INFO (tcp(7)).
func (c *Conn) Info() (info *unix.TCPInfo, err error) {
	err = c.Control(func(n int) (err error) {
		info, err = unix.GetsockoptTCPInfo(n, unix.IPPROTO_TCP, unix.TCP_INFO)
		return err
	})
	return info, err
}
