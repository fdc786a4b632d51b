//go:build linux

package session

import (
	"fmt"

	"netrepro/engine/kernel/tracked"
)

// Tracked adds to the packets so far what the connection tracking of their node made of
// them. Of a node of which it is not known it says so, and nothing of the packets.
func (r *Run) Tracked() {
	t := r.Lab.Trace
	for _, n := range r.Nodes {
		events, lost, err := n.Rules.Tracked()
		switch {
		case err != nil:
			r.Event(Event{Kind: EventLog, Text: fmt.Sprintf("the capture does not tell what %s tracked: %v", n.Name, err)})
			continue
		case lost:
			r.Event(Event{Kind: EventLog, Text: fmt.Sprintf("the capture does not tell what %s tracked: too much at once",
				n.Name)})
			continue
		case len(events) == 0:
			continue
		}
		rs := t.Findings()
		first := func(frame int) int { return rs[frame-1].First() }
		for frame, text := range tracked.States(t.Packets(), first, t.Start, n.Name, events) {
			rs[frame-1].Conntrack = text
		}
	}
}
