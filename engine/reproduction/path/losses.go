package path

import (
	"slices"
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
	for _, k := range order {
		if k.TCP == "ack" && !f.worthAck(k) {
			continue
		}
		f.Losses = append(f.Losses, runs(k, fates[k])...)
	}
	if !f.Everywhere {
		f.unseen()
	}
	for _, s := range f.Segs {
		overtaken := slices.ContainsFunc(f.Late, func(l reproduction.Late) bool {
			return l.Side == s.Side && l.Seq == int(s.Seq)
		})
		if s.Class&sender.Rexmit == 0 || overtaken || f.Everywhere && !f.lost(s) {
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

// lost reports that a sending of a segment's sequence space was lost.
func (f *flow) lost(s *segment.Segment) bool {
	return slices.ContainsFunc(f.Segs, func(o *segment.Segment) bool {
		return o.Side == s.Side && o.Lost && int32(o.End-s.Seq) > 0 && int32(s.End-o.Seq) > 0
	})
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

// worthAck reports whether the loss of an acknowledgement made a difference: what it
// acknowledges was sent again, or the FIN was.
func (f *flow) worthAck(k reproduction.Loss) bool {
	return slices.ContainsFunc(f.Segs, func(s *segment.Segment) bool {
		return s.Side != k.Side && s.Class&sender.Rexmit != 0 && int(s.End) <= k.Ack
	})
}

// guessLost marks what was lost where the capture shows one end alone: what was sent
// again before it was acknowledged, and what was missing in between.
func (f *flow) guessLost() {
	for i, s := range f.Segs {
		if s.Class&sender.KeepAlive != 0 {
			s.Lost = i+1 == len(f.Segs) || f.Segs[i+1].Side == s.Side
		}
	}
	for side := range 2 {
		own := f.Of(side)
		for i, s := range own {
			if s.Packet.SeqLen() == 0 || s.Class&(sender.KeepAlive|sender.WindowProbe) != 0 || s.Has(packet.RST) {
				continue
			}
			j := slices.IndexFunc(own[i+1:], func(o *segment.Segment) bool {
				return o.Class&sender.Rexmit != 0 && o.Seq == s.Seq && o.Packet.SeqLen() > 0
			})
			if j < 0 {
				s.Lost = f.unanswered(s)
				continue
			}
			again := own[i+1+j]
			upto, _ := f.Acknowledged(side, again.Sent)
			s.Lost = int32(upto-s.End) < 0 && again.Original != "arrived" && !f.needless(s, again)
		}
	}
	f.unheard()
}

// unheard marks the acknowledgements that were lost behind the capture point: what they
// acknowledge was sent again after they should have come.
func (f *flow) unheard() {
	for _, again := range f.Segs {
		if again.Class&sender.Rexmit == 0 || again.Packet.PayloadLen == 0 || f.Away[1-again.Side] > near {
			continue
		}
		for _, o := range f.Segs {
			if o.Side != again.Side && o.Packet.SeqLen() == 0 && o.Has(packet.ACK) && !o.Has(packet.RST) &&
				int32(o.Ack-again.End) >= 0 && o.Arrived < again.Sent {
				o.Lost = true
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
	for _, o := range f.Segs {
		if o.Side != s.Side && o.Has(packet.ACK) && !o.Lost && int32(o.Ack-s.End) >= 0 && o.Arrived > again.Sent {
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
	return int32(upto-s.End) < 0 && !slices.ContainsFunc(f.Segs, func(o *segment.Segment) bool {
		return o.Side != s.Side && o.Has(packet.RST)
	})
}
