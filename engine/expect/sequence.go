package expect

import (
	"fmt"
	"time"

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
	meant := make([]func(*trace.Packet) bool, len(s.Rows))
	for i := range s.Rows {
		meant[i] = s.Rows[i].Match.In(v.Trace)
	}
	m := matcher{rows: s.Rows, meant: meant, ps: ps, tried: map[[3]int]bool{}}
	pass := m.match(0, 0, nil)
	o := Outcome{Pass: pass, Expected: fmt.Sprintf("%d packets in order in %s", len(s.Rows), v.Label)}
	if pass {
		o.Saw = "them"
		o.evidence(v.Trace, m.path, nil)
		return o
	}
	// The same without time bounds tells a late packet from a missing one.
	loose := matcher{rows: withoutTime(s.Rows), meant: meant, ps: ps, tried: map[[3]int]bool{}}
	o.Timed = loose.match(0, 0, nil)
	row := &s.Rows[m.far]
	o.Saw = fmt.Sprintf("the first %d, then nothing like %s", m.far, row)
	if o.Timed {
		o.Saw = fmt.Sprintf("the first %d, then %s too late", m.far, row)
	}
	remark := map[*trace.Packet]string{}
	show := append([]*trace.Packet(nil), m.best...)
	for i, p := range m.best {
		remark[p] = fmt.Sprintf("match %d", i+1)
	}
	at := 0
	if n := len(m.best); n > 0 {
		for at < len(ps) && ps[at] != m.best[n-1] {
			at++
		}
		at++
	}
	o.evidence(v.Trace, append(show, ps[at:]...), remark)
	return o
}

func withoutTime(rows []Row) []Row {
	out := append([]Row(nil), rows...)
	for i := range out {
		out[i].Within = 0
	}
	return out
}

// matcher finds rows in packets, trying later packets where the first that fit
// lead nowhere. tried remembers dead ends by row, position and, if the row is
// timed, the packet it is timed from, so that the work stays polynomial.
type matcher struct {
	rows  []Row
	meant []func(*trace.Packet) bool // by row
	ps    []*trace.Packet
	tried map[[3]int]bool
	path  []*trace.Packet
	best  []*trace.Packet // the longest path
	far   int             // rows it covered
}

// match matches rows from row on to packets from at on; last is the packet
// matched before.
func (m *matcher) match(row, at int, last *trace.Packet) bool {
	if row > m.far || row == m.far && len(m.path) > len(m.best) {
		m.far, m.best = row, append([]*trace.Packet(nil), m.path...)
	}
	if row == len(m.rows) {
		return true
	}
	r := &m.rows[row]
	key := [3]int{row, at}
	if r.Within > 0 && last != nil {
		key[2] = last.N
	}
	if m.tried[key] {
		return false
	}
	if m.take(r, row, at, last) {
		return true
	}
	m.tried[key] = true
	return false
}

// take matches one row as often as it asks for, then the rest.
func (m *matcher) take(r *Row, row, at int, last *trace.Packet) bool {
	for i := at; i < len(m.ps); i++ {
		p := m.ps[i]
		if r.Within > 0 && last != nil && p.Time-last.Time > r.Within {
			return false
		}
		if !m.meant[row](p) {
			if r.Next {
				return false
			}
			continue
		}
		mark := len(m.path)
		m.path = append(m.path, p)
		end, ok := m.repeat(row, i+1, 1)
		if ok && m.match(row+1, end, m.path[len(m.path)-1]) {
			return true
		}
		m.path = m.path[:mark]
		if r.Next || m.monotone(row+1) {
			return false
		}
	}
	return false
}

// monotone reports whether the rows from row on, once not found from some
// packet on, are not found from any later one either: the one that comes next
// depends neither on the time nor on the place of the one before.
func (m *matcher) monotone(row int) bool {
	return row < len(m.rows) && m.rows[row].Within == 0 && !m.rows[row].Next
}

// repeat consumes the further packets of a row that asks for several. One that
// asks for more than it must takes all that follow directly if rows are
// adjacent, else no more than it must.
func (m *matcher) repeat(row, at, n int) (int, bool) {
	r := &m.rows[row]
	for ; at < len(m.ps) && (n < r.Times.Min || r.Next && r.Times.OrMore); at++ {
		if m.meant[row](m.ps[at]) {
			m.path = append(m.path, m.ps[at])
			n++
		} else if r.Next {
			break
		}
	}
	return at, n >= r.Times.Min
}
