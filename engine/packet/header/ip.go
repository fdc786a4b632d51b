package header

import "net/netip"

// Version is the version of IP that a packet says it is of, 0 if it is empty.
func Version(b []byte) int {
	if len(b) == 0 {
		return 0
	}
	return int(IPv4Head.Get(b) >> 4)
}

// IPv4HeadLen is the length of the IPv4 header that b begins with, in bytes, as it
// says.
func IPv4HeadLen(b []byte) int { return int(IPv4Head.Get(b)&15) * 4 }

// FragmentPlace is what an IPv6 fragment header says: where the fragment begins in
// its datagram, in bytes, and whether more of the datagram follows.
func FragmentPlace(b []byte) (from int, more bool) {
	field := FragmentField.Get(b)
	return int(field & fragmentOffset), field&fragmentMore != 0
}

// AuthLen is the length of the authentication header that b begins with (RFC 4302), in
// bytes, as it says; 0 if b is shorter than any.
func AuthLen(b []byte) int {
	if len(b) < authLeast {
		return 0
	}
	return 8 + int(ExtLength.Get(b))*4
}

// authLeast is the length of an authentication header without what it checks.
const authLeast = 12

// TCPHeadLen is the length of the TCP header that b begins with, in bytes, as it
// says.
func TCPHeadLen(b []byte) int { return int(TCPHead.Get(b)>>4) * 4 }

// IPHead is what the header of an IP packet says of its ends, whatever became of
// the rest of the packet.
type IPHead struct {
	Src, Dst netip.Addr
	Proto    uint8 // what follows the header: of IPv6 an extension header may
	// Rest is what follows the header, nil if the header says that it is longer
	// than b.
	Rest []byte
}

// ReadIP reads the header of an IP packet, of which ICMP errors quote as little as
// the header and eight bytes; ok is false if b does not begin with one.
func ReadIP(b []byte) (h IPHead, ok bool) {
	switch v := Version(b); {
	case v == 4 && len(b) >= IPv4Size:
		h = IPHead{Src: IPv4Src.Get(b), Dst: IPv4Dst.Get(b), Proto: IPv4Proto.Get(b)}
		if n := IPv4HeadLen(b); n <= len(b) {
			h.Rest = b[n:]
		}
	case v == 6 && len(b) >= IPv6Size:
		h = IPHead{Src: IPv6Src.Get(b), Dst: IPv6Dst.Get(b), Proto: IPv6Next.Get(b), Rest: b[IPv6Size:]}
	default:
		return h, false
	}
	return h, true
}
