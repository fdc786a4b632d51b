// Package delay has the rules for data that gets through late: queues that are too long,
// acknowledgements that are held back.
package delay

import (
	"fmt"
	"slices"
	"time"

	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/packet"
	"netrepro/engine/tcp/sender"
)

// Rules are the rules of this room.
var Rules = []finding.Rule{finding.Sides(queued), finding.Sides(held), pinged}

// queued is a round trip that grows many times over while data is under way.
func queued(f *incident.Flow, side int) *finding.Finding {
	if f.Near(1 - side) {
		return nil // from here to this host's own acknowledgement there is no way
	}
	samples := trips(f, side)
	if len(samples) < 6 {
		return nil
	}
	least := samples[0].rtt
	for _, t := range samples {
		least = min(least, t.rtt)
	}
	if f.RTT > 0 {
		least = min(least, f.RTT)
	}
	var high []*incident.Segment
	most := time.Duration(0)
	for _, t := range samples {
		if t.rtt >= 4*least && t.rtt-least >= 80*time.Millisecond {
			high = append(high, t.at)
		}
		most = max(most, t.rtt)
	}
	gone := len(f.Sides[side].Resent)
	var worst []*incident.Segment // those that show it best
	for _, t := range samples {
		if t.rtt*3 >= most*2 {
			worst = append(worst, t.at)
		}
	}
	if len(high) < 5 || len(high)*4 < len(samples) || !grows(samples, least) {
		return nil
	}
	c := finding.New("bufferbloat", f).
		Say("The round trip grows from %v to %v while the %s sends: its packets stand in a queue that is too long.",
			least.Round(100*time.Microsecond), most.Round(time.Millisecond), incident.Name(side))
	c.For(1.5, fmt.Sprintf("%d of %d round trips are more than four times the least", len(high), len(samples)),
		worst...)
	if most >= 8*least {
		c.For(0.8, "it grows more than eightfold")
	}
	if gone == 0 {
		c.For(0.5, "and nothing is lost")
	} else if gone*5 > len(f.Sides[side].Data) {
		c.Against(2, "much is lost")
	}
	return c.IsNot("loss-one-way: the packets arrive, late").
		IsNot("slow-application: the acknowledgements are late too, which kernels send")
}

// inRow is how far apart segments are at most that are sent without a pause: what comes
// after a pause echoes an old timestamp.
const inRow = 50 * time.Millisecond

// trip is one measured round trip.
type trip struct {
	rtt time.Duration
	at  *incident.Segment // that completes it
}

// trips are the round trips of what a side sends: from a segment to what acknowledges
// it, or to the first that echoes its timestamp (RFC 7323, section 4).
func trips(f *incident.Flow, side int) (ts []trip) {
	sent := map[uint32]time.Duration{}
	last := -time.Hour        // when the other side sent
	acked := uint32(0)        // what it acknowledged
	var own *incident.Segment // the last that the side sent
	tick := ticks(f, side)
	for _, g := range f.Segments {
		calm, before := g.Side != side && g.Time-last > inRow, acked
		if g.Side != side {
			last, acked = g.Time, g.Ack
		}
		if g.Side == side {
			if g.HasTS && !g.Has(packet.RST) {
				own = g
				if _, ok := sent[g.TSVal]; !ok {
					sent[g.TSVal] = g.Time
				}
			}
			continue
		}
		switch {
		case g.RTT > 0:
			ts = append(ts, trip{g.RTT, g})
		case g.HasTS && calm:
			if g.IsData() && g.Ack == before {
				sent[g.TSEcr] = -1 // it echoes an old timestamp, and so does what follows it at once
			}
		case g.HasTS && !g.Has(packet.RST):
			at, ok := sent[g.TSEcr]
			switch {
			case ok && at >= 0 && g.Time > at:
				sent[g.TSEcr] = -1 // the first echo only
				ts = append(ts, trip{g.Time - at, g})
			case !ok && own != nil && tick > 0 && g.Class&sender.PureAck != 0:
				if d := time.Duration(int32(own.TSVal-g.TSEcr))*tick + g.Time - own.Time; d > tick && d < time.Minute {
					sent[g.TSEcr] = -1
					ts = append(ts, trip{d, g})
				}
			}
		}
	}
	return ts
}

// ticks is how long a tick of a side's timestamps takes, where the capture was made near that
// side: when it sent what an echo answers can be told by the clock, though that is not there.
// It is 0 otherwise, and where the clock does not tick as those of kernels do.
func ticks(f *incident.Flow, side int) time.Duration {
	var first, last *incident.Segment
	for _, g := range f.Segments {
		if g.Side != side || !g.HasTS || g.Has(packet.RST) {
			continue
		}
		if first == nil {
			first = g
		}
		last = g
	}
	if !f.Near(side) || first == nil || last.Time-first.Time < 100*time.Millisecond {
		return 0
	}
	n := int32(last.TSVal - first.TSVal)
	if n <= 0 {
		return 0
	}
	for _, tick := range []time.Duration{time.Millisecond, 4 * time.Millisecond, 10 * time.Millisecond} {
		if d := (last.Time - first.Time) - time.Duration(n)*tick; d.Abs() < (last.Time-first.Time)/10+tick {
			return tick
		}
	}
	return 0
}

// grows reports whether round trips rise step by step, as a queue fills, and are not
// just large now and then.
func grows(ts []trip, least time.Duration) bool {
	up := 0
	for i := 1; i < len(ts); i++ {
		if ts[i].rtt > 3*least && ts[i-1].rtt > 2*least {
			up++
		}
	}
	return up >= 4
}

const (
	// Delays of acknowledgements that a receiver makes on purpose: Linux 40 ms
	// (TCP_DELACK_MIN), others 100 or 200, and 500 at most (RFC 9293, section 3.8.6.3).
	delayLeast = 30 * time.Millisecond
	delayMost  = 550 * time.Millisecond
	// atOnce is how long a host takes at most to send what an acknowledgement lets go.
	atOnce = 700 * time.Microsecond
)

// held is a small write that waits for the acknowledgement of the one before, which the
// other side delays; side is the one that writes.
func held(f *incident.Flow, side int) *finding.Finding {
	if !f.Established() {
		return nil
	}
	var acks, pieces []*incident.Segment
	var waits []time.Duration
	// Near who acknowledges, a piece that waits for that comes a round trip after it, near who
	// writes at once; one that does not wait comes at any time.
	near, apart := f.Near(1-side) && f.RTT > 0, 0
	answered := 0 // how many pieces the other side answers at once
	for i := 1; i+1 < len(f.Segments); i++ {
		a := f.Segments[i]
		if a.Side == side || a.Class&sender.PureAck == 0 || a.PayloadLen > 0 || a.Has(packet.FIN) {
			continue
		}
		w, p := f.Segments[i-1], f.Segments[i+1]
		if w.Side != side || !w.IsData() || p.Side != side || !p.IsData() || p.Again() || w.Again() {
			continue
		}
		wait, after := a.Time-w.Time, p.Time-a.Time
		way := f.RTT // a part of the wait, but where the acknowledgement was seen to leave
		if near {
			way = 0
		}
		full := f.Sides[1-side].MSS
		if full == 0 {
			full = 1200
		}
		if int(w.PayloadLen) >= full-40 || wait-way < delayLeast || wait > delayMost+way || a.Ack != w.End() {
			continue
		}
		if near && (after-f.RTT).Abs() > max(f.RTT/8, atOnce) || f.Near(side) && after > atOnce {
			apart++
			continue
		}
		if after > max(2*f.RTT, 5*time.Millisecond) {
			continue
		}
		acks, pieces, waits = append(acks, a), append(pieces, p), append(waits, wait)
		for _, g := range f.Segments[i+2:] {
			if g.Time-p.Time >= max(2*f.RTT, 20*time.Millisecond) || g.Side == side && g.IsData() {
				break
			}
			if g.IsData() {
				answered++
				break
			}
		}
	}
	if len(acks) < 2 || apart*4 > len(acks) {
		return nil
	}
	slices.Sort(waits)
	usual := waits[len(waits)/2]
	c := finding.New("delayed-ack-nagle", f).
		Say("The %s writes in small pieces and each second piece waits for the acknowledgement of the first, "+
			"which the %s "+
			"delays: %v a round, %d times.", incident.Name(side), incident.Name(1-side),
			usual.Round(time.Millisecond), len(acks))
	c.For(1.6, fmt.Sprintf("an acknowledgement comes after %v, and the next piece leaves as soon as it is there",
		usual.Round(time.Millisecond)), acks...).Cite(pieces...)
	if len(acks) > 2 {
		c.For(1, fmt.Sprintf("%d times", len(acks)))
	}
	if answered*4 >= len(pieces)*3 {
		c.For(0.8, "when the second piece is there, the answer comes at once")
	}
	if waits[len(waits)-1]-waits[0] < 20*time.Millisecond {
		c.For(0.6, "by the same delay each time: a timer")
	}
	return c.IsNot("slow-application: its answers come at once when the whole question is there").
		IsNot("loss-one-way: nothing is sent again")
}
