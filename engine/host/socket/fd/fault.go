//go:build linux

package fd

import (
	"context"
	"encoding/binary"
	"net/netip"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

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

// TakeFault takes the next error of a socket with recverr, waiting for none.
func (s *Socket) TakeFault() (*Fault, bool) {
	buf, aux := make([]byte, 2048), make([]byte, 512)
	var on int
	err := s.Control(func(n int) (err error) {
		_, on, _, _, err = unix.Recvmsg(n, buf, aux, unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		return err
	})
	if err != nil {
		return nil, false
	}
	msgs, err := unix.ParseSocketControlMessage(aux[:on])
	if err != nil {
		return nil, false
	}
	for _, c := range msgs {
		four := c.Header.Level == unix.IPPROTO_IP && c.Header.Type == unix.IP_RECVERR
		six := c.Header.Level == unix.IPPROTO_IPV6 && c.Header.Type == unix.IPV6_RECVERR
		if !four && !six || len(c.Data) < int(unsafe.Sizeof(unix.SockExtendedErr{})) {
			continue
		}
		e := (*unix.SockExtendedErr)(unsafe.Pointer(&c.Data[0]))
		f := &Fault{Errno: syscall.Errno(e.Errno), Type: e.Type, Code: e.Code,
			Local: e.Origin == unix.SO_EE_ORIGIN_LOCAL, At: time.Now()}
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
func (s *Socket) Fault(ctx context.Context) (*Fault, error) {
	var out *Fault
	err := Within(ctx, s.f.SetReadDeadline, func() error {
		// An error in the queue makes the socket readable (EPOLLERR).
		return s.AwaitRead(func(int) bool {
			var ok bool
			out, ok = s.TakeFault()
			return ok
		})
	})
	return out, err
}
