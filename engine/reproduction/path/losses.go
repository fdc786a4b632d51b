package path

import (
	"slices"
	"sort"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/reproduction"
	"netrepro/engine/reproduction/segment"
	"netrepro/engine/tcp/sender"
)

// Losses finds what was lost. Of segments sent again it looks at every sending, so that
// faults count as the wire does.
func Losses(connection *segment.Flow) {
	f := &flow{connection}
	if !f.Everywhere {
		f.guessLost()
	}
	fates := map[reproduction.Loss][]bool{} // lost?
	var order []reproduction.Loss
	for _, s := range f.Segs {
		if s.Forged || s.Reset != nil && (s.Reset.Kind == "forged" || s.Reset.Kind == "firewall") {
			continue
		}
		k := s.Key()
		if fates[k] == nil {
			order = append(order, k)
		}
		fates[k] = append(fates[k], s.Lost)
	}
	again := [2]*uint32{f.firstAgain(0), f.firstAgain(1)}
	for _, k := range order {
		// The loss of an acknowledgement made a difference if what it acknowledges was sent again,
		// or the FIN was.
		if end := again[1-k.Side]; k.TCP == "ack" && (end == nil || int(*end) > k.Ack) {
			continue
		}
		f.Losses = append(f.Losses, runs(k, fates[k])...)
	}
	if !f.Everywhere {
		f.unseen()
	}
	type place struct{ side, seq int }
	overtaken := map[place]bool{}
	for _, l := range f.Late {
		overtaken[place{l.Side, l.Seq}] = true
	}
	holes := [2]spans{f.lost(0), f.lost(1)}
	for _, s := range f.Segs {
		if s.Class&sender.Rexmit == 0 || overtaken[place{s.Side, int(s.Seq)}] ||
			f.Everywhere && !holes[s.Side].meet(span{s.Seq, s.End}) {
			continue
		}
		if timeout := s.Class&sender.RTO != 0; timeout || s.Original != "arrived" {
			f.Resent = append(f.Resent, reproduction.Resent{Side: s.Side, Seq: int(s.Seq),
				Len: int(s.Packet.PayloadLen), Timeout: timeout})
		}
	}
}

// unseen finds what was lost before it came to the capture point: what fills a hole there.
// What fills it at once was only overtaken.
func (f *flow) unseen() {
	for side := range 2 {
		var next uint32
		var opened time.Duration // when the hole was seen
		seen := map[uint32]bool{}
		for _, s := range f.Of(side) {
			if s.Packet.PayloadLen == 0 || s.Has(packet.SYN) {
				continue
			}
			switch {
			case next != 0 && int32(s.Seq-next) > 0 && s.Seq-next < 1<<20:
				opened = s.Sent
			case next != 0 && int32(s.Seq-next) < 0 && !seen[s.Seq] && s.Class&sender.Rexmit != 0:
				l := s.Key()
				l.Nth, l.Times = 1, 1
				if wait := s.Sent - opened; wait < overtaking && wait < f.Away[0]+f.Away[1] {
					f.Late = append(f.Late, reproduction.Late{Loss: l, By: max(segment.Round(wait), time.Millisecond)})
					f.Overdue = append(f.Overdue, segment.Overdue{Segment: s, From: opened - 1, To: s.Sent, Own: true})
				} else {
					f.Losses = append(f.Losses, l)
				}
			}
			seen[s.Seq] = true
			if next == 0 || int32(s.End-next) > 0 {
				next = s.End
			}
		}
	}
}

// overtaking is how much later a packet comes at most that was only overtaken.
const overtaking = 5 * time.Millisecond

// lost are the parts of a side's sequence space of which a sending was lost.
func (f *flow) lost(side int) (out spans) {
	var all spans
	for _, s := range f.Of(side) {
		if s.Lost && s.End != s.Seq {
			all = append(all, span{s.Seq, s.End})
		}
	}
	slices.SortFunc(all, func(a, b span) int { return int(int32(a.from - b.from)) })
	for _, s := range all {
		out.add(s)
	}
	return out
}

// runs are the faults that lose what was lost of equal segments.
func runs(k reproduction.Loss, lost []bool) (out []reproduction.Loss) {
	for i := 0; i < len(lost); {
		if !lost[i] {
			i++
			continue
		}
		n := 1
		for i+n < len(lost) && lost[i+n] {
			n++
		}
		l := k
		l.Nth, l.Times = i+1, n
		if i+n == len(lost) && n >= times {
			l.Times = 0 // and what TCP may send more
		}
		out = append(out, l)
		i += n
	}
	return out
}

// firstAgain is the lowest end of what a side sent again, nil for nothing.
func (f *flow) firstAgain(side int) (end *uint32) {
	for _, s := range f.Of(side) {
		if s.Class&sender.Rexmit != 0 && (end == nil || s.End < *end) {
			end = &s.End
		}
	}
	return end
}

// guessLost marks what was lost where the capture shows one end alone: what was sent
// again before it was acknowledged, and what was missing in between.
func (f *flow) guessLost() {
	for i, s := range f.Segs {
		if s.Class&sender.KeepAlive != 0 {
			f.Lose(s, i+1 == len(f.Segs) || f.Segs[i+1].Side == s.Side)
		}
	}
	for side := range 2 {
		own := f.Of(side)
		reset := slices.ContainsFunc(f.Of(1-side), func(o *segment.Segment) bool { return o.Has(packet.RST) })
		again := f.sentAgain(side)
		for i, s := range own {
			switch {
			case s.Packet.SeqLen() == 0 || s.Class&(sender.KeepAlive|sender.WindowProbe) != 0 || s.Has(packet.RST):
			case again[i] == nil:
				f.Lose(s, !reset && f.unanswered(s))
			default:
				upto, _ := f.Acknowledged(side, again[i].Sent)
				f.Lose(s, int32(upto-s.End) < 0 && again[i].Original != "arrived" && !f.needless(s, again[i]))
			}
		}
	}
	f.unheard()
}

// sentAgain is, for each segment of a side, the first that sends it again, nil for none.
func (f *flow) sentAgain(side int) []*segment.Segment {
	own := f.Of(side)
	out := make([]*segment.Segment, len(own))
	next := map[uint32]*segment.Segment{}
	for i, s := range slices.Backward(own) {
		out[i] = next[s.Seq]
		if s.Class&sender.Rexmit != 0 && s.Packet.SeqLen() > 0 {
			next[s.Seq] = s
		}
	}
	return out
}

// unheard marks the acknowledgements that were lost behind the capture point: what they
// acknowledge was sent again after they should have come.
func (f *flow) unheard() {
	for side := range 2 {
		if f.Away[1-side] > near {
			continue
		}
		again := slices.DeleteFunc(slices.Clone(f.Of(side)), func(s *segment.Segment) bool {
			return s.Class&sender.Rexmit == 0 || s.Packet.PayloadLen == 0
		})
		least := make([]uint32, len(again)) // the lowest end from there on
		for i, s := range slices.Backward(again) {
			if least[i] = s.End; i+1 < len(again) && int32(least[i+1]-s.End) < 0 {
				least[i] = least[i+1]
			}
		}
		for _, o := range f.Of(1 - side) {
			if o.Packet.SeqLen() > 0 || !o.Has(packet.ACK) || o.Has(packet.RST) {
				continue
			}
			i := sort.Search(len(again), func(i int) bool { return again[i].Sent > o.Arrived })
			if i < len(again) && int32(o.Ack-least[i]) >= 0 {
				f.Lose(o, true)
			}
		}
	}
}

// needless reports that the other side had a segment when it was sent again: the answer to
// the first sending came sooner than one to the second could.
func (f *flow) needless(s, again *segment.Segment) bool {
	rtt := 2 * (f.Away[0] + f.Away[1])
	if rtt < 4*time.Millisecond {
		return false
	}
	// What arrives later than that was sent no longer ago than the way takes.
	others := f.Of(1 - s.Side)
	from := sort.Search(len(others), func(i int) bool { return others[i].Sent > again.Sent-rtt })
	for _, o := range others[from:] {
		if o.Sent-again.Sent >= rtt {
			break
		}
		if o.Has(packet.ACK) && !o.Lost && int32(o.Ack-s.End) >= 0 && o.Arrived > again.Sent {
			return o.Arrived-again.Sent < rtt*3/4
		}
	}
	return false
}

// unanswered reports that a segment is the last sending of one that was lost each time
// before, and that nothing came of this one either.
func (f *flow) unanswered(s *segment.Segment) bool {
	if s.Class&sender.Rexmit == 0 {
		return false
	}
	upto, _ := f.Acknowledged(s.Side, 1<<62)
	return int32(upto-s.End) < 0
}
