package expect

import (
	"fmt"
	"time"

	"netrepro/engine/match"
	"netrepro/engine/tcp/sender"
	"netrepro/engine/trace"
)

// Includes expects as many matching packets as Times allows.
type Includes struct {
	Match match.Match
	Times Count
}

// Early implements [Spec].
func (s Includes) Early() bool { return s.Times.OrMore && s.Match.Settled() }

// Judge implements [Spec].
func (s Includes) Judge(v *trace.View) Outcome {
	got := s.Match.Find(v)
	o := Outcome{Pass: s.Times.Allows(len(got)), Expected: fmt.Sprintf("%s in %s %s", &s.Match, v.Label, s.Times),
		Saw: seen(v.Trace, got)}
	if len(got) > 0 {
		o.evidence(v.Trace, got, nil)
		return o
	}
	without := s.Match.Without("tcp", "seq", "ack", "len", "flags")
	loose := without.Find(v)
	if o.evidence(v.Trace, loose, nil); len(loose) > 0 {
		return o
	}
	near := Near(v, s.Match)
	o.Frames, o.Packets = near.Frames, near.Packets
	return o
}

// Never expects no matching packet.
type Never struct{ Match match.Match }

// Early implements [Spec].
func (s Never) Early() bool { return false }

// Judge implements [Spec].
func (s Never) Judge(v *trace.View) Outcome {
	got := s.Match.Find(v)
	o := Outcome{Pass: len(got) == 0, Expected: fmt.Sprintf("no %s in %s", &s.Match, v.Label), Saw: seen(v.Trace, got)}
	if o.Pass {
		o.Saw = fmt.Sprintf("none in %d packets", len(v.Packets()))
	}
	o.evidence(v.Trace, got, nil)
	return o
}

// Every expects all packets that match Of, at least one, to match Has too.
type Every struct{ Of, Has match.Match }

// Early implements [Spec].
func (s Every) Early() bool { return false }

// Judge implements [Spec].
func (s Every) Judge(v *trace.View) Outcome {
	all, has := s.Of.Find(v), s.Has.In(v.Trace)
	var without []*trace.Packet
	for _, p := range all {
		if !has(p) {
			without = append(without, p)
		}
	}
	o := Outcome{Pass: len(all) > 0 && len(without) == 0,
		Expected: fmt.Sprintf("every %s in %s to have %s", &s.Of, v.Label, &s.Has)}
	switch {
	case len(all) == 0:
		o.Saw = "no such packet"
	case o.Pass:
		o.Saw = fmt.Sprintf("all %d", len(all))
		o.evidence(v.Trace, all, nil)
	default:
		o.Saw = fmt.Sprintf("%d of %d without", len(without), len(all))
		o.evidence(v.Trace, without, nil)
	}
	return o
}

// Retransmits expects a segment to be sent again.
type Retransmits struct {
	Match       match.Match // what is sent again
	Times       Count
	Exponential bool // the gaps between timeouts double (RFC 6298, section 5.5)
}

// backoffSlack is how far a doubled gap may be off: the worst case of the
// kernel's timer wheel (kernel/time/timer.c).
const backoffSlack = 0.125

// Early implements [Spec].
func (s Retransmits) Early() bool { return s.Times.OrMore && !s.Exponential && s.Match.Settled() }

// Judge implements [Spec].
func (s Retransmits) Judge(v *trace.View) Outcome {
	// One capture point sees a retransmission once; the view may hold more
	// than one, so the one that saw most decides.
	byPoint := map[*trace.Point][]*trace.Packet{}
	var best, original []*trace.Packet
	found, ask := s.Match.Find(v), match.Recorded(v.Trace)
	for _, p := range found {
		if ask(p).Sending.Class&sender.Rexmit == 0 {
			original = append(original, p)
			continue
		}
		byPoint[p.Point] = append(byPoint[p.Point], p)
		if len(byPoint[p.Point]) > len(best) {
			best = byPoint[p.Point]
		}
	}
	o := Outcome{Pass: s.Times.Allows(len(best)),
		Expected: fmt.Sprintf("%s in %s to be retransmitted %s", &s.Match, v.Label, s.Times),
		Saw:      seen(v.Trace, best)}
	remark := map[*trace.Packet]string{}
	if o.Pass && s.Exponential {
		o.Expected += ", the gap doubling each time"
		o.Pass, o.Saw = doubles(best, ask, remark)
		o.Timed = !o.Pass
	}
	if len(original) > 0 {
		original = original[:1]
	}
	o.evidence(v.Trace, append(original, best...), remark)
	return o
}

// doubles reports whether the gaps between timeouts double. What SACK or a
// tail-loss probe repaired before the first timeout does not count.
func doubles(ps []*trace.Packet, ask func(*trace.Packet) *match.Packet, remark map[*trace.Packet]string) (bool,
	string) {
	var last *trace.Packet
	var gap time.Duration
	gaps, ok := 0, true
	for _, p := range ps {
		if ask(p).Sending.Class&sender.RTO == 0 {
			continue
		}
		if last != nil {
			g := p.Time - last.Time
			if gap > 0 {
				gaps++
				ratio := float64(g) / float64(2*gap)
				good := ratio >= 1-backoffSlack && ratio <= 1+backoffSlack
				ok = ok && good
				remark[p] = fmt.Sprintf("%.0f ms after, %.2f times the gap before", g.Seconds()*1000, ratio*2)
			}
			gap = g
		}
		last = p
	}
	if gaps == 0 {
		return false, "too few timeouts to tell"
	}
	if !ok {
		return false, "gaps that do not double"
	}
	return true, fmt.Sprintf("%d retransmissions, gaps doubling", len(ps))
}
