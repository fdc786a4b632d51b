package ending

import (
	"slices"

	"netrepro/engine/diagnose/incident"
)

// unreachable are the pings to the reset's sender that were not answered while the connection
// was idle, though later ones were.
func (e *end) unreachable(after *incident.Segment) (lost []*incident.Message) {
	host := e.flow.Ends[e.side].Addr()
	var open []*incident.Message // that were not answered, oldest first
	for _, m := range e.flow.File.Messages {
		if m.Time > after.Time || m.Time < after.Time-e.idle {
			continue
		}
		request, reply := m.ICMP().Echo(m.Proto)
		switch {
		case request && m.Dst == host:
			open = append(open, m)
		case reply && m.Src == host:
			i := slices.IndexFunc(open, func(q *incident.Message) bool {
				return q.ICMP().EchoKey == m.ICMP().EchoKey
			})
			if i >= 0 { // those before it are lost, for this one is not
				lost = append(lost, open[:i]...)
				open = open[i+1:]
			}
		}
	}
	return lost
}
