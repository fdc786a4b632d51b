package expect

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"netrepro/engine/match"
	"netrepro/engine/match/value"
	"netrepro/engine/packet/fragment"
	"netrepro/engine/tcp"
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
		all = append(all, s.stream(c).gaps...)
	}
	return s.outcome(v, all)
}

// outcome judges how often the streams stopped.
func (s Stalls) outcome(v *trace.View, all []gap) Outcome {
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

// stream is what of a sender's stream arrived in order.
type stream struct {
	gaps []gap
	last *trace.Packet // what moved it last, nil if nothing arrived
	// awaited is the last packet with bytes that never arrived in order, nil if there are none.
	awaited *trace.Packet
}

// stream follows the stream of one connection. What counts is where packets arrive, if the view has
// such, else where they are seen.
func (s Stalls) stream(c *trace.View) (out stream) {
	m := match.Of(map[string]any{"from": s.From})
	if s.Conn != nil {
		m = m.With("conn", s.Conn)
	}
	ps := m.Find(c)
	arrivals := slices.ContainsFunc(ps, arrived)
	var next uint32 // end of what came in order
	held := map[uint32]uint32{}
	for _, p := range ps {
		if arrivals && !arrived(p) || p.PayloadLen == 0 || p.Dropped != "" {
			continue
		}
		if out.last == nil {
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
		if out.last != nil && p.Time-out.last.Time >= s.Longer {
			out.gaps = append(out.gaps, gap{out.last, p})
		}
		out.last = p
	}
	for _, p := range ps {
		if p.PayloadLen > 0 && (out.last == nil || int32(p.RelSeq+uint32(p.PayloadLen)-next) > 0) {
			out.awaited = p
		}
	}
	return out
}

// Flows expects the byte stream of a sender to arrive and never to stop as [Stalls] describes, be
// it for good. Its Times says nothing.
type Flows Stalls

// Early implements [Spec].
func (s Flows) Early() bool { return false }

// Judge implements [Spec].
func (s Flows) Judge(v *trace.View) Outcome {
	all, there := []gap(nil), false
	var never *trace.Packet
	for _, c := range Connections(v) {
		one := Stalls(s).stream(c)
		all = append(all, one.gaps...)
		there = there || one.last != nil
		if one.awaited == nil {
			continue
		}
		ps := c.Packets()
		if one.last == nil {
			never = one.awaited
		} else if end := ps[len(ps)-1]; end.Time-one.last.Time >= s.Longer || s.never(v.Trace, end.Conn) {
			all = append(all, gap{one.last, one.awaited})
		}
	}
	if there && never == nil {
		return Stalls{From: s.From, Conn: s.Conn, Longer: s.Longer}.outcome(v, all)
	}
	o := Outcome{Expected: fmt.Sprintf("bytes from %s in %s", s.From.Name, v.Label), Saw: "none that arrived"}
	o.evidence(v.Trace, v.Packets(), nil)
	return o
}

// never reports whether bytes of a connection have not arrived by the end of the trace.
func (s Flows) never(t *trace.Trace, c *tcp.Conn) bool {
	whole := t.All().Where("", func(p *trace.Packet) bool { return p.Conn == c })
	return Stalls(s).stream(whole).awaited != nil
}

// Lossless expects that nothing was lost that no fault dropped: every packet that
// left a node arrived at the other end of its wire, and what a router received
// for another it sent on.
type Lossless struct{}

// datagramOf names the datagram that a packet is a fragment of.
func datagramOf(p *trace.Packet) fragment.Key {
	return fragment.Key{Src: p.Src, Dst: p.Dst, ID: uint32(p.ID), Proto: p.Proto}
}

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
	pieces := map[fragment.Key]bool{} // of which a fault dropped one
	ps := v.Packets()
	for _, p := range ps {
		if p.Dropped != "" && (p.Fragment || p.Unsized) {
			pieces[datagramOf(p)] = true
		}
	}
	for _, p := range ps {
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
		piece := (p.Fragment || p.Unsized) && pieces[datagramOf(p)]
		j.dropped = j.dropped || p.Dropped != "" || piece || strings.Contains(p.Fault, trace.HeldBy)
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
