//go:build linux

package firewall

import (
	"net/netip"

	"netrepro/engine/lab/firewall/tracking"
	"netrepro/engine/packet"
)

// Tracked is what connection tracking did since the last call, with when each connection
// was taken up. lost says that some of it was not heard. There is nothing where no rule
// was added, and where the kernel does not say.
func (t *Table) Tracked() (events []tracking.Event, lost bool, err error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.listener == nil {
		return nil, false, nil
	}
	events, lost, err = t.listener.Drain()
	if len(events) == 0 || err != nil {
		return events, lost, err
	}
	there, err := Conntrack(t.ns)
	if err != nil {
		return nil, false, err
	}
	dated(events, there)
	return events, lost, nil
}

// dated gives connections that were taken up the time, which the kernel tells where it
// forgets one, and of those that are there.
func dated(events []tracking.Event, there []Entry) {
	type pair struct{ orig, reply tracking.Tuple }
	begun := map[pair]int{} // the last that began with these
	byID := map[uint32]int{}
	for i, e := range events {
		switch e.Kind {
		case tracking.New:
			byID[e.ID], begun[pair{e.Orig, e.Reply}] = i, i
		case tracking.Destroy:
			if n, known := byID[e.ID]; known {
				events[n].Start = e.Start
			}
			delete(begun, pair{e.Orig, e.Reply})
		}
	}
	for _, e := range there {
		if n, known := begun[pair{e.tracked(e.Orig), e.tracked(e.Reply)}]; known {
			events[n].Start = e.Start
		}
	}
}

// tracked is a direction of e as events have it.
func (e *Entry) tracked(t Tuple) tracking.Tuple {
	out := tracking.Tuple{Proto: e.Proto, Src: netip.AddrPortFrom(t.Src, uint16(t.SPort)),
		Dst: netip.AddrPortFrom(t.Dst, uint16(t.DPort))}
	if e.Proto == packet.ProtoICMP || e.Proto == packet.ProtoICMPv6 {
		return tracking.Tuple{} // the list has no ID
	}
	return out
}
