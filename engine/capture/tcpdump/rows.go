package tcpdump

import (
	"netrepro/engine/packet"
	"netrepro/engine/packet/header"
)

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
	gap, shift := r.rows.Segment(e.row)
	e.gap = e.gap || gap
	if w := e.row.Window >> shift; w < 1<<16 {
		p.Window = uint16(w)
	} else {
		p.Missing |= packet.NoWindow
	}
	return true
}
