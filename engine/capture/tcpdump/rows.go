package tcpdump

import (
	"strings"

	"netrepro/engine/packet"
	"netrepro/engine/packet/header"
	"netrepro/engine/tcp/payload"
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
		r.stands(pair+" "+p.SrcPort+" "+p.DstPort, p.Dst+" "+p.Src+" "+p.DstPort+" "+p.SrcPort).above(e)
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
	r.stands(way, back).segment(e)
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

// standing is where the sender of a list's segments stands.
type standing struct {
	next  uint32 // the number behind what it has sent
	known bool
	// over is how much longer its frames are than their payload, 0 if that is not known.
	over int
	// open says that segments went by whose length is not known.
	open bool
	// part is what the last segment began to carry, and a later one ends.
	part  *payload.Event
	other *standing
}

// stands is where a direction of a connection stands.
func (r *Reader) stands(way, back string) *standing {
	if len(r.rows) > maxTalks {
		clear(r.rows)
	}
	s := r.rows[way]
	if s == nil {
		s = &standing{other: &standing{}}
		s.other.other = s
		r.rows[strings.Clone(way)], r.rows[strings.Clone(back)] = s, s.other
	}
	return s
}

// shortest is how long the shortest frames of Ethernet are: those that would be shorter are
// filled up.
const shortest = 60

// segment takes in a segment of which the list says all.
func (s *standing) segment(e *entry) {
	p, row := e.row.Packet, e.row
	if p.Flags.Has(packet.SYN) {
		*s = standing{other: s.other}
	}
	if row.Length > p.Payload && !row.Blocks && !p.Flags.Has(packet.SYN) && !p.Missing.Has(packet.NoLength) {
		if s.over = row.Length - p.Payload; row.Length == shortest && p.Payload < 6 {
			s.over = shortest - 6 // without time stamps, and filled up
		}
	}
	if !p.HasSeq || p.Missing.Has(packet.NoLength) {
		return
	}
	// What went by is no hole.
	e.gap = e.gap || s.open && s.known && int32(p.Seq-s.next) > 0
	s.open = false
	end := p.Seq + uint32(p.Payload)
	if p.Flags.Any(packet.SYN | packet.FIN) {
		end++
	}
	if !s.known || int32(end-s.next) > 0 {
		s.next, s.known = end, true
	}
}

// above fills in the number and the length of a segment of which the list says what it
// carries: the list would say that it was sent again, or that it is out of order, and so it
// comes next.
func (s *standing) above(e *entry) {
	p, over := e.row.Packet, s.over
	switch c := p.Carries; {
	case e.row.Part && c != nil:
		s.part = c
	case c != nil && s.part != nil && *c == *s.part:
		p.Carries, s.part = nil, nil
	case c != nil:
		s.part = nil
	}
	if over == 0 {
		over = s.other.over
	}
	if over == 0 || e.row.Length <= over || !s.known || s.open {
		s.open = true
		return
	}
	p.Payload, p.Seq, p.HasSeq = e.row.Length-over, s.next, true
	p.Missing &^= packet.NoLength | packet.NoSeq
	s.next += uint32(p.Payload)
}
