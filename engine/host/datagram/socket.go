//go:build linux

// Package datagram is UDP and raw ICMP sockets on the hosts of a lab, which send and
// take single messages and are told of ICMP errors.
//
// Invariant: every socket belongs to one host and is closed with it; no call waits
// longer than its context.
package datagram

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"time"

	"golang.org/x/sys/unix"

	"netrepro/engine/host/socket"
	"netrepro/engine/host/socket/fd"
)

// Protocols of datagram sockets.
const (
	UDP  = "udp"
	ICMP = "icmp" // raw: messages begin with the ICMP header, of either version of IP
)

// Socket is a socket that sends and takes single messages.
type Socket struct {
	*fd.Socket
	host  *socket.Host
	proto string
	six   bool
	local netip.AddrPort
}

// Spec says what socket to open.
type Spec struct {
	Proto string
	Six   bool
	From  netip.Addr // invalid is any
	Port  int        // of UDP; 0 takes the next of the host's own
	To    netip.AddrPort
	socket.Options
}

// Open opens a UDP or a raw ICMP socket on a host. With To it is connected.
func Open(h *socket.Host, s Spec) (*Socket, error) {
	six := s.Six || s.To.Addr().Is6()
	kind, proto := unix.SOCK_DGRAM, unix.IPPROTO_UDP
	if s.Proto == ICMP {
		kind, proto = unix.SOCK_RAW, unix.IPPROTO_ICMP
		if six {
			proto = unix.IPPROTO_ICMPV6
		}
	}
	sock, err := h.Open(six, kind, proto)
	if err != nil {
		return nil, fmt.Errorf("open %s socket on %s: %w", s.Proto, h.Name(), err)
	}
	d := &Socket{Socket: sock, host: h, proto: s.Proto, six: six}
	if err := d.prepare(s); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s socket on %s: %w", s.Proto, h.Name(), err), sock.Close())
	}
	return d, h.Keep(d)
}

func (d *Socket) prepare(s Spec) error {
	if err := s.Apply(d.Socket); err != nil {
		return err
	}
	local := s.From
	if !local.IsValid() {
		local = netip.IPv4Unspecified()
		if d.six {
			local = netip.IPv6Unspecified()
		}
	}
	return d.Control(func(n int) error {
		level, ttl, tos := unix.IPPROTO_IP, unix.IP_RECVTTL, unix.IP_RECVTOS
		if d.six {
			level, ttl, tos = unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, unix.IPV6_RECVTCLASS
		}
		for _, key := range []int{ttl, tos} {
			if err := unix.SetsockoptInt(n, level, key, 1); err != nil {
				return err
			}
		}
		switch {
		case d.proto == UDP:
			if _, err := d.host.BindPort(n, local, s.Port); err != nil {
				return err
			}
		case s.From.IsValid():
			if err := unix.Bind(n, fd.Sockaddr(netip.AddrPortFrom(local, 0))); err != nil {
				return err
			}
		}
		if s.To.IsValid() {
			if err := unix.Connect(n, fd.Sockaddr(s.To)); err != nil {
				return err
			}
		}
		sa, err := unix.Getsockname(n)
		d.local = fd.AddrPort(sa)
		return err
	})
}

// Local is its own address.
func (d *Socket) Local() netip.AddrPort { return d.local }

// Send sends one message; to is invalid for a connected socket.
func (d *Socket) Send(to netip.AddrPort, data []byte) error {
	var err error
	werr := d.AwaitWrite(func(n int) bool {
		var sa unix.Sockaddr
		if to.IsValid() {
			sa = fd.Sockaddr(to)
		}
		err = unix.Sendto(n, data, 0, sa)
		return !errors.Is(err, unix.EAGAIN)
	})
	if werr != nil {
		return werr
	}
	return err
}

// maxDatagram is the largest IP packet.
const maxDatagram = 1 << 16

// Receive takes the next message; ctx bounds how long it waits. A pending error
// of the socket, such as ECONNREFUSED, is returned instead.
func (d *Socket) Receive(ctx context.Context) (*Message, error) {
	var m *Message
	err := fd.Within(ctx, d.SetReadDeadline, func() error {
		var err error
		rerr := d.AwaitRead(func(n int) bool {
			m, err = d.take(n)
			return !errors.Is(err, unix.EAGAIN)
		})
		if rerr != nil { // err is then the last EAGAIN before the deadline
			return rerr
		}
		return err
	})
	return m, err
}

// Either waits for a message or an ICMP error, whichever comes first.
func (d *Socket) Either(ctx context.Context) (m *Message, f *fd.Fault, err error) {
	err = fd.Within(ctx, d.SetReadDeadline, func() error {
		var inner error
		rerr := d.AwaitRead(func(n int) bool {
			var ok bool
			if f, ok = d.TakeFault(); ok {
				return true
			}
			var err error
			if m, err = d.take(n); errors.Is(err, unix.EAGAIN) {
				return false
			}
			if err != nil {
				// The error that the queue tells more of.
				if f, ok = d.TakeFault(); !ok {
					inner = err
				}
			}
			return true
		})
		return errors.Join(rerr, inner)
	})
	return m, f, err
}

// take reads one message from the descriptor, waiting for none.
func (d *Socket) take(n int) (*Message, error) {
	buf, aux := make([]byte, maxDatagram), make([]byte, 512)
	size, on, _, sa, err := unix.Recvmsg(n, buf, aux, unix.MSG_DONTWAIT)
	if err != nil {
		return nil, err
	}
	m := &Message{Data: buf[:size], From: fd.AddrPort(sa), At: time.Now()}
	m.read(aux[:on])
	if d.proto == ICMP && !d.six {
		m.strip()
	}
	return m, nil
}

// Close closes the socket.
func (d *Socket) Close() error {
	d.host.Forget(d)
	return d.Socket.Close()
}
