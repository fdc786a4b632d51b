package packet

import "netrepro/engine/packet/header"

// sum says what the transport checksum of p is, of which data was captured and size bytes
// crossed the wire.
func (d *Decoder) sum(data []byte, size int, p *Packet) {
	if !d.Sums || p.Fragment || d.unsummed || len(data) < size {
		return
	}
	switch header.SumOf(p.Src, p.Dst, p.Proto, data[:size]) {
	case header.Fits:
		p.Checksum = GoodSum
	case header.PseudoOnly:
		p.Checksum = PartialSum
	case header.Wrong:
		p.Checksum = BadSum
	}
}
