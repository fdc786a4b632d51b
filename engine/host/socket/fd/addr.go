//go:build linux

package fd

import (
	"net/netip"

	"golang.org/x/sys/unix"
)

// AddrPort is the address that the kernel gives, of either version of IP; invalid if
// it is of another family.
func AddrPort(sa unix.Sockaddr) netip.AddrPort {
	switch a := sa.(type) {
	case *unix.SockaddrInet4:
		return netip.AddrPortFrom(netip.AddrFrom4(a.Addr), uint16(a.Port))
	case *unix.SockaddrInet6:
		return netip.AddrPortFrom(netip.AddrFrom16(a.Addr).Unmap(), uint16(a.Port))
	}
	return netip.AddrPort{}
}

// Sockaddr is a as the kernel takes it.
func Sockaddr(a netip.AddrPort) unix.Sockaddr {
	if a.Addr().Is6() {
		return &unix.SockaddrInet6{Addr: a.Addr().As16(), Port: int(a.Port())}
	}
	return &unix.SockaddrInet4{Addr: a.Addr().As4(), Port: int(a.Port())}
}

// family is the socket family of an IP version.
func family(six bool) int {
	if six {
		return unix.AF_INET6
	}
	return unix.AF_INET
}
