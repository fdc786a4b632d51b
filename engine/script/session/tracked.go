//go:build linux

package session

import "netrepro/engine/kernel/tracked"

// Tracked adds to the packets so far what the connection tracking of their node made of
// them. It reports false where no node tracks any.
func (r *Run) Tracked() (tracks bool, err error) {
	t := r.Lab.Trace
	for _, n := range r.Nodes {
		events, lost, err := n.Rules.Tracked()
		if err != nil {
			return tracks, err
		}
		if lost || len(events) == 0 {
			continue
		}
		rs := t.Findings()
		for frame, text := range tracked.States(t.Packets(), t.Start, n.Name, events) {
			rs[frame-1].Conntrack, tracks = text, true
		}
	}
	return tracks, nil
}
