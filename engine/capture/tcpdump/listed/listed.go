// Package listed works out what a list of packets leaves out of the segments of which it says
// only what they carry, from the rows before: their ports, their numbers, and how long they
// are. What more than one connection could have sent it leaves open.
//
// Invariant: its memory is bounded.
package listed

import (
	"strings"

	"netrepro/engine/capture/tcpdump/columns"
	"netrepro/engine/packet"
	"netrepro/engine/packet/header"
	"netrepro/engine/tcp/payload"
)

// most bounds how many connections are remembered.
const most = 1 << 12

// Table are the connections of a list.
type Table struct {
	hosts map[string][]*talk // by both addresses, in order
	n     int
}

// talk is a connection, as far as the list tells.
type talk struct {
	ends   [2]end
	server int // which end was called, -1 if that is not known
	stands [2]standing
	fins   int
	over   bool // it was reset, or both ends have closed
	asked  bool // a request is not answered yet
	latest int  // who sent the row before
}

type end struct{ host, port string }

// standing is where the sender of a list's segments stands.
type standing struct {
	next  uint32 // the number behind what it has sent
	known bool
	// longer is how much longer its frames are than their payload, 0 if that is not known; loaded
	// says that one with payload told it, for devices may fill up those without.
	longer int
	loaded bool
	// bare is how much longer they are without TCP options, as its SYN tells, 0 if none does;
	// stamps says that it offers timestamps.
	bare   int
	stamps bool
	// scale is the shift that its SYN offers, -1 if it offers none; asked says that there was a SYN.
	scale int
	asked bool
	// open says that segments went by whose length or number is not known.
	open bool
	// part is what the last segment began to carry, and a later one ends.
	part *payload.Event
}

func key(a, b string) string {
	if a > b {
		a, b = b, a
	}
	return a + " " + b
}

// of is the connection of a row with ports, and which end sends it.
func (t *Table) of(p *columns.Row) (*talk, int) {
	src, dst := end{p.Packet.Src, p.Packet.SrcPort}, end{p.Packet.Dst, p.Packet.DstPort}
	k := key(src.host, dst.host)
	for _, c := range t.hosts[k] {
		switch c.ends {
		case [2]end{src, dst}:
			return c, 0
		case [2]end{dst, src}:
			return c, 1
		}
	}
	if t.hosts == nil || t.n >= most {
		t.hosts, t.n = map[string][]*talk{}, 0
	}
	t.n++
	c := &talk{server: -1, ends: [2]end{{strings.Clone(src.host), strings.Clone(src.port)},
		{strings.Clone(dst.host), strings.Clone(dst.port)}}}
	t.hosts[strings.Clone(k)] = append(t.hosts[k], c)
	return c, 0
}

// Segment takes in a segment of which the list says all. It reports whether what went by
// before, of a length that is not known, explains why it does not follow the one before, and
// by how much the window is shifted that the list says.
func (t *Table) Segment(row *columns.Row) (gap bool, shift int) {
	c, me := t.of(row)
	p, s := row.Packet, &c.stands[me]
	c.latest = me
	if p.Flags.Has(packet.SYN) {
		*s = standing{scale: row.Scale, asked: true}
		c.over, c.fins, c.asked = false, 0, false
		c.server = 1 - me
		if p.Flags.Has(packet.ACK) {
			c.server = me
		}
	}
	if p.Flags.Has(packet.FIN) {
		c.fins |= 1 << me
	}
	c.over = c.over || p.Flags.Has(packet.RST) || c.fins == 3
	if o := &c.stands[1-me]; !p.Flags.Has(packet.SYN) && s.asked && o.asked && s.scale >= 0 && o.scale >= 0 {
		shift = s.scale
	}
	s.measure(row)
	if p.Payload > 0 {
		c.asks(me, nil)
	}
	if !p.HasSeq || p.Missing.Has(packet.NoLength) {
		return false, shift
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
	return gap, shift
}

// filled reports whether a frame may have been filled up to the least that Ethernet takes, 60
// bytes, and 64 where the list counts the check sum or a tag.
func filled(row *columns.Row) bool {
	const little = 10
	return (row.Length == 60 || row.Length == 64) && row.Packet.Payload < little
}

// measure finds out how much longer frames are than their payload.
func (s *standing) measure(row *columns.Row) {
	p := row.Packet
	if row.Length <= p.Payload || row.Blocks || p.Missing.Has(packet.NoLength) {
		return
	}
	stamps := false
	o, rest, _ := header.NextTCPOption(p.Options)
	for ; o != nil; o, rest, _ = header.NextTCPOption(rest) {
		stamps = stamps || header.OptionKind.Get(o) == header.TCPOptTimestamps
	}
	const word = 4
	switch {
	case p.Flags.Has(packet.SYN):
		s.bare, s.stamps = row.Length-p.Payload-(len(p.Options)+word-1)/word*word, stamps
	case p.Payload > 0 && !filled(row):
		s.longer, s.loaded = row.Length-p.Payload, true
	case !s.loaded && (stamps || !filled(row)):
		s.longer = row.Length - p.Payload
	}
}

// overhead is how much longer the frames of an end are than their payload, 0 if that is not
// known: from its own, from its SYN, or from the other's.
func (c *talk) overhead(me int) int {
	const stamped = 12
	s, o := &c.stands[me], &c.stands[1-me]
	opened := 0
	if s.bare > 0 && o.bare > 0 {
		if opened = s.bare; s.stamps && o.stamps {
			opened += stamped
		}
	}
	switch {
	case s.longer > 0 && (s.loaded || opened == 0):
		return s.longer
	case s.longer > 0:
		return min(s.longer, opened)
	case opened > 0:
		return opened
	}
	return o.longer
}

// asks notes that a request is open, or answered.
func (c *talk) asks(me int, e *payload.Event) {
	if c.server < 0 {
		return
	}
	c.asked = me != c.server || c.asked && e != nil && e.Name == "request"
}

// Above fills in what the list leaves out of a segment of which it says what it carries: were
// it sent again or out of order, the list would say that instead, and so it comes next. It
// reports whether it is known whose it is.
func (t *Table) Above(row *columns.Row) bool {
	p := row.Packet
	c, me, sure := t.whose(row)
	if c == nil {
		return false
	}
	p.SrcPort, p.DstPort = c.ends[me].port, c.ends[1-me].port
	s := &c.stands[me]
	if p.Carries != nil {
		s.say(row)
	}
	if !sure {
		for _, o := range t.hosts[key(p.Src, p.Dst)] {
			for side := range o.stands {
				o.stands[side].open = o.stands[side].open || p.Src == p.Dst || o.ends[side].host == p.Src
			}
		}
		return true
	}
	c.latest = me
	c.asks(me, p.Carries)
	longer := c.overhead(me)
	if longer == 0 || row.Length <= longer || !s.known || s.open {
		s.open = true
		return true
	}
	p.Payload, p.Seq, p.HasSeq = row.Length-longer, s.next, true
	p.Missing &^= packet.NoLength | packet.NoSeq
	s.next += uint32(p.Payload)
	return true
}

// say leaves out what the list says a second time, where it has all of it.
func (s *standing) say(row *columns.Row) {
	c := row.Packet.Carries
	switch {
	case row.Part:
		s.part = c
	case s.part != nil && *c == *s.part:
		row.Packet.Carries, s.part = nil, nil
	default:
		s.part = nil
	}
}

// whose is the connection that a segment without ports is of, and which end sends it. Where
// it is not sure, it is the one that was last seen.
func (t *Table) whose(row *columns.Row) (last *talk, me int, sure bool) {
	p := row.Packet
	if p.SrcPort != "" { // the list has columns of ports
		c, me := t.of(row)
		return c, me, true
	}
	all := t.hosts[key(p.Src, p.Dst)]
	var open, asked []*talk
	for _, c := range all {
		if c.over {
			continue
		}
		open = append(open, c)
		if c.asked {
			asked = append(asked, c)
		}
	}
	toServer, says := direction(p.Carries)
	switch {
	case len(all) == 0:
		return nil, 0, false
	case len(open) == 0:
		open = all[len(all)-1:]
	case len(open) > 1 && says && !toServer && len(asked) == 1:
		open = asked
	}
	last = open[len(open)-1]
	if sure = len(open) == 1; p.Src != p.Dst {
		if last.ends[0].host != p.Src {
			me = 1
		}
		return last, me, sure
	}
	if !says || last.server < 0 { // a host that talks with itself: either may have sent it
		return last, 1 - last.latest, false
	}
	if me = last.server; toServer {
		me = 1 - me
	}
	return last, me, sure
}

// direction is whether what a segment carries goes to the server, where that is sure.
func direction(e *payload.Event) (toServer, sure bool) {
	if e == nil {
		return false, false
	}
	switch e.Name {
	case "request", "client-hello", "client-key-exchange":
		return true, true
	case "response", "server-hello", "certificate", "server-key-exchange", "server-hello-done":
		return false, true
	}
	return false, false
}
