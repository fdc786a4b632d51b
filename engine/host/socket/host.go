//go:build linux

package socket

import (
	"errors"
	"fmt"
	"io"
	"maps"
	"net/netip"
	"slices"
	"sync"

	"golang.org/x/sys/unix"

	"netrepro/engine/host/socket/fd"
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

// Kept are those that are registered.
func (h *Host) Kept() []io.Closer {
	h.mu.Lock()
	defer h.mu.Unlock()
	return slices.Collect(maps.Keys(h.open))
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

// Open opens a socket of this kind and protocol in the host's namespace (socket(2)).
func (h *Host) Open(six bool, kind, proto int) (*fd.Socket, error) {
	return fd.Open(h.ns, six, kind, proto)
}

// newSocket opens a TCP socket.
func (h *Host) newSocket(six bool) (*fd.Socket, error) {
	sock, err := h.Open(six, unix.SOCK_STREAM, unix.IPPROTO_TCP)
	if err != nil {
		return nil, fmt.Errorf("open socket on %s: %w", h.name, err)
	}
	return sock, nil
}

// source is the address that the kernel sends to an address from.
func (h *Host) source(to netip.AddrPort) (netip.Addr, error) {
	sock, err := h.Open(to.Addr().Is6(), unix.SOCK_DGRAM, 0)
	if err != nil {
		return netip.Addr{}, err
	}
	var from netip.Addr
	err = sock.Control(func(n int) error {
		if err := unix.Connect(n, fd.Sockaddr(to)); err != nil {
			return err
		}
		sa, err := unix.Getsockname(n)
		from = fd.AddrPort(sa).Addr()
		return err
	})
	return from, errors.Join(err, sock.Close())
}

// BindPort binds the socket n to a port of an address and returns the port: the one
// that is asked for, or for 0 the next of the host's own.
func (h *Host) BindPort(n int, local netip.Addr, asked int) (int, error) {
	if asked != 0 {
		return asked, unix.Bind(n, fd.Sockaddr(netip.AddrPortFrom(local, uint16(asked))))
	}
	for range 65536 - firstPort {
		h.mu.Lock()
		port := h.port
		if h.port++; h.port > 65535 {
			h.port = firstPort
		}
		h.mu.Unlock()
		err := unix.Bind(n, fd.Sockaddr(netip.AddrPortFrom(local, uint16(port))))
		if !errors.Is(err, unix.EADDRINUSE) {
			return port, err
		}
	}
	return 0, unix.EADDRNOTAVAIL
}
