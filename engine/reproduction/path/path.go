// Package path finds out what the path between the ends of connections did: how long it is,
// where it is narrow, and what it lost.
//
// It does not look at what programs did.
package path

import (
	"slices"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/reproduction"
	"netrepro/engine/reproduction/segment"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/sender"
)

// Path is what the packets tell of the way between the ends.
type Path struct {
	Vantage reproduction.Vantage
	// Away is how far the capture point is from each side, one way.
	Away  [2]time.Duration
	MTU   [2]int
	Plain [2]reproduction.Plain
	// Whole is the shortest time from one end to the other, where both have capture points.
	Whole time.Duration
}

// Of looks at all records of the connections.
func Of(rs []*tcp.Record) Path {
	var p Path
	quickest := [2]time.Duration{}
	syn := [2]bool{}
	left := map[int]time.Duration{}
	for _, r := range rs {
		if r.Conn == nil {
			continue
		}
		if r.Copy == 0 {
			left[r.N] = r.Time
		}
		if r.AtDestination && r.Direction == tcp.In {
			p.Vantage = reproduction.Everywhere
			if d := r.Time - left[r.First()]; d > 0 && (p.Whole == 0 || d < p.Whole) {
				p.Whole = d
			}
		}
		if r.RTT > 0 && r.RTT < farthest && r.Copy == 0 && (quickest[r.Side] == 0 || r.RTT < quickest[r.Side]) {
			quickest[r.Side] = r.RTT
		}
		if r.Packet.Flags.Has(packet.SYN) && r.Class&sender.Rexmit == 0 && r.Copy == 0 && !syn[r.Side] {
			syn[r.Side] = true
			p.offered(r)
		}
	}
	if p.Vantage == reproduction.Everywhere {
		return p
	}
	for side := range 2 {
		p.Away[side] = quickest[side] / 2
	}
	// What answers at once is at the capture point; where nothing tells, it is the
	// client's.
	p.Vantage = reproduction.AtClient
	client, server := p.Away[reproduction.Client], p.Away[reproduction.Server]
	if server > 0 && server < client || client > 0 && server == 0 {
		p.Vantage = reproduction.AtServer
	}
	if p.Away[reproduction.Client] < near {
		p.Away[reproduction.Client] = 0
	}
	if p.Away[reproduction.Server] < near {
		p.Away[reproduction.Server] = 0
	}
	return p
}

// farthest is the longest round trip that is believed: a longer one is over a gap of the capture.
const farthest = 2 * time.Second

// near is how far a host is at most from its own capture point.
const near = 50 * time.Microsecond

// offered takes in the SYN of a side.
func (p *Path) offered(r *tcp.Record) {
	q, side := r.Packet, r.Side
	headers := 40
	if q.Src.Is6() {
		headers = 60
	}
	if q.MSS > 0 {
		p.MTU[side] = int(q.MSS) + headers
	}
	if q.HeaderCut || q.NoOptions && q.MSS == 0 {
		return // it may be the text that does not say
	}
	if side == reproduction.Server {
		// It answers with what the client offered.
		c := p.Plain[reproduction.Client]
		p.Plain[side] = reproduction.Plain{NoTimestamps: !q.HasTS && !c.NoTimestamps,
			NoSACK: !q.SACKPermitted && !c.NoSACK, NoScaling: q.WScale < 0 && !c.NoScaling}
		return
	}
	p.Plain[side] = reproduction.Plain{NoTimestamps: !q.HasTS, NoSACK: !q.SACKPermitted, NoScaling: q.WScale < 0}
}

// slack is what a wire without delay takes, and least the shortest delay that is worth
// saying.
const (
	slack = 150 * time.Microsecond
	least = 500 * time.Microsecond
)

// Delay is one way, rounded.
func (p *Path) Delay() time.Duration {
	d := p.Whole
	if p.Vantage != reproduction.Everywhere {
		d = p.Away[0] + p.Away[1]
	}
	d -= slack
	if d < least {
		return 0
	}
	return segment.Round(d)
}

// flow is a connection that is looked at.
type flow struct{ *segment.Flow }

// Narrow finds a part of the path where large packets get lost.
func Narrow(inc *reproduction.Incident, connections []*segment.Flow) {
	var flows []*flow
	for _, c := range connections {
		flows = append(flows, &flow{c})
	}
	for _, f := range flows {
		for _, r := range f.Errs {
			if m := r.Packet.ICMP(); m != nil && m.MTU >= 576 && inc.Narrow == nil {
				inc.Narrow = &reproduction.Narrow{MTU: m.MTU, Side: r.Side, Said: f.said(r)}
			}
		}
	}
	if inc.Narrow == nil {
		for _, f := range flows {
			for side := range 2 {
				if n := f.hole(side); n != nil && inc.Narrow == nil {
					inc.Narrow = n
				}
			}
		}
	}
	for _, f := range flows {
		for side := range 2 {
			if n := f.gap(side); n != nil && inc.Narrow == nil {
				inc.Narrow = n
			}
		}
	}
	if n := inc.Narrow; n != nil {
		for _, m := range inc.MTU {
			if m > 0 && n.Guess && n.MTU >= m {
				n.MTU = max(m-20, 576)
			}
		}
		for _, f := range flows {
			f.forgive(n)
			f.smaller(n)
		}
	}
}

// smaller finds out whether the sender came to send smaller segments though nobody told
// it.
func (f *flow) smaller(n *reproduction.Narrow) {
	if n.Said == reproduction.Heard {
		return
	}
	first := map[uint32]int{}
	for _, s := range f.Of(n.Side) {
		size := int(s.Packet.PayloadLen)
		if size == 0 {
			continue
		}
		if was, ok := first[s.Seq]; ok && size < was && size >= 256 && s.Class&sender.Rexmit != 0 {
			n.Probing, n.Base = true, size
			return
		}
		if _, ok := first[s.Seq]; !ok {
			first[s.Seq] = size
		}
	}
}

// said is what became of an ICMP error.
func (f *flow) said(r *tcp.Record) reproduction.Said {
	again := 0
	for _, s := range f.Segs {
		if s.Side == r.Side && s.Class&sender.RTO != 0 && s.Sent > r.Time && int(s.Packet.IPLen) > r.Packet.ICMP().MTU {
			again++
		}
	}
	switch {
	case f.Everywhere && !f.Heard[r.First()]:
		return reproduction.Strayed
	case again > 1 || again > 0 && f.Everywhere:
		return reproduction.Ignored
	}
	return reproduction.Heard
}

// times is how often a segment must be lost, and none as large have arrived, for a hole
// in the path.
const times = 3

// hole reports that a side's large segments get lost again and again, and smaller ones do
// not.
func (f *flow) hole(side int) *reproduction.Narrow {
	passed, lost := 0, 0
	count := map[uint32]int{}
	worst := 0
	delivered, _ := f.Acknowledged(side, 1<<62)
	had := sacked{later: f.Of(1 - side)}
	for _, s := range slices.Backward(f.Of(side)) {
		n := int(s.Packet.PayloadLen)
		if n == 0 {
			continue
		}
		arrived := !s.Lost
		if !f.Everywhere {
			arrived = int32(delivered-s.End) >= 0 || had.covers(s)
		}
		if arrived {
			passed = max(passed, n)
			continue
		}
		count[s.Seq]++
		worst = max(worst, count[s.Seq])
		if lost == 0 || n < lost {
			lost = n
		}
	}
	if worst < times || lost < 1000 || passed >= lost {
		return nil
	}
	if n := f.narrow(side, passed, lost); n.MTU >= 576 {
		return n
	}
	return nil
}

// headers are those of IP and TCP, with timestamps.
func (f *flow) headers() int {
	if f.Conn.Ends[0].Addr().Is6() {
		return 72
	}
	return 52
}

// narrow is a path that takes a payload of passed bytes, and none of lost.
func (f *flow) narrow(side, passed, lost int) *reproduction.Narrow {
	n := &reproduction.Narrow{MTU: 1400, Guess: true, Side: side, Said: reproduction.Unsaid}
	if h := f.headers(); n.MTU >= lost+h || n.MTU < passed+h {
		n.MTU = max(lost+h-20, passed+h)
	}
	return n
}

// gap reports that full segments of a side never came to the capture point, and what is
// smaller did: the hole that they leave is never filled.
func (f *flow) gap(side int) *reproduction.Narrow {
	if f.Everywhere {
		return nil
	}
	const large = 1000
	next, passed := uint32(1), 0
	begins, ends := uint32(0), uint32(0)
	for _, s := range f.Of(side) {
		n := int(s.Packet.PayloadLen)
		if s.Has(packet.SYN) || n == 0 {
			continue
		}
		if s.Seq <= begins && begins > 0 {
			return nil // it was filled, or begun to be
		}
		passed = max(passed, n)
		if d := int32(s.Seq - next); d >= large && d < 1<<20 && begins == 0 {
			begins, ends = next, s.Seq
		}
		if int32(s.End-next) > 0 {
			next = s.End
		}
	}
	full := min(f.Conn.MSS[0], f.Conn.MSS[1]) - 12
	upto, _ := f.Acknowledged(side, 1<<62)
	if begins == 0 || !f.Begun || full < large || passed >= full || int32(upto-ends) >= 0 {
		return nil
	}
	return f.narrow(side, passed, full)
}

// forgive takes away the faults that the narrow part stands for.
func (f *flow) forgive(n *reproduction.Narrow) {
	var keep []reproduction.Loss
	headers := f.headers()
	largest := map[int]int{} // by sequence number
	for _, s := range f.Of(n.Side) {
		largest[int(s.Seq)] = max(largest[int(s.Seq)], int(s.Packet.PayloadLen)+headers)
	}
	for _, l := range f.Losses {
		if l.Side != n.Side || largest[l.Seq] <= n.MTU {
			keep = append(keep, l)
		}
	}
	f.Losses = keep
}
