//go:build linux

// Package ways finds how packets get from one node of a plan to another.
//
// It knows no script.
package ways

import (
	"fmt"
	"net/netip"
	"slices"

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

// Overlap is an address that a node looks for where it is not: a prefix of the node's own
// wire covers it.
type Overlap struct {
	Node, Other *plan.Node
	Prefix      netip.Prefix // of the node's wire
	Addr        netip.Addr   // of the other
	Wire        string       // the node's
}

// String says so.
func (o *Overlap) String() string {
	return fmt.Sprintf("%s looks for %s of %s on its own wire %q, whose prefix %s covers it", o.Node.Name, o.Addr, o.Other.Name,
		o.Wire, o.Prefix.Masked())
}

// Overlaps are the first of them for each two nodes: prefixes of one length may be meant,
// as private ones behind NAT are.
func Overlaps(p *plan.Plan) (out []Overlap) {
	for _, n := range p.Nodes {
		for _, m := range p.Nodes {
			if o := overlap(n, m); m != n && o != nil {
				out = append(out, *o)
			}
		}
	}
	return out
}

func overlap(n, m *plan.Node) *Overlap {
	for _, g := range m.Ifaces {
		for _, q := range g.Addrs {
			if slices.ContainsFunc(n.Routes, func(r plan.Route) bool { return covers(r.To, q) }) {
				continue
			}
			var by *Overlap
			onLink := false
			for _, f := range n.Ifaces {
				for _, p := range f.Addrs {
					onLink = onLink || p.Masked() == q.Masked()
					if covers(p, q) && p.Bits() < q.Bits() && f.Wire != g.Wire {
						by = &Overlap{Node: n, Other: m, Prefix: p, Addr: q.Addr(), Wire: f.Wire.Name}
					}
				}
			}
			if by != nil && !onLink {
				return by
			}
		}
	}
	return nil
}

// covers reports whether a prefix, not of everything, has the address of another in it.
func covers(p, q netip.Prefix) bool { return p.IsValid() && p.Bits() > 0 && p.Contains(q.Addr()) }
