package ending

import (
	"netrepro/engine/diagnose/incident"
)

// unreachable are the pings to the reset's sender that were not answered while the connection
// was idle, though later ones were.
func (e *end) unreachable(after *incident.Segment) (lost []*incident.Message) {
	type echo struct{ id, seq uint16 }
	host := e.flow.Ends[e.side].Addr()
	asked := map[echo]*incident.Message{}
	var order []echo
	back := false // it answered one after those that it did not answer
	for _, m := range e.flow.File.Messages {
		request, reply := m.ICMP().Echo(m.Proto)
		id := echo{m.ICMP().EchoID, m.ICMP().EchoSeq}
		switch {
		case m.Time > after.Time || m.Time < after.Time-e.idle:
		case request && m.Dst == host:
			asked[id] = m
			order = append(order, id)
		case reply && m.Src == host && asked[id] != nil:
			delete(asked, id)
			back = len(asked) > 0
		}
	}
	if !back {
		return nil
	}
	for _, id := range order {
		if m := asked[id]; m != nil {
			lost = append(lost, m)
		}
	}
	return lost
}
