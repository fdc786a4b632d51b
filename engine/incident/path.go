package incident

import (
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/sender"
)

// path is what the packets tell of the way between the ends.
type path struct {
	vantage Vantage
	// away is how far the capture point is from each side, one way.
	away  [2]time.Duration
	whole time.Duration // from one end to the other, where both have capture points
	mtu   [2]int
	plain [2]Plain
}

// pathOf looks at all records of the connections.
func pathOf(rs []*tcp.Record) path {
	var p path
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
			p.vantage = Everywhere
			if d := r.Time - left[r.First()]; d > 0 && (p.whole == 0 || d < p.whole) {
				p.whole = d
			}
		}
		if r.RTT > 0 && r.Copy == 0 && (quickest[r.Side] == 0 || r.RTT < quickest[r.Side]) {
			quickest[r.Side] = r.RTT
		}
		if r.Packet.Flags.Has(packet.SYN) && r.Class&sender.Rexmit == 0 && r.Copy == 0 && !syn[r.Side] {
			syn[r.Side] = true
			p.offered(r)
		}
	}
	// A host sends with timestamps, SACK or scaling only if both offer them.
	if !syn[Client] {
		p.plain[Client] = Plain{}
	}
	if p.vantage == Everywhere {
		return p
	}
	for side := range 2 {
		p.away[side] = quickest[side] / 2
	}
	// What answers at once is at the capture point; where nothing tells, it is the
	// client's.
	p.vantage = AtClient
	if p.away[Server] > 0 && p.away[Server] < p.away[Client] || p.away[Client] > 0 && p.away[Server] == 0 {
		p.vantage = AtServer
	}
	if p.away[Client] < near {
		p.away[Client] = 0
	}
	if p.away[Server] < near {
		p.away[Server] = 0
	}
	return p
}

// near is how far a host is at most from its own capture point.
const near = 50 * time.Microsecond

// offered takes in the SYN of a side.
func (p *path) offered(r *tcp.Record) {
	q, side := r.Packet, r.Side
	headers := 40
	if q.Src.Is6() {
		headers = 60
	}
	if q.MSS > 0 {
		p.mtu[side] = int(q.MSS) + headers
	}
	if q.HeaderCut || q.NoOptions && q.MSS == 0 {
		return // it may be the text that does not say
	}
	if side == Server {
		// It answers with what the client offered.
		p.plain[side] = Plain{!q.HasTS && !p.plain[Client].NoTimestamps,
			!q.SACKPermitted && !p.plain[Client].NoSACK, q.WScale < 0 && !p.plain[Client].NoScaling}
		return
	}
	p.plain[side] = Plain{!q.HasTS, !q.SACKPermitted, q.WScale < 0}
}

// slack is what a wire without delay takes, and least the shortest delay that is worth
// saying.
const (
	slack = 150 * time.Microsecond
	least = 500 * time.Microsecond
)

// delay is one way, rounded.
func (p *path) delay() time.Duration {
	d := p.whole
	if p.vantage != Everywhere {
		d = p.away[0] + p.away[1]
	}
	d -= slack
	if d < least {
		return 0
	}
	return round(d)
}

// round leaves two digits of a time.
func round(d time.Duration) time.Duration {
	unit := time.Microsecond
	for d/unit >= 100 {
		unit *= 10
	}
	return d.Round(unit)
}

// coarse leaves a digit and a half of a pause, so that equal exchanges look equal.
func coarse(d time.Duration) time.Duration {
	unit := time.Millisecond
	for d/unit >= 100 {
		unit *= 10
	}
	if d/unit >= 10 {
		unit *= 5
	}
	return d.Round(unit)
}

// narrow finds a part of the path where large packets get lost.
func (inc *Incident) narrow(flows []*flow) {
	for _, f := range flows {
		for _, r := range f.errs {
			if m := r.Packet.ICMP(); m != nil && m.MTU >= 576 && inc.Narrow == nil {
				inc.Narrow = &Narrow{MTU: m.MTU, Side: r.Side, Said: f.said(r)}
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
	if n := inc.Narrow; n != nil {
		for _, f := range flows {
			f.forgive(n)
			f.smaller(n)
		}
	}
}

// smaller finds out whether the sender came to send smaller segments though nobody told
// it.
func (f *flow) smaller(n *Narrow) {
	if n.Said == Heard {
		return
	}
	first := map[uint32]int{}
	for _, s := range f.of(n.Side) {
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
func (f *flow) said(r *tcp.Record) Said {
	again := 0
	for _, s := range f.segs {
		if s.Side == r.Side && s.Class&sender.RTO != 0 && s.sent > r.Time && int(s.Packet.IPLen) > r.Packet.ICMP().MTU {
			again++
		}
	}
	switch {
	case f.everywhere && !f.heard[r.First()]:
		return Strayed
	case again > 1 || again > 0 && f.everywhere:
		return Ignored
	}
	return Heard
}

// times is how often a segment must be lost, and none as large have arrived, for a hole
// in the path.
const times = 3

// hole reports that a side's large segments get lost again and again, and smaller ones do
// not.
func (f *flow) hole(side int) *Narrow {
	passed, lost := 0, 0
	count := map[uint32]int{}
	worst := 0
	delivered, _ := f.acknowledged(side, 1<<62)
	for _, s := range f.of(side) {
		n := int(s.Packet.PayloadLen)
		if n == 0 {
			continue
		}
		arrived := !s.lost
		if !f.everywhere {
			arrived = int32(delivered-s.end) >= 0 || f.sacked(s)
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
	headers := 52
	if f.conn.Ends[0].Addr().Is6() {
		headers = 72
	}
	n := &Narrow{MTU: 1400, Guess: true, Side: side, Said: Unsaid}
	if n.MTU >= lost+headers || n.MTU < passed+headers {
		n.MTU = max(lost+headers-20, passed+headers)
	}
	if n.MTU < 576 {
		return nil
	}
	return n
}

// sacked reports that the other side said that it has a segment.
func (f *flow) sacked(s *segment) bool {
	for _, o := range f.segs {
		if o.Side == s.Side || o.sent < s.sent {
			continue
		}
		for _, b := range o.Packet.SACK() {
			if !packet.Before(s.Packet.Seq, b.Left) && !packet.After(s.Packet.Seq+s.Packet.SeqLen(), b.Right) {
				return true
			}
		}
	}
	return false
}

// forgive takes away the faults that the narrow part stands for.
func (f *flow) forgive(n *Narrow) {
	var keep []Loss
	headers := 52
	if f.conn.Ends[0].Addr().Is6() {
		headers = 72
	}
	for _, l := range f.Losses {
		size := 0
		for _, s := range f.segs {
			if s.Side == l.Side && int(s.Seq) == l.Seq {
				size = max(size, int(s.Packet.PayloadLen)+headers)
			}
		}
		if l.Side != n.Side || size <= n.MTU {
			keep = append(keep, l)
		}
	}
	f.Losses = keep
}
