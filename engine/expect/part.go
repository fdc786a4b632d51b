package expect

import (
	"fmt"
	"time"

	"netrepro/engine/match"
	"netrepro/engine/tcp"
	"netrepro/engine/trace"
)

// Part is a part of a trace, cut out by packets in it. They are not in it
// themselves, wherever else they were seen.
type Part struct {
	After, Before *match.Match  // the first packet that matches, not in the part itself
	Within        time.Duration // after the packet of After, 0 for no bound
}

// String writes p as a message says it.
func (p *Part) String() string {
	switch {
	case p.After != nil && p.Before != nil:
		return fmt.Sprintf(" between %s and %s", p.After, p.Before)
	case p.Within > 0:
		return fmt.Sprintf(" within %s after %s", p.Within, p.After)
	case p.After != nil:
		return fmt.Sprintf(" after %s", p.After)
	}
	return fmt.Sprintf(" before %s", p.Before)
}

// cut returns the part of v, or which packet is not there that would bound it.
func (p *Part) cut(v *trace.View) (*trace.View, *match.Match) {
	var from, to *trace.Packet
	ps, none := v.Packets(), func(*trace.Packet) bool { return false }
	after, before := none, none
	if p.After != nil {
		after = p.After.In(v.Trace)
	}
	if p.Before != nil {
		before = p.Before.In(v.Trace)
	}
	for _, q := range ps {
		switch {
		case p.After != nil && from == nil:
			if after(q) {
				from = q
			}
		case before(q):
			to = q
		}
		if to != nil {
			break
		}
	}
	if p.After != nil && from == nil {
		return nil, p.After
	}
	if p.Before != nil && to == nil {
		return nil, p.Before
	}
	outside := map[int]bool{}
	for _, b := range []*trace.Packet{from, to} {
		if b != nil {
			outside[b.Known()] = true
		}
	}
	return v.Where(p.String(), func(q *trace.Packet) bool {
		return !outside[q.Known()] && (from == nil || q.N > from.N &&
			(p.Within == 0 || q.Time-from.Time <= p.Within)) && (to == nil || q.N < to.N)
	}), nil
}

// In expects Of of a part of the trace.
type In struct {
	Part Part
	Of   Spec
}

// Early implements [Spec]: what bounds the part does not move once it is there.
func (s In) Early() bool { return s.Of.Early() && s.Part.After.Settled() && s.Part.Before.Settled() }

// Judge implements [Spec].
func (s In) Judge(v *trace.View) Outcome {
	part, missing := s.Part.cut(v)
	if part == nil {
		o := Outcome{Expected: fmt.Sprintf("%s in %s", missing, v.Label), Saw: "none, so that nothing is" +
			s.Part.String()}
		o.evidence(v.Trace, v.Packets(), nil)
		return o
	}
	o := s.Of.Judge(part)
	o.Timed = o.Timed || s.Part.Within > 0 && !o.Pass
	return o
}

// Each expects Of of every connection by itself, and at least one.
type Each struct{ Of Spec }

// Early implements [Spec].
func (s Each) Early() bool { return false }

// Judge implements [Spec].
func (s Each) Judge(v *trace.View) Outcome {
	conns := Connections(v)
	o := Outcome{Expected: fmt.Sprintf("a connection in %s", v.Label), Saw: "none"}
	for i, c := range conns {
		o = s.Of.Judge(c)
		if !o.Pass {
			o.Saw += fmt.Sprintf(" in connection %d of %d", i+1, len(conns))
			return o
		}
	}
	if len(conns) > 1 {
		o.Saw += fmt.Sprintf(", and so in all %d connections", len(conns))
	}
	return o
}

// Connections are the connections in v, each a view of its own, in the order
// they began.
func Connections(v *trace.View) []*trace.View {
	var out []*trace.View
	seen := map[*tcp.Conn]bool{}
	for _, p := range v.Packets() {
		if c := p.Conn; c != nil && p.IsTCP() && !seen[c] {
			seen[c] = true
			out = append(out, v.Where(fmt.Sprintf(":connection(%d)", len(out)+1),
				func(q *trace.Packet) bool { return q.Conn == c }))
		}
	}
	return out
}
