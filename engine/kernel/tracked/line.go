//go:build linux

package tracked

import (
	"sort"
	"time"

	"netrepro/engine/lab/firewall/tracking"
	"netrepro/engine/trace"
)

// place is a flow and a direction of it: 0 as it came, 1 as its answers come.
type place struct {
	flow      *flow
	direction int
}

// line are the flows whose packets have one tuple as they come to the node, or as they
// leave it, one after the other.
type line struct {
	places []place
	origs  []*flow // those of them whose packets came first with that tuple
	at     int     // the flow that packets belong to now
	// mixed says that a tuple does not tell which flow is meant: those of several zones, or
	// several of which it is not known when they began.
	mixed bool
}

// linesOf are the flows, and the lines of what leaves ([trace.Out]) and of what arrives
// ([trace.In]).
func linesOf(events []tracking.Event) (flows []*flow, lines [2]map[tracking.Tuple]*line) {
	lines = [2]map[tracking.Tuple]*line{{}, {}}
	add := func(dir trace.Dir, t tracking.Tuple, p place) {
		l := lines[dir][t]
		if l == nil {
			l = &line{}
			lines[dir][t] = l
		}
		l.places = append(l.places, p)
		if p.direction == 0 {
			l.origs = append(l.origs, p.flow)
		}
		one, other := l.places[0].flow.events[0], p.flow.events[0]
		l.mixed = l.mixed || one.Zone != other.Zone || len(l.places) > 1 && (one.Start.IsZero() || other.Start.IsZero())
	}
	byID := map[uint32]*flow{}
	for _, e := range events {
		f := byID[e.ID]
		if e.Kind == tracking.New {
			f = &flow{number: len(flows), events: []tracking.Event{e}}
			flows, byID[e.ID] = append(flows, f), f
			add(trace.In, e.Orig, place{f, 0})
			add(trace.In, e.Reply, place{f, 1})
			add(trace.Out, e.Reply.Reversed(), place{f, 0})
			add(trace.Out, e.Orig.Reversed(), place{f, 1})
		} else if f != nil {
			f.events = append(f.events, e)
		}
	}
	return flows, lines
}

// atOnce is how long before a flow is taken up packets come that are delivered as one batch
// with the one that it is taken up with, which is the first of them.
const atOnce = 200 * time.Microsecond

// begin looks whether a packet is the one that a flow was taken up with: the last that
// arrived before that, or, where the node sends it itself, the first that left after.
func (l *line) begin(p *trace.Packet, now time.Time, came map[tracking.Tuple]bool) {
	if len(l.origs) == 0 || l.mixed {
		return
	}
	if l.origs[0].events[0].Start.IsZero() { // the kernel does not say when: there is one
		if f := l.origs[0]; f.first == 0 {
			f.first = p.N
		}
		return
	}
	after := sort.Search(len(l.origs), func(i int) bool { return !l.origs[i].events[0].Start.Before(now) })
	switch {
	case p.Dir == trace.In && after < len(l.origs):
		if f := l.origs[after]; !f.near {
			f.first, f.near = p.N, f.events[0].Start.Sub(now) <= atOnce
		}
	case p.Dir == trace.Out && after > 0:
		if f := l.origs[after-1]; f.first == 0 && !came[f.events[0].Orig] {
			f.first = p.N
		}
	}
}

// current is the flow that a packet belongs to: the last that was taken up.
func (l *line) current(p *trace.Packet) place {
	for l.at+1 < len(l.places) {
		if next := l.places[l.at+1].flow; next.is == nil && next.first != p.N {
			break
		}
		l.at++
	}
	return l.places[l.at]
}
