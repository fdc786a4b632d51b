package tcpdump

import (
	"strings"

	"netrepro/engine/packet"
	"netrepro/engine/packet/header"
)

// maxTalks bounds what is remembered of lists of packets.
const maxTalks = 1 << 12

// fromRow fills in what a row of a list leaves to those before it: of a segment of which
// only what it carries is told, the ports, and the window as it is in the header. It
// reports whether that is known.
func (r *Reader) fromRow(e *entry) bool {
	p := e.row.Packet
	if p.Proto != header.ProtoTCP {
		return true
	}
	if len(r.talks) > maxTalks || len(r.scales) > maxTalks {
		clear(r.talks)
		clear(r.scales)
	}
	pair := p.Src + " " + p.Dst
	if e.row.Above {
		t, ok := r.talks[pair]
		p.SrcPort, p.DstPort = t.SrcPort, t.DstPort
		r.rows.Above(pair+" "+p.SrcPort+" "+p.DstPort, p.Dst+" "+p.Src+" "+p.DstPort+" "+p.SrcPort, e.row)
		return ok
	}
	t := *p
	r.talks[strings.Clone(pair)] = t
	t.SrcPort, t.DstPort = t.DstPort, t.SrcPort
	r.talks[p.Dst+" "+p.Src] = t
	way, back := pair+" "+p.SrcPort+" "+p.DstPort, p.Dst+" "+p.Src+" "+p.DstPort+" "+p.SrcPort
	if p.Flags.Has(packet.SYN) {
		r.scales[way] = int8(e.row.Scale)
	}
	e.gap = r.rows.Segment(way, back, e.row) || e.gap
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
