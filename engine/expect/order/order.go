// Package order finds packets that come in an order.
//
// Invariant: the work is polynomial in packets and steps.
package order

import (
	"time"

	"netrepro/engine/trace"
)

// Step is what one packet must be, or several. Others may come between.
type Step struct {
	Meant  func(*trace.Packet) bool
	Least  int           // how many
	OrMore bool          // or more than that
	Within time.Duration // at most this long after the packet of the step before, 0 for no bound
	// Next says that no packet may come between this step and the one before it.
	Next bool
}

// Found is what was found of some steps.
type Found struct {
	All bool
	// Path are the packets of the first Steps of them, as far as the search came.
	Path  []*trace.Packet
	Steps int
}

// Find looks for steps in packets.
func Find(steps []Step, ps []*trace.Packet) Found {
	s := search{rows: steps, ps: ps, tried: map[[3]int]bool{}}
	if s.find(0, 0, nil) {
		return Found{true, s.path, len(steps)}
	}
	return Found{false, s.best, s.far}
}

// search finds rows in packets, trying later packets where the first that fit
// lead nowhere. tried remembers dead ends by row, position and, if the row is
// timed, the packet it is timed from, so that the work stays polynomial.
type search struct {
	rows  []Step
	ps    []*trace.Packet
	tried map[[3]int]bool
	path  []*trace.Packet
	best  []*trace.Packet // the longest path
	far   int             // rows it covered
}

// find finds rows from row on to packets from at on; last is the packet
// matched before.
func (m *search) find(row, at int, last *trace.Packet) bool {
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
func (m *search) take(r *Step, row, at int, last *trace.Packet) bool {
	for i := at; i < len(m.ps); i++ {
		p := m.ps[i]
		if r.Within > 0 && last != nil && p.Time-last.Time > r.Within {
			return false
		}
		if !m.rows[row].Meant(p) {
			if r.Next {
				return false
			}
			continue
		}
		mark := len(m.path)
		m.path = append(m.path, p)
		end, ok := m.repeat(row, i+1, 1)
		if ok && m.find(row+1, end, m.path[len(m.path)-1]) {
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
func (m *search) monotone(row int) bool {
	return row < len(m.rows) && m.rows[row].Within == 0 && !m.rows[row].Next
}

// repeat consumes the further packets of a row that asks for several. One that
// asks for more than it must takes all that follow directly if rows are
// adjacent, else no more than it must.
func (m *search) repeat(row, at, n int) (int, bool) {
	r := &m.rows[row]
	for ; at < len(m.ps) && (n < r.Least || r.Next && r.OrMore); at++ {
		if m.rows[row].Meant(m.ps[at]) {
			m.path = append(m.path, m.ps[at])
			n++
		} else if r.Next {
			break
		}
	}
	return at, n >= r.Least
}
