//go:build linux

package socket

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"netrepro/engine/lab/netns"
)

// firstPort is where source ports begin that a script does not choose: the
// same in every run.
const firstPort = 40000

// Host is a node as endpoints see it.
type Host struct {
	name  string
	ns    *netns.NS
	addrs []netip.Addr

	mu     sync.Mutex
	port   int
	open   map[io.Closer]bool
	closed bool
}

// NewHost makes endpoints possible in ns, which has these addresses.
func NewHost(name string, ns *netns.NS, addrs ...netip.Addr) *Host {
	return &Host{name: name, ns: ns, addrs: addrs, port: firstPort, open: map[io.Closer]bool{}}
}

// Name is the node's name.
func (h *Host) Name() string { return h.name }

// Addr is the node's primary address.
func (h *Host) Addr() netip.Addr {
	if len(h.addrs) == 0 {
		return netip.Addr{}
	}
	return h.addrs[0]
}

// Has6 reports whether the host has an IPv6 address.
func (h *Host) Has6() bool { return slices.ContainsFunc(h.addrs, netip.Addr.Is6) }

// Keep registers c to be closed with the host, until [Host.Forget].
func (h *Host) Keep(c io.Closer) error {
	h.mu.Lock()
	closed := h.closed
	if !closed {
		h.open[c] = true
	}
	h.mu.Unlock()
	if closed { // without the lock: Close forgets c
		return errors.Join(fmt.Errorf("host %s is closed", h.name), c.Close())
	}
	return nil
}

// Forget undoes [Host.Keep].
func (h *Host) Forget(c io.Closer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.open, c)
}

// Close closes everything still open on the host, connections by reset.
func (h *Host) Close() error {
	h.mu.Lock()
	h.closed = true
	var all []io.Closer
	for c := range h.open {
		all = append(all, c)
	}
	h.mu.Unlock()
	var errs []error
	for _, c := range all { // before servers close theirs politely
		if conn, ok := c.(*Conn); ok {
			errs = append(errs, conn.abort())
		}
	}
	for _, c := range all {
		if _, ok := c.(*Conn); !ok {
			errs = append(errs, c.Close())
		}
	}
	return errors.Join(errs...)
}

// DialSpec says how to open a connection.
type DialSpec struct {
	To       netip.AddrPort
	From     netip.Addr // invalid is the kernel's choice
	FromPort int        // 0 takes the next of the host's own
	Options
}

// Pending is a socket on its way to be connected: its addresses are known.
type Pending struct {
	sock  *socket
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
			return nil, errors.Join(fmt.Errorf("connect %s to %s: %w", h.name, s.To, err), sock.f.Close())
		}
	}
	p := &Pending{sock: sock, host: h, to: s.To}
	if err := sock.Set(s.Options); err != nil {
		return nil, errors.Join(err, sock.f.Close())
	}
	err = sock.control(func(fd int) error {
		if err := unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_REUSEADDR, 1); err != nil {
			return err
		}
		port, err := h.bindPort(fd, local, s.FromPort)
		p.Local = netip.AddrPortFrom(local, uint16(port))
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("bind on %s: %w", h.name, err), sock.f.Close())
	}
	return p, nil
}

// source is the address that the kernel sends to an address from.
func (h *Host) source(to netip.AddrPort) (netip.Addr, error) {
	var fd int
	err := h.ns.Do(func() (err error) {
		fd, err = unix.Socket(family(to.Addr().Is6()), unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		return err
	})
	if err != nil {
		return netip.Addr{}, err
	}
	defer unix.Close(fd)
	if err := unix.Connect(fd, sockaddr(to)); err != nil {
		return netip.Addr{}, err
	}
	sa, err := unix.Getsockname(fd)
	return addrPort(sa).Addr(), err
}

func (h *Host) bindPort(fd int, local netip.Addr, asked int) (int, error) {
	if asked != 0 {
		return asked, unix.Bind(fd, sockaddr(netip.AddrPortFrom(local, uint16(asked))))
	}
	for range 65536 - firstPort {
		h.mu.Lock()
		port := h.port
		if h.port++; h.port > 65535 {
			h.port = firstPort
		}
		h.mu.Unlock()
		if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(local, uint16(port)))); !errors.Is(err, unix.EADDRINUSE) {
			return port, err
		}
	}
	return 0, unix.EADDRNOTAVAIL
}

// Connect completes the connection; ctx bounds how long it may take.
func (p *Pending) Connect(ctx context.Context) (*Conn, error) {
	if err := Within(ctx, p.sock.f.SetWriteDeadline, func() error { return p.connect(nil) }); err != nil {
		return nil, errors.Join(fmt.Errorf("connect %s to %s: %w", p.host.name, p.to, err), p.sock.f.Close())
	}
	return p.adopt()
}

// connect waits until the connection stands or has failed, or told, if it is not
// nil, reports that the socket was told something.
func (p *Pending) connect(told func() bool) error {
	var err error
	started := false
	werr := p.sock.rc.Write(func(fd uintptr) bool {
		if told != nil && told() {
			err = nil
			return true
		}
		if !started {
			started = true
			err = unix.Connect(int(fd), sockaddr(p.to))
			return !errors.Is(err, unix.EINPROGRESS)
		}
		// A spurious wake-up leaves no error and no peer: wait on.
		var n int
		if n, err = unix.GetsockoptInt(int(fd), unix.SOL_SOCKET, unix.SO_ERROR); err == nil && n != 0 {
			err = unix.Errno(n)
		}
		if err != nil {
			if told != nil && told() { // it came with the error
				err = nil
			}
			return true
		}
		_, perr := unix.Getpeername(int(fd))
		return perr == nil
	})
	if werr != nil {
		return werr
	}
	return err
}

// Probe connects, but an ICMP error that comes meanwhile ends it with that; the
// socket must have recverr.
func (p *Pending) Probe(ctx context.Context) (*Conn, *Fault, error) {
	var f *Fault
	told := func() (ok bool) {
		f, ok = p.sock.takeFault()
		return ok
	}
	err := Within(ctx, p.sock.f.SetWriteDeadline, func() error { return p.connect(told) })
	if f != nil || err != nil {
		return nil, f, errors.Join(err, p.sock.f.Close())
	}
	c, err := p.adopt()
	return c, nil, err
}

// adopt makes a connection of the socket that has become one.
func (p *Pending) adopt() (*Conn, error) {
	c, err := p.host.newConn(p.sock, p.to)
	if err != nil {
		return nil, errors.Join(err, p.sock.f.Close())
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
