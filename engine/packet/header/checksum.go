package header

import (
	"encoding/binary"
	"math/bits"
)

// Sum adds up b as 16-bit words in ones' complement (RFC 1071).
func Sum(b []byte, n uint64) uint64 {
	if len(b) >= 32 {
		// Words of any even length may be added up, since a carry counts as one again.
		var carry uint64
		for ; len(b) >= 32; b = b[32:] {
			n, carry = bits.Add64(n, binary.BigEndian.Uint64(b), 0)
			n, carry = bits.Add64(n, binary.BigEndian.Uint64(b[8:]), carry)
			n, carry = bits.Add64(n, binary.BigEndian.Uint64(b[16:]), carry)
			n, carry = bits.Add64(n, binary.BigEndian.Uint64(b[24:]), carry)
			n, carry = bits.Add64(n, 0, carry)
			n += carry
		}
		n = n>>32 + n&0xffffffff
	}
	for ; len(b) >= 4; b = b[4:] {
		n += uint64(binary.BigEndian.Uint32(b))
	}
	if len(b) >= 2 {
		n += uint64(binary.BigEndian.Uint16(b))
		b = b[2:]
	}
	if len(b) == 1 {
		n += uint64(b[0]) << 8
	}
	return n
}

// Fold brings a sum to 16 bits.
func Fold(n uint64) uint16 {
	for n>>16 != 0 {
		n = n&0xffff + n>>16
	}
	return uint16(n)
}

// netSum is the sum of an IPv4 header.
func (l *Layout) netSum(b []byte) uint64 {
	if l.Version != 4 {
		return 0
	}
	return Sum(b[l.Net:l.Net+IPv4HeadLen(b[l.Net:])], 0)
}

// transSum is the sum that the transport checksum covers: the pseudo header
// (RFC 9293, section 3.1; RFC 8200, section 8.1) and everything behind the IP
// header.
func (l *Layout) transSum(b []byte) uint64 {
	if l.Trans < 0 {
		return 0
	}
	n := Sum(b[l.Trans:l.End], 0)
	switch {
	case l.Proto == ProtoICMP:
		return n
	case l.Version == 4:
		n = Sum(addresses(b[l.Net:], IPv4Src, IPv4Dst), n)
	default:
		n = Sum(addresses(b[l.Net:], IPv6Src, IPv6Dst), n)
	}
	return n + uint64(l.End-l.Trans) + uint64(l.Proto)
}

// addresses are the bytes of both addresses of an IP header.
func addresses(b []byte, src, dst Place) []byte { return b[src.Offset() : dst.Offset()+dst.Size()] }

// checksumAt is where the transport checksum stands, -1 if there is none.
func (l *Layout) checksumAt() int {
	if l.Trans < 0 {
		return -1
	}
	switch l.Proto {
	case ProtoTCP:
		return l.Trans + int(TCPChecksum)
	case ProtoUDP:
		return l.Trans + int(UDPChecksum)
	case ProtoICMP, ProtoICMPv6:
		return l.Trans + int(ICMPChecksum)
	}
	return -1
}

// correct changes the checksum at b[at:] by the difference between two sums of
// what it covers, itself included (RFC 1624, equation 3).
func correct(b []byte, at int, before, after uint64) {
	if Fold(before) == Fold(after) {
		return
	}
	field := Uint16(at)
	n := uint64(field.Get(b)) + uint64(Fold(before)) + uint64(^Fold(after))
	field.Put(b, Fold(n))
}

// SetChecksums writes the checksums of a frame, as far as it has any, as what they
// cover is now.
func SetChecksums(b []byte) {
	l := Parse(b)
	if l.Version == 4 {
		field := b[l.Net:]
		IPv4Checksum.Put(field, 0)
		IPv4Checksum.Put(field, ^Fold(l.netSum(b)))
	}
	at := l.checksumAt()
	if at < 0 {
		return
	}
	field := Uint16(at)
	field.Put(b, 0)
	field.Put(b, ^Fold(l.transSum(b)))
	if l.noChecksum(b) {
		field.Put(b, 0xffff) // 0 means that there is none (RFC 768)
	}
}

// Checksum is the Internet checksum of b (RFC 1071), in which the field for it is
// zero.
func Checksum(b []byte) uint16 { return ^Fold(Sum(b, 0)) }

// Cut reports whether the frame ends before its IP packet does.
func Cut(b []byte) bool {
	l := Parse(b)
	switch l.Version {
	case 4:
		return l.Net+int(IPv4Length.Get(b[l.Net:])) > len(b)
	case 6:
		return l.Net+IPv6Size+int(IPv6Length.Get(b[l.Net:])) > len(b)
	}
	return false
}

// Valid reports whether the checksums of a frame are right, as far as it has
// any: of the IPv4 header, and of the transport header and its payload. UDP may
// leave its out over IPv4 alone (RFC 8200, section 8.1).
func Valid(b []byte) (net, trans bool) {
	l := Parse(b)
	net = l.Version != 4 || Fold(l.netSum(b)) == 0xffff
	at := l.checksumAt()
	if at < 0 || l.Fragment || l.Version == 4 && l.noChecksum(b) {
		return net, true
	}
	return net, Fold(l.transSum(b)) == 0xffff
}

// noChecksum reports whether the frame is of UDP and says that it has no checksum.
func (l *Layout) noChecksum(b []byte) bool {
	return l.Trans >= 0 && l.Proto == ProtoUDP && UDPChecksum.Get(b[l.Trans:]) == 0
}
