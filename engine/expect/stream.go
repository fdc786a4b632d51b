package expect

import (
	"fmt"
	"slices"
	"time"

	"netrepro/engine/match"
	"netrepro/engine/match/value"
	"netrepro/engine/trace"
)

// Stalls expects the byte stream of a sender, as it is delivered, to come to a
// stop for at least Longer, as often as Times allows: from the first payload to
// the last, no byte in order came in that time.
type Stalls struct {
	From   *value.Party
	Conn   *trace.Ends
	Longer time.Duration
	Times  Count
}

// Early implements [Spec]: until something arrives it is what was sent that is
// looked at.
func (s Stalls) Early() bool { return false }

// Judge implements [Spec].
func (s Stalls) Judge(v *trace.View) Outcome {
	var all []gap
	for _, c := range Connections(v) {
		all = append(all, s.gaps(c)...)
	}
	o := Outcome{Pass: s.Times.Allows(len(all)),
		Expected: fmt.Sprintf("the bytes from %s in %s to stop for %s %s", s.From.Name, v.Label, s.Longer, s.Times),
		Saw:      number(len(all))}
	// Fewer stalls than asked for is no matter of a busy host; more may be.
	o.Timed = !o.Pass && len(all) > s.Times.Min
	remark := map[*trace.Packet]string{}
	var ps []*trace.Packet
	for _, g := range all {
		ps = append(ps, g.before, g.after)
		remark[g.after] = fmt.Sprintf("%d ms later", (g.after.Time - g.before.Time).Milliseconds())
	}
	o.evidence(v.Trace, ps, remark)
	return o
}

// arrived reports whether p was seen to reach the node it is for.
func arrived(p *trace.Packet) bool {
	r := p.Finding()
	return p.Dir == trace.In && r != nil && r.AtDestination
}

// gap is a stall: the packet that moved the stream before it, and after.
type gap struct{ before, after *trace.Packet }

// gaps are the stalls of one connection. What counts is where packets arrive,
// if the view has such, else where they are seen.
func (s Stalls) gaps(c *trace.View) []gap {
	m := match.Of(map[string]any{"from": s.From})
	if s.Conn != nil {
		m = m.With("conn", s.Conn)
	}
	ps := m.Find(c)
	arrivals := slices.ContainsFunc(ps, arrived)
	var out []gap
	var last *trace.Packet
	var next uint32 // end of what came in order
	held := map[uint32]uint32{}
	for _, p := range ps {
		if arrivals && !arrived(p) || p.PayloadLen == 0 || p.Dropped != "" {
			continue
		}
		if last == nil {
			next = p.RelSeq
		}
		end := p.RelSeq + uint32(p.PayloadLen)
		if int32(p.RelSeq-next) > 0 {
			held[p.RelSeq] = max(held[p.RelSeq], end)
			continue
		}
		if int32(end-next) <= 0 {
			continue
		}
		for next = end; ; {
			e, ok := held[next]
			if !ok {
				break
			}
			delete(held, next)
			next = e
		}
		if last != nil && p.Time-last.Time >= s.Longer {
			out = append(out, gap{last, p})
		}
		last = p
	}
	return out
}

// Lossless expects that nothing was lost that no fault dropped: every packet that
// left a node arrived at the other end of its wire, and what a router received
// for another it sent on.
type Lossless struct{}

// Early implements [Spec].
func (s Lossless) Early() bool { return false }

// Judge implements [Spec].
func (s Lossless) Judge(v *trace.View) Outcome {
	type journey struct {
		last    *trace.Packet
		dropped bool
		there   bool
	}
	by := map[int]*journey{}
	var order []int
	for _, p := range v.Packets() {
		r := p.Finding()
		if r == nil || !p.Src.IsValid() {
			continue
		}
		n := r.First()
		j := by[n]
		if j == nil {
			j = &journey{}
			by[n] = j
			order = append(order, n)
		}
		j.last = p
		j.dropped = j.dropped || p.Dropped != ""
		j.there = j.there || arrived(p)
	}
	var lost []*trace.Packet
	remark := map[*trace.Packet]string{}
	for _, n := range order {
		if j := by[n]; !j.dropped && !j.there {
			lost = append(lost, j.last)
			remark[j.last] = "last seen " +
				map[trace.Dir]string{trace.In: "arriving at ", trace.Out: "leaving "}[j.last.Dir] + j.last.Point.Name()
		}
	}
	o := Outcome{Pass: len(lost) == 0, Expected: fmt.Sprintf("nothing in %s to be lost but by a fault", v.Label),
		Saw: fmt.Sprintf("%d lost", len(lost))}
	if o.Pass {
		o.Saw = fmt.Sprintf("%d packets, all of which arrived or were dropped by a fault", len(order))
	}
	o.evidence(v.Trace, lost, remark)
	return o
}
