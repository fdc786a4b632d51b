package tcpdump

import (
	"netrepro/engine/packet"
	"netrepro/engine/packet/header"
)

// maxScales bounds of how many directions the shift of the window is remembered.
const maxScales = 1 << 12

// fromRow fills in what a row of a list leaves to those before it: of a segment of which
// only what it carries is told, the ports, and the window as it is in the header. It
// reports whether that is known.
func (r *Reader) fromRow(e *entry) bool {
	p := e.row.Packet
	if p.Proto != header.ProtoTCP {
		return true
	}
	if e.row.Above {
		return r.rows.Above(e.row)
	}
	if len(r.scales) > maxScales {
		clear(r.scales)
	}
	way, back := p.Src+" "+p.Dst+" "+p.SrcPort+" "+p.DstPort, p.Dst+" "+p.Src+" "+p.DstPort+" "+p.SrcPort
	if p.Flags.Has(packet.SYN) {
		r.scales[way] = int8(e.row.Scale)
	}
	e.gap = r.rows.Segment(e.row) || e.gap
	shift := int8(0)
	mine, known := r.scales[way]
	theirs, both := r.scales[back]
	if !p.Flags.Has(packet.SYN) && known && both && mine >= 0 && theirs >= 0 {
		shift = mine
	}
	if w := e.row.Window >> shift; w < 1<<16 {
		p.Window = uint16(w)
	} else {
		p.Missing |= packet.NoWindow
	}
	return true
}
