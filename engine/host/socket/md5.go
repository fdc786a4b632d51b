//go:build linux

package socket

import (
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"

	"netrepro/engine/host/socket/fd"
)

// apply has every segment to and from the address signed with the key (RFC 2385); an
// empty key ends that. It must be set before listen or connect.
func (k MD5Key) apply(s *fd.Socket) error {
	peer, key := k.Peer, k.Key
	sig := unix.TCPMD5Sig{Keylen: uint16(len(key))}
	if len(key) > len(sig.Key) {
		return fmt.Errorf("set MD5 key: it has %d bytes, and %d are the most", len(key), len(sig.Key))
	}
	copy(sig.Key[:], key)
	if peer.Is6() {
		*(*unix.RawSockaddrInet6)(unsafe.Pointer(&sig.Addr)) = unix.RawSockaddrInet6{Family: unix.AF_INET6,
			Addr: peer.As16()}
	} else {
		*(*unix.RawSockaddrInet4)(unsafe.Pointer(&sig.Addr)) = unix.RawSockaddrInet4{Family: unix.AF_INET,
			Addr: peer.As4()}
	}
	return s.Control(func(fd int) error {
		if err := unix.SetsockoptTCPMD5Sig(fd, unix.IPPROTO_TCP, unix.TCP_MD5SIG, &sig); err != nil {
			return fmt.Errorf("set MD5 key for %s: %w", peer, err)
		}
		return nil
	})
}
