//go:build linux

package socket

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"net/netip"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// Protocols of datagram sockets.
const (
	UDP  = "udp"
	ICMP = "icmp" // raw: messages begin with the ICMP header, of either version of IP
)

// Datagram is a socket that sends and takes single messages.
type Datagram struct {
	*socket
	host  *Host
	proto string
	six   bool
	local netip.AddrPort
}

// Message is a datagram that came.
type Message struct {
	Data []byte // of ICMP, from its header on
	From netip.AddrPort
	TTL  int // or hop limit; 0 if the kernel did not say
	TOS  int
	At   time.Time
}

// DatagramSpec says what socket to open.
type DatagramSpec struct {
	Proto string
	Six   bool
	From  netip.Addr // invalid is any
	Port  int        // of UDP; 0 takes the next of the host's own
	To    netip.AddrPort
	Options
}

// Datagram opens a UDP or a raw ICMP socket. With To it is connected.
func (h *Host) Datagram(s DatagramSpec) (*Datagram, error) {
	six := s.Six || s.To.Addr().Is6()
	kind, proto := unix.SOCK_DGRAM, unix.IPPROTO_UDP
	if s.Proto == ICMP {
		kind, proto = unix.SOCK_RAW, unix.IPPROTO_ICMP
		if six {
			proto = unix.IPPROTO_ICMPV6
		}
	}
	var fd int
	err := h.ns.Do(func() (err error) {
		fd, err = unix.Socket(family(six), kind|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, proto)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open %s socket on %s: %w", s.Proto, h.name, err)
	}
	sock, err := wrap(fd)
	if err != nil {
		return nil, err
	}
	d := &Datagram{socket: sock, host: h, proto: s.Proto, six: six}
	if err := d.prepare(s); err != nil {
		return nil, errors.Join(fmt.Errorf("open %s socket on %s: %w", s.Proto, h.name, err), sock.f.Close())
	}
	return d, h.Keep(d)
}

func (d *Datagram) prepare(s DatagramSpec) error {
	if err := d.Set(s.Options); err != nil {
		return err
	}
	local := s.From
	if !local.IsValid() {
		local = netip.IPv4Unspecified()
		if d.six {
			local = netip.IPv6Unspecified()
		}
	}
	return d.control(func(fd int) error {
		level, ttl, tos := unix.IPPROTO_IP, unix.IP_RECVTTL, unix.IP_RECVTOS
		if d.six {
			level, ttl, tos = unix.IPPROTO_IPV6, unix.IPV6_RECVHOPLIMIT, unix.IPV6_RECVTCLASS
		}
		for _, key := range []int{ttl, tos} {
			if err := unix.SetsockoptInt(fd, level, key, 1); err != nil {
				return err
			}
		}
		switch {
		case d.proto == UDP:
			if _, err := d.host.bindPort(fd, local, s.Port); err != nil {
				return err
			}
		case s.From.IsValid():
			if err := unix.Bind(fd, sockaddr(netip.AddrPortFrom(local, 0))); err != nil {
				return err
			}
		}
		if s.To.IsValid() {
			if err := unix.Connect(fd, sockaddr(s.To)); err != nil {
				return err
			}
		}
		sa, err := unix.Getsockname(fd)
		d.local = addrPort(sa)
		return err
	})
}

// Local is its own address.
func (d *Datagram) Local() netip.AddrPort { return d.local }

// Host is where it lives.
func (d *Datagram) Host() *Host { return d.host }

// Send sends one message; to is invalid for a connected socket.
func (d *Datagram) Send(to netip.AddrPort, data []byte) error {
	var err error
	werr := d.rc.Write(func(fd uintptr) bool {
		var sa unix.Sockaddr
		if to.IsValid() {
			sa = sockaddr(to)
		}
		err = unix.Sendto(int(fd), data, 0, sa)
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
func (d *Datagram) Receive(ctx context.Context) (*Message, error) {
	var m *Message
	err := Within(ctx, d.f.SetReadDeadline, func() (err error) {
		m, _, err = d.take(0)
		return err
	})
	return m, err
}

// take reads one message, or with MSG_ERRQUEUE an error, waiting only for
// messages.
func (d *Datagram) take(flags int) (m *Message, oob []byte, err error) {
	buf, aux := make([]byte, maxDatagram), make([]byte, 512)
	rerr := d.rc.Read(func(fd uintptr) bool {
		var n, on int
		var sa unix.Sockaddr
		n, on, _, sa, err = unix.Recvmsg(int(fd), buf, aux, flags|unix.MSG_DONTWAIT)
		if err != nil {
			return !errors.Is(err, unix.EAGAIN) || flags != 0
		}
		m = &Message{Data: buf[:n], From: addrPort(sa), At: time.Now()}
		oob = aux[:on]
		return true
	})
	if rerr != nil {
		return nil, nil, rerr
	}
	if err != nil {
		return nil, nil, err
	}
	m.read(oob)
	if d.proto == ICMP && !d.six && flags == 0 {
		m.strip()
	}
	return m, oob, nil
}

// strip takes the IPv4 header off, which raw sockets leave on.
func (m *Message) strip() {
	if len(m.Data) < 20 {
		return
	}
	m.TTL = int(m.Data[8])
	m.TOS = int(m.Data[1])
	m.Data = m.Data[min(int(m.Data[0]&15)*4, len(m.Data)):]
}

func (m *Message) read(oob []byte) {
	msgs, err := unix.ParseSocketControlMessage(oob)
	if err != nil {
		return
	}
	for _, c := range msgs {
		number := func() int {
			if len(c.Data) >= 4 {
				return int(binary.NativeEndian.Uint32(c.Data))
			}
			return int(c.Data[0])
		}
		switch {
		case len(c.Data) == 0:
		case c.Header.Level == unix.IPPROTO_IP && c.Header.Type == unix.IP_TTL, c.Header.Level == unix.IPPROTO_IPV6 && c.Header.Type == unix.IPV6_HOPLIMIT:
			m.TTL = number()
		case c.Header.Level == unix.IPPROTO_IP && c.Header.Type == unix.IP_TOS, c.Header.Level == unix.IPPROTO_IPV6 && c.Header.Type == unix.IPV6_TCLASS:
			m.TOS = number()
		}
	}
}

// Fault is an ICMP error that a socket with recverr was told of (ip(7),
// IP_RECVERR).
type Fault struct {
	Errno      syscall.Errno
	Type, Code uint8
	Local      bool       // it came from this kernel, not from the network
	From       netip.Addr // who sent the ICMP message
	MTU        int        // of "too big"
	At         time.Time
}

// Faults takes the next error of a socket with recverr, waiting for none.
func (s *socket) takeFault() (*Fault, bool) {
	buf, aux := make([]byte, 2048), make([]byte, 512)
	var on int
	var err error
	if cerr := s.rc.Control(func(fd uintptr) {
		_, on, _, _, err = unix.Recvmsg(int(fd), buf, aux, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
	}); cerr != nil || err != nil {
		return nil, false
	}
	msgs, err := unix.ParseSocketControlMessage(aux[:on])
	if err != nil {
		return nil, false
	}
	for _, c := range msgs {
		if (c.Header.Type != unix.IP_RECVERR || c.Header.Level != unix.IPPROTO_IP) && (c.Header.Type != unix.IPV6_RECVERR || c.Header.Level != unix.IPPROTO_IPV6) ||
			len(c.Data) < int(unsafe.Sizeof(unix.SockExtendedErr{})) {
			continue
		}
		e := (*unix.SockExtendedErr)(unsafe.Pointer(&c.Data[0]))
		f := &Fault{Errno: syscall.Errno(e.Errno), Type: e.Type, Code: e.Code, Local: e.Origin == unix.SO_EE_ORIGIN_LOCAL, At: time.Now()}
		if e.Errno == uint32(unix.EMSGSIZE) {
			f.MTU = int(e.Info)
		}
		// The offender's address follows (SO_EE_OFFENDER).
		rest := c.Data[unsafe.Sizeof(*e):]
		switch {
		case len(rest) >= unix.SizeofSockaddrInet4 && binary.NativeEndian.Uint16(rest) == unix.AF_INET:
			f.From = netip.AddrFrom4([4]byte(rest[4:8]))
		case len(rest) >= unix.SizeofSockaddrInet6 && binary.NativeEndian.Uint16(rest) == unix.AF_INET6:
			f.From = netip.AddrFrom16([16]byte(rest[8:24])).Unmap()
		}
		return f, true
	}
	return nil, false
}

// Fault waits for the next ICMP error of a socket with recverr; ctx bounds how
// long.
func (s *socket) Fault(ctx context.Context) (*Fault, error) {
	var out *Fault
	err := Within(ctx, s.f.SetReadDeadline, func() error {
		// An error in the queue makes the socket readable (EPOLLERR).
		return s.rc.Read(func(uintptr) bool {
			var ok bool
			out, ok = s.takeFault()
			return ok
		})
	})
	return out, err
}

// Either waits for a message or an ICMP error, whichever comes first.
func (d *Datagram) Either(ctx context.Context) (m *Message, f *Fault, err error) {
	err = Within(ctx, d.f.SetReadDeadline, func() error {
		var inner error
		rerr := d.rc.Read(func(fd uintptr) bool {
			var ok bool
			if f, ok = d.takeFault(); ok {
				return true
			}
			buf, aux := make([]byte, maxDatagram), make([]byte, 512)
			n, on, _, sa, rerr := unix.Recvmsg(int(fd), buf, aux, unix.MSG_DONTWAIT)
			if errors.Is(rerr, unix.EAGAIN) {
				return false
			}
			if rerr != nil {
				// The error that the queue tells more of.
				if f, ok = d.takeFault(); !ok {
					inner = rerr
				}
				return true
			}
			m = &Message{Data: buf[:n], From: addrPort(sa), At: time.Now()}
			m.read(aux[:on])
			if d.proto == ICMP && !d.six {
				m.strip()
			}
			return true
		})
		return errors.Join(rerr, inner)
	})
	return m, f, err
}

// Close closes the socket.
func (d *Datagram) Close() error {
	d.host.Forget(d)
	return d.close()
}
