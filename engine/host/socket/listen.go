//go:build linux

package socket

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"

	"golang.org/x/sys/unix"

	"netrepro/engine/host/socket/fd"
)

// Listener is a listening socket. It is a net.Listener.
type Listener struct {
	*fd.Socket
	host *Host
	port int
}

// defaultBacklog is the accept queue a listener gets unless asked otherwise,
// the kernel's own limit since Linux 5.4 (net.core.somaxconn).
const defaultBacklog = 4096

// Listen opens a listener on every address of the host.
func (h *Host) Listen(port, backlog int, o Options) (*Listener, error) {
	return h.ListenAt(netip.Addr{}, port, backlog, o)
}

// ListenAt opens a listener on one address; an invalid one is all.
func (h *Host) ListenAt(at netip.Addr, port, backlog int, o Options) (*Listener, error) {
	if !at.IsValid() {
		at = netip.IPv4Unspecified()
		if h.Has6() {
			at = netip.IPv6Unspecified() // takes IPv4 too, as net.ipv6.bindv6only says
		}
	}
	sock, err := h.newSocket(at.Is6())
	if err != nil {
		return nil, err
	}
	if backlog <= 0 {
		backlog = defaultBacklog
	}
	if err := o.Apply(sock); err != nil {
		return nil, errors.Join(err, sock.Close())
	}
	err = sock.Control(func(n int) error {
		if err := unix.SetsockoptInt(n, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return err
		}
		if err := unix.Bind(n, fd.Sockaddr(netip.AddrPortFrom(at, uint16(port)))); err != nil {
			return err
		}
		return unix.Listen(n, backlog)
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("listen on %s port %d: %w", h.name, port, err), sock.Close())
	}
	l := &Listener{Socket: sock, host: h, port: port}
	return l, h.Keep(l)
}

// Port is where it listens.
func (l *Listener) Port() int { return l.port }

// Host is where it lives.
func (l *Listener) Host() *Host { return l.host }

// Accept implements net.Listener.
func (l *Listener) Accept() (net.Conn, error) { return l.accept() }

// AcceptContext takes the next connection; ctx bounds how long it may take.
func (l *Listener) AcceptContext(ctx context.Context) (*Conn, error) {
	var c *Conn
	err := fd.Within(ctx, l.SetReadDeadline, func() (err error) {
		c, err = l.accept()
		return err
	})
	return c, err
}

func (l *Listener) accept() (*Conn, error) {
	var peer int
	var sa unix.Sockaddr
	var err error
	rerr := l.AwaitRead(func(n int) bool {
		for {
			peer, sa, err = unix.Accept4(n, unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC)
			if !errors.Is(err, unix.EINTR) && !errors.Is(err, unix.ECONNABORTED) {
				return !errors.Is(err, unix.EAGAIN)
			}
		}
	})
	if rerr != nil { // err is then the last EAGAIN before the deadline
		err = rerr
	}
	if err != nil {
		return nil, fmt.Errorf("accept on %s port %d: %w", l.host.name, l.port, err)
	}
	s, err := fd.Wrap(peer)
	if err != nil {
		return nil, err
	}
	c, err := l.host.newConn(s, fd.AddrPort(sa))
	if err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return c, l.host.Keep(c)
}

// Addr implements net.Listener.
func (l *Listener) Addr() net.Addr {
	return net.TCPAddrFromAddrPort(netip.AddrPortFrom(l.host.Addr(), uint16(l.port)))
}

// Close implements net.Listener.
func (l *Listener) Close() error {
	l.host.Forget(l)
	return l.Socket.Close()
}
