// Package listed works out what a list of packets leaves out of the segments of which it says
// only what they carry, from the rows before: their numbers, and how long they are.
//
// Invariant: its memory is bounded.
package listed

import (
	"strings"

	"netrepro/engine/capture/tcpdump/columns"
	"netrepro/engine/packet"
	"netrepro/engine/tcp/payload"
)

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

// most bounds how many directions of connections are remembered.
const most = 1 << 12

// Table is where the senders of a list stand, by the names of their directions.
type Table struct{ ways map[string]*standing }

func (t *Table) stands(way, back string) *standing {
	if t.ways == nil || len(t.ways) > most {
		t.ways = map[string]*standing{}
	}
	s := t.ways[way]
	if s == nil {
		s = &standing{other: &standing{}}
		s.other.other = s
		t.ways[strings.Clone(way)], t.ways[strings.Clone(back)] = s, s.other
	}
	return s
}

// shortest is how long the shortest frames of Ethernet are: those that would be shorter are
// filled up.
const shortest = 60

// Segment takes in a segment of which the list says all, in one direction of a connection; back
// names the other. It reports whether what went by before, of a length that is not known,
// explains why the segment does not follow the one before.
func (t *Table) Segment(way, back string, row *columns.Row) (gap bool) {
	s, p := t.stands(way, back), row.Packet
	if p.Flags.Has(packet.SYN) {
		*s = standing{other: s.other}
	}
	if row.Length > p.Payload && !row.Blocks && !p.Flags.Has(packet.SYN) && !p.Missing.Has(packet.NoLength) {
		if s.over = row.Length - p.Payload; row.Length == shortest && p.Payload < 6 {
			s.over = shortest - 6 // without time stamps, and filled up
		}
	}
	if !p.HasSeq || p.Missing.Has(packet.NoLength) {
		return false
	}
	gap = s.open && s.known && int32(p.Seq-s.next) > 0
	s.open = false
	end := p.Seq + uint32(p.Payload)
	if p.Flags.Any(packet.SYN | packet.FIN) {
		end++
	}
	if !s.known || int32(end-s.next) > 0 {
		s.next, s.known = end, true
	}
	return gap
}

// Above fills in the number and the length of a segment of which the list says what it
// carries: the list would say that it was sent again, or that it is out of order, and so it
// comes next.
func (t *Table) Above(way, back string, row *columns.Row) {
	s, p := t.stands(way, back), row.Packet
	over := s.over
	switch c := p.Carries; {
	case row.Part && c != nil:
		s.part = c
	case c != nil && s.part != nil && *c == *s.part:
		p.Carries, s.part = nil, nil
	case c != nil:
		s.part = nil
	}
	if over == 0 {
		over = s.other.over
	}
	if over == 0 || row.Length <= over || !s.known || s.open {
		s.open = true
		return
	}
	p.Payload, p.Seq, p.HasSeq = row.Length-over, s.next, true
	p.Missing &^= packet.NoLength | packet.NoSeq
	s.next += uint32(p.Payload)
}
