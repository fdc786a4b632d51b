//go:build linux

// Package ways finds how packets get from one node of a plan to another.
//
// It knows no script.
package ways

import (
	"netrepro/engine/lab/topology"
	"netrepro/engine/lab/topology/plan"
)

// neighbours are the nodes at the other ends of a node's wires, with these.
func neighbours(p *plan.Plan, n *plan.Node) map[*plan.Wire]*plan.Node {
	out := map[*plan.Wire]*plan.Node{}
	for _, w := range p.Wires {
		for side, end := range w.Ends {
			if end != nil && end.Node == n {
				out[w] = w.Ends[1-side].Node
			}
		}
	}
	return out
}

// Passes reports whether a node sends on what is not for it.
func Passes(n *plan.Node) bool { return n.Forward || n.Kind != topology.Host }

// Of is how to get from one node to another: the nodes between, and whether there is
// another way. It goes through hosts that forward nothing only if it must.
func Of(p *plan.Plan, from, to *plan.Node, through func(*plan.Node) bool) (between []*plan.Node, wires []*plan.Wire,
	found bool) {
	type step struct {
		node *plan.Node
		by   *plan.Wire
		prev *step
	}
	seen := map[*plan.Node]bool{from: true}
	for queue := []*step{{node: from}}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if at.node == to {
			for s := at; s.prev != nil; s = s.prev {
				wires = append(wires, s.by)
				if s.prev.node != from {
					between = append(between, s.prev.node)
				}
			}
			return between, wires, true
		}
		if at.node != from && !through(at.node) {
			continue
		}
		for w, n := range neighbours(p, at.node) {
			if !seen[n] {
				seen[n] = true
				queue = append(queue, &step{n, w, at})
			}
		}
	}
	return nil, nil, false
}
