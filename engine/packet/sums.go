package packet

import (
	"net/netip"

	"netrepro/engine/packet/header"
)

// sum says what the transport checksum of p is, of which data was captured and size bytes
// crossed the wire.
func (d *Decoder) sum(data []byte, size int, p *Packet) {
	if d.Sums && !p.Fragment && !d.unsummed && len(data) >= size {
		p.Checksum = sumOf(p.Src, p.Dst, p.Proto, data[:size])
	}
}

// sumOf is what the transport checksum is of a packet between two addresses, of which b is
// all that stands behind the IP header. UDP may leave it out.
func sumOf(src, dst netip.Addr, proto uint8, b []byte) Checksum {
	var field header.Uint16
	switch proto {
	case ProtoTCP:
		field = header.TCPChecksum
	case ProtoUDP:
		field = header.UDPChecksum
		b = b[:udpLen(b)]
	case ProtoICMP, ProtoICMPv6:
		field = header.ICMPChecksum
	default:
		return Unchecked
	}
	if len(b) < int(field)+field.Size() || proto == ProtoUDP && field.Get(b) == 0 {
		return Unchecked
	}
	var pseudo uint64
	if proto != ProtoICMP {
		pseudo = addressSum(src, dst) + uint64(len(b)) + uint64(proto)
	}
	switch {
	case header.Fold(header.Sum(b, pseudo)) == 0xffff:
		return GoodSum
	case proto != ProtoICMP && field.Get(b) == header.Fold(pseudo):
		return PartialSum
	}
	return BadSum
}

// udpLen is the length that a UDP header says, or what there is if it says nothing of use.
func udpLen(b []byte) int {
	if len(b) < header.UDPSize {
		return len(b)
	}
	n := int(header.UDPLength.Get(b))
	if n < header.UDPSize || n > len(b) {
		return len(b)
	}
	return n
}

func addressSum(src, dst netip.Addr) uint64 {
	if src.Is4() {
		s, d := src.As4(), dst.As4()
		return header.Sum(d[:], header.Sum(s[:], 0))
	}
	s, d := src.As16(), dst.As16()
	return header.Sum(d[:], header.Sum(s[:], 0))
}
