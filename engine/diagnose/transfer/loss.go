package transfer

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/packet"
	"netrepro/engine/tcp/sender"
)

// event is a range of data that did not arrive at its first try.
type event struct {
	first *incident.Segment   // the first try, nil if the capture does not have it
	again []*incident.Segment // the tries after
	late  *incident.Segment   // what filled the hole where the first try was not seen
	start uint32
	end   uint32
	time  time.Duration // when it was missed
	// behind is the segment that came where it should have come.
	behind *incident.Segment
}

// lost are packets that had to be sent again.
func lost(f *incident.Flow, side int) *finding.Finding {
	es := losses(f, side)
	if len(es) == 0 {
		return nil
	}
	s := &f.Sides[side]
	worst, bursts, single := 0, 0, 0
	for _, run := range episodes(f, es) {
		worst = max(worst, len(run))
		if len(run) >= burstLength {
			bursts++
		} else {
			single++
		}
	}
	tries, unseen, stall := 0, 0, time.Duration(0)
	for _, e := range es {
		tries += max(len(e.again), 1) // one at least, or it would be missing still
		if e.first == nil {
			unseen++
		}
		if e.first != nil && len(e.again) > 0 {
			stall = max(stall, e.again[len(e.again)-1].Time-e.first.Time)
		}
		if e.late != nil {
			stall = max(stall, e.late.Time-e.time)
		}
	}
	dead := slices.DeleteFunc(f.Unanswered(side), func(g *incident.Segment) bool {
		return g.Has(packet.RST) || g.SeqLen() == 0 // an acknowledgement needs no answer
	})
	if len(dead) > 0 && allOf(es, dead) && len(dead) > 2 && !heardLater(f, side, dead) {
		return outage(f, side, es, dead)
	}
	id, weight := "loss-one-way", 0.6
	if bursts > 0 && bursts*2 >= single {
		id, weight = "loss-bursty", 0.9
	}
	c := finding.New(id, f)
	what := fmt.Sprintf("%d of the %s's %d data segments", len(es), incident.Name(side), len(s.Data)+unseen)
	if id == "loss-bursty" {
		c.Say("%s are lost, up to %d in a row: a queue overflows or a policer drops, with calm between.", what, worst)
		c.For(0.8, fmt.Sprintf("bursts of at least %d segments: %d", burstLength, bursts))
	} else {
		c.Say("%s are lost on the way to the %s; the other direction is whole.", what, incident.Name(1-side))
	}
	missed := fmt.Sprintf("%d ranges are missed and sent again, %d times in all", len(es), tries)
	switch {
	case len(es) == 1 && tries == 1:
		missed = "1 range is missed and sent again"
	case len(es) == 1:
		missed = fmt.Sprintf("1 range is missed and sent again, %d times", tries)
	}
	c.For(weight, missed)
	switch {
	case tries > 1 || len(es) > 1:
		c.For(0.7, "more than once")
	case proven(es[0]):
		c.For(0.2, "the capture shows that it did not arrive")
	case stall < incident.RTO:
		c.Against(0.8, "it may only have been late")
	}
	if stall > incident.RTO {
		c.For(0.4, fmt.Sprintf("which costs up to %v", stall.Round(time.Millisecond)))
	}
	for _, e := range es {
		c.Cite(e.first).Cite(e.again...).Cite(e.late)
	}
	if len(es) == 1 && es[0].first != nil && es[0].first.PayloadLen == 0 {
		c.Against(1.2, "it is only the FIN, which carries nothing")
	}
	if f.File.Lost > 0 {
		c.Against(0.8, "the capturing program itself lost packets")
	}
	return c.IsNot("pmtu-blackhole: segments of the same size arrive")
}

// proven reports whether more than the second try speaks for the loss.
func proven(e event) bool {
	for _, g := range e.again {
		if g.Original == "lost" {
			return true
		}
	}
	return false
}

// burstLength is how many segments lost in a row are a burst.
const burstLength = 4

func heardLater(f *incident.Flow, side int, dead []*incident.Segment) bool {
	return len(f.Sides[1-side].Resets) > 0 || f.Last().Side != side
}

func allOf(es []event, dead []*incident.Segment) bool {
	for _, e := range es {
		if e.first == nil || e.first.Time < dead[0].Time && e.first.Acked != nil {
			return false
		}
	}
	return true
}

// outage is a connection of which nothing that side sends is answered any more, from
// one moment on.
func outage(f *incident.Flow, side int, es []event, dead []*incident.Segment) *finding.Finding {
	if !f.Established() {
		return nil
	}
	c := finding.New("loss-one-way", f).
		Say("From frame %d on nothing that the %s sends is answered, %d tries long.", dead[0].N, incident.Name(side),
			len(dead))
	for _, e := range es {
		c.Cite(e.first).Cite(e.again...)
	}
	return c.For(0.5, "what was acknowledged before is not any more")
}

// astray is how far beyond what was sent a segment is at least that is not of the stream.
const astray = 8 << 20

// losses finds what of a side's data did not arrive at its first try.
func losses(f *incident.Flow, side int) (es []event) {
	s := &f.Sides[side]
	byStart := map[uint32]int{} // index in es, by sequence number
	first := map[uint32]*incident.Segment{}
	var next uint32
	var top *incident.Segment
	started := false
	var holes []event
	for _, g := range s.Segments {
		if g.SeqLen() == 0 || !g.Numbered() || g.Has(packet.SYN) || !g.IsData() && !g.Has(packet.FIN) {
			continue
		}
		switch {
		case started && packet.After(g.Seq, next+astray):
			continue // far outside the window: no part of the stream
		case !started:
			started, next, top = true, g.End(), g
			first[g.Seq] = g
		case packet.After(g.Seq, next): // a hole before the capture point
			holes = append(holes, event{start: next, end: g.Seq, time: g.Time, behind: g})
			next, top = g.End(), g
			first[g.Seq] = g
		case g.Seq == next || packet.After(g.End(), next):
			if o := first[g.Seq]; o == nil {
				first[g.Seq] = g
			}
			next, top = g.End(), g
		default:
			if o := first[g.Seq]; o != nil {
				if g.Class&sender.Resized != 0 || refusedBetween(f, o, g) || needless(f, o, g) ||
					furtherOn(o, g) {
					continue
				}
				if i, ok := byStart[g.Seq]; ok {
					es[i].again = append(es[i].again, g)
				} else {
					byStart[g.Seq] = len(es)
					es = append(es, event{first: o, again: []*incident.Segment{g}, start: g.Seq, end: g.End(),
						time: o.Time})
				}
				continue
			}
			first[g.Seq] = g
			es, holes = fill(f, es, holes, g, top)
		}
	}
	return es
}

// fill takes in a segment that fills a hole: lost before the capture point, unless it
// was only overtaken.
func fill(f *incident.Flow, es, holes []event, g, top *incident.Segment) ([]event, []event) {
	for i := range holes {
		h := &holes[i]
		if packet.Before(g.Seq, h.start) || !packet.Before(g.Seq, h.end) {
			continue
		}
		if late(f, g, h.behind) {
			return es, holes
		}
		e := *h
		e.late, e.start, e.end = g, g.Seq, g.End()
		return append(es, e), holes
	}
	return es, holes
}

// refusedBetween reports whether a router refused a segment for its size before it was
// sent again smaller.
func refusedBetween(f *incident.Flow, o, g *incident.Segment) bool {
	for _, m := range f.Messages {
		if m.ICMP().MTU > 0 && m.Time >= o.Time && m.Time <= g.Time && g.PayloadLen < o.PayloadLen {
			return true
		}
	}
	return false
}

// furtherOn reports whether g is the packet o, seen at another point of the capture after
// something rewrote it on the way.
func furtherOn(o, g *incident.Segment) bool {
	return o.Point != g.Point && o.ID != 0 && o.ID == g.ID && g.TTL <= o.TTL && g.PayloadLen == o.PayloadLen
}

// needless reports whether the first try had arrived when it was sent again: the
// receiver says so (RFC 2883), or had acknowledged it.
func needless(f *incident.Flow, first, again *incident.Segment) bool {
	if again.Original == "arrived" || first.Acked != nil && first.Acked.Time < again.Time {
		return true
	}
	if first.Sacked != nil && first.Sacked.Time <= again.Time {
		return true
	}
	for _, a := range f.Sides[1-again.Side].Dsacks {
		if a.Time <= again.Time {
			continue
		}
		if b := a.SACK()[0]; !packet.After(b.Left, again.Seq) && !packet.Before(b.Right, again.End()) {
			return true
		}
	}
	return false
}

// episodes groups losses that come together: sent within a round trip, or next to each
// other.
func episodes(f *incident.Flow, es []event) (runs [][]event) {
	apart := max(f.RTT, 20*time.Millisecond)
	for i, e := range es {
		if i > 0 && e.time-es[i-1].time <= apart && (e.start == es[i-1].end || e.time == es[i-1].time ||
			e.time-es[i-1].time < 2*time.Millisecond) {
			runs[len(runs)-1] = append(runs[len(runs)-1], e)
			continue
		}
		runs = append(runs, []event{e})
	}
	return runs
}

// overtaken are segments that arrive after their successors.
func overtaken(f *incident.Flow, side int) *finding.Finding {
	s := &f.Sides[side]
	if f.OneSided() {
		return nil // what the other side says of them was not captured
	}
	var lates []*incident.Segment
	var next uint32
	var top *incident.Segment
	seen := map[uint32]bool{}
	for _, g := range s.Segments {
		if g.SeqLen() == 0 || !g.Numbered() || g.Has(packet.SYN) || !g.IsData() {
			continue
		}
		if top != nil && packet.Before(g.Seq, next) && !seen[g.Seq] && late(f, g, top) && !asked(f, g) {
			lates = append(lates, g)
		}
		seen[g.Seq] = true
		if top == nil || packet.After(g.End(), next) {
			next, top = g.End(), g
		}
	}
	dsacks := f.Sides[1-side].Dsacks
	healed := selfHealed(f, side)
	soon := tooSoon(f, side)
	if len(lates) < 2 && (len(healed) < 2 || len(dsacks) == 0 && len(s.Resent) > 0) &&
		(len(soon) < 2 || len(dsacks) == 0) {
		return nil
	}
	real := len(losses(f, side))
	c := finding.New("reordering", f)
	n := max(len(lates), len(healed), len(soon))
	c.Say("%d of the %s's segments are overtaken by later ones; what is sent again had arrived.", n,
		incident.Name(side))
	if len(lates) > 0 {
		c.For(1.8, fmt.Sprintf("%d segments come after their successors, with older numbers", len(lates)), lates...)
	} else if len(healed) > 1 {
		c.For(1, "holes that the receiver reports close without anything being sent again", healed...)
	} else {
		c.For(1.2, fmt.Sprintf("%d holes are closed sooner than what was sent again can have come", len(soon)), soon...)
	}
	if len(dsacks) > 0 {
		c.For(1, fmt.Sprintf("%d D-SACKs: what was sent again had arrived", len(dsacks)), dsacks...)
	}
	if real > n {
		c.Against(2, "more is lost than overtaken")
	}
	return c.IsNot("loss-one-way: nothing is missing in the end, and what was sent again was there already")
}

// asked reports whether g can be what three acknowledgements of the data before it asked for (RFC
// 5681, section 3.2), where nothing in g itself says when it was sent.
func asked(f *incident.Flow, g *incident.Segment) bool {
	const enough = 3
	if g.HasTS || g.ID != 0 || f.RTT == 0 {
		return false
	}
	acks := f.Sides[1-g.Side].Segments
	at, _ := slices.BinarySearchFunc(acks, g.Time, func(a *incident.Segment, t time.Duration) int {
		return cmp.Compare(a.Time, t)
	})
	var same []*incident.Segment // the latest first
	for at--; at >= 0 && acks[at].Ack == g.Seq && acks[at].PayloadLen == 0; at-- {
		same = append(same, acks[at])
	}
	// The first is no duplicate: the fourth asks.
	return len(same) > enough && g.Time-same[len(same)-1-enough].Time >= f.RTT*9/10
}

// late reports whether g was only overtaken by what came before it: it was sent sooner.
func late(f *incident.Flow, g, before *incident.Segment) bool {
	if g.Class&(sender.RTO|sender.Fast|sender.RACK) != 0 && g.Resent > 0 && g.Gap > 0 {
		return false
	}
	switch {
	case g.HasTS && before.HasTS && g.TSVal != before.TSVal:
		return packet.Before(g.TSVal, before.TSVal)
	case g.ID != 0 && before.ID != 0 && g.ID != before.ID:
		return int16(g.ID-before.ID) < 0
	}
	rtt := f.RTT
	return rtt > 0 && g.Time-before.Time < rtt/2 && g.Time-before.Time < 10*time.Millisecond
}

// tooSoon is what a side sent again, and the other acknowledged sooner than it can have come.
func tooSoon(f *incident.Flow, side int) (found []*incident.Segment) {
	const least = 5 * time.Millisecond
	answer := f.Sides[side].Least // seen from here: nothing where the other end is near
	if answer < least {
		return nil
	}
	for _, g := range f.Sides[side].Resent {
		for _, a := range f.Sides[1-side].Segments {
			if a.Time > g.Time && packet.After(a.Ack, g.Seq) && !packet.After(g.End(), a.Ack) {
				if a.Time-g.Time < answer/2 {
					found = append(found, g)
				}
				break
			}
		}
	}
	return found
}

// selfHealed are acknowledgements with SACK whose hole was filled without being sent
// again, as the sender's side sees it.
func selfHealed(f *incident.Flow, side int) (found []*incident.Segment) {
	again := map[uint32]bool{}
	for _, g := range f.Sides[side].Resent {
		again[g.Seq] = true
	}
	last := uint32(0)
	for i, a := range f.Sides[1-side].Segments {
		if len(a.SACK()) == 0 || a.Dsack || a.Ack == last {
			continue
		}
		last = a.Ack
		if again[a.Ack] {
			continue
		}
		for _, o := range f.Sides[1-side].Segments[i+1:] {
			if packet.After(o.Ack, a.Ack) {
				found = append(found, a)
				break
			}
		}
	}
	return found
}
