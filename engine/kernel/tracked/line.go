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
	mixed  bool    // flows of several zones: a tuple does not tell which
}

// linesOf are the lines of what leaves ([trace.Out]) and of what arrives ([trace.In]).
func linesOf(events []tracking.Event) (lines [2]map[tracking.Tuple]*line) {
	lines = [2]map[tracking.Tuple]*line{{}, {}}
	add := func(dir trace.Dir, t tracking.Tuple, p place) {
		l := lines[dir][t]
		if l == nil {
			l = &line{}
			lines[dir][t] = l
		}
		l.mixed = l.mixed || len(l.places) > 0 && l.places[0].flow.events[0].Zone != p.flow.events[0].Zone
		l.places = append(l.places, p)
		if p.direction == 0 {
			l.origs = append(l.origs, p.flow)
		}
	}
	byID := map[uint32]*flow{}
	for _, e := range events {
		f := byID[e.ID]
		if e.Kind == tracking.New {
			f = &flow{events: []tracking.Event{e}}
			byID[e.ID] = f
			add(trace.In, e.Orig, place{f, 0})
			add(trace.In, e.Reply, place{f, 1})
			add(trace.Out, e.Reply.Reversed(), place{f, 0})
			add(trace.Out, e.Orig.Reversed(), place{f, 1})
		} else if f != nil {
			f.events = append(f.events, e)
		}
	}
	return lines
}

// atOnce is how far apart packets are at most that are delivered as one batch: the first of
// them is taken up, and the time of that is later than that of all.
const atOnce = 200 * time.Microsecond

// begin looks whether a packet is the one that a flow was taken up with: the last that
// arrived before that, or, where the node sends it itself, the first that left after.
func (l *line) begin(p *trace.Packet, now time.Time, came map[tracking.Tuple]bool) {
	if len(l.origs) == 0 {
		return
	}
	if l.origs[0].events[0].Start.IsZero() { // the kernel does not say when
		if f := l.origs[0]; len(l.places) == 1 && f.first == 0 {
			f.first = p.N
		}
		return
	}
	after := sort.Search(len(l.origs), func(i int) bool { return !l.origs[i].events[0].Start.Before(now) })
	switch {
	case p.Dir == trace.In && after < len(l.origs):
		f := l.origs[after]
		if f.first == 0 || now.Sub(f.before) > atOnce {
			f.first = p.N
		}
		f.before = now
	case p.Dir == trace.Out && after > 0:
		if f := l.origs[after-1]; f.first == 0 && own(f, 0, came) {
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
