package expect

import (
	"fmt"
	"time"

	"netrepro/engine/expect/order"
	"netrepro/engine/match"
	"netrepro/engine/trace"
)

// Row is one step of a sequence.
type Row struct {
	Match  match.Match
	Times  Count
	Within time.Duration // at most this long after the packet of the row before, 0 for no bound
	// Next says that no packet may come between this row and the one
	// before it.
	Next bool
	Text string // how the script wrote it, if as text
}

func (r *Row) String() string {
	if r.Text != "" {
		return fmt.Sprintf("%q", r.Text)
	}
	s := r.Match.String()
	if r.Times.Min != 1 || r.Times.OrMore {
		s += " " + r.Times.String()
	}
	if r.Within > 0 {
		s += fmt.Sprintf(" within %s", r.Within)
	}
	return s
}

// Sequence expects packets to come in an order. Others may come between,
// except before a row that says Next.
type Sequence struct{ Rows []Row }

// Early implements [Spec].
func (s Sequence) Early() bool {
	for i := range s.Rows {
		if !s.Rows[i].Times.OrMore && s.Rows[i].Times.Min != 1 || !s.Rows[i].Match.Settled() {
			return false
		}
	}
	return true
}

// Judge implements [Spec].
func (s Sequence) Judge(v *trace.View) Outcome {
	ps := v.Packets()
	steps := make([]order.Step, len(s.Rows))
	for i, r := range s.Rows {
		steps[i] = order.Step{Meant: r.Match.In(v.Trace), Least: r.Times.Min, OrMore: r.Times.OrMore, Within: r.Within,
			Next: r.Next}
	}
	m := order.Find(steps, ps)
	o := Outcome{Pass: m.All, Expected: fmt.Sprintf("%d packets in order in %s", len(s.Rows), v.Label)}
	if m.All {
		o.Saw = "them"
		o.evidence(v.Trace, m.Path, nil)
		return o
	}
	// The same without time bounds tells a late packet from a missing one.
	for i := range steps {
		steps[i].Within = 0
	}
	o.Timed = order.Find(steps, ps).All
	row := &s.Rows[m.Steps]
	o.Saw = fmt.Sprintf("the first %d, then nothing like %s", m.Steps, row)
	if o.Timed {
		o.Saw = fmt.Sprintf("the first %d, then %s too late", m.Steps, row)
	}
	remark := map[*trace.Packet]string{}
	show := append([]*trace.Packet(nil), m.Path...)
	for i, p := range m.Path {
		remark[p] = fmt.Sprintf("match %d", i+1)
	}
	at := 0
	if n := len(m.Path); n > 0 {
		for at < len(ps) && ps[at] != m.Path[n-1] {
			at++
		}
		at++
	}
	o.evidence(v.Trace, append(show, ps[at:]...), remark)
	return o
}
