// Package extent counts the bytes of a stream that were captured, each once.
//
// Invariant: its memory is bounded.
package extent

import "netrepro/engine/packet"

// Extent is what was captured of one side's stream. Its zero value is ready.
type Extent struct {
	begun  bool
	top    uint32 // the end of what came last that was new
	missed []missed
}

// missed is a range that was not captured yet.
type missed struct{ from, to uint32 }

// most bounds how many ranges are remembered.
const most = 1 << 10

// New takes in bytes that were not sent before.
func (e *Extent) New(seq uint32, size int) {
	if e.begun && packet.After(seq, e.top) && len(e.missed) < most {
		e.missed = append(e.missed, missed{e.top, seq})
	}
	e.begun, e.top = true, seq+uint32(size)
}

// Again takes in bytes that were sent before, and returns how many of them were not captured then.
func (e *Extent) Again(seq uint32, size int) (n int) {
	end := seq + uint32(size)
	for i := range e.missed {
		m := &e.missed[i]
		from, to := m.from, m.to
		if packet.After(seq, from) {
			from = seq
		}
		if packet.Before(end, to) {
			to = end
		}
		if !packet.After(to, from) {
			continue
		}
		n += int(to - from)
		switch {
		case from == m.from:
			m.from = to
		case to == m.to || len(e.missed) >= most:
			m.to = from
		default: // it was in the middle of the range
			e.missed = append(e.missed, missed{to, m.to})
			e.missed[i].to = from
			return n
		}
	}
	return n
}
