//go:build linux

package lint

import (
	"fmt"
	"strings"

	"github.com/yuin/gopher-lua/ast"

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

// passes reports whether a node sends on what is not for it.
func passes(n *plan.Node) bool { return n.Forward || n.Kind != topology.Host }

// way is how to get from one node to another: the nodes between, and whether there is
// another way. It goes through hosts that forward nothing only if it must.
func way(p *plan.Plan, from, to *plan.Node, through func(*plan.Node) bool) (between []*plan.Node, wires []*plan.Wire,
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

// reaches warns where a node is to reach another and only hosts that forward nothing are
// between them.
func (c *checker) reaches(of thing, given map[string]thing, e *ast.FuncCallExpr) {
	from := of.node
	if from == nil || of.class == nil || of.class.Name != "Host" || len(c.of.Plan.Tunnels) > 0 ||
		strings.Contains(c.src.Text, "ip_forward") {
		return
	}
	for _, name := range []string{"to", "from"} {
		to := given[name].node
		if to == nil || to == from {
			continue
		}
		if _, _, ok := way(c.of.Plan, from, to, passes); ok {
			continue
		}
		between, _, ok := way(c.of.Plan, from, to, func(*plan.Node) bool { return true })
		if !ok {
			continue
		}
		for _, n := range between {
			if !passes(n) {
				c.warn(c.src.AtMember(e.Line(), e.Method, fmt.Sprintf("%s reaches %s only through host %q, which forwards "+
					"nothing", from.Name, to.Name, n.Name), fmt.Sprintf("write router %q", n.Name)))
				return
			}
		}
	}
}

// crosses warns where a fault on a wire is for packets between two nodes that never
// cross it. Where there is more than one way it says nothing.
func (c *checker) crosses(of thing, given map[string]thing, e *ast.FuncCallExpr) {
	from, to := given["from"].node, given["to"].node
	p := c.of.Plan
	if of.wire == nil || from == nil || to == nil || from == to || len(p.Tunnels) > 0 || len(p.Wires) >= len(p.Nodes) {
		return
	}
	_, wires, ok := way(p, from, to, func(*plan.Node) bool { return true })
	if !ok {
		return
	}
	for _, w := range wires {
		if w == of.wire {
			return
		}
	}
	c.warn(c.src.AtMember(e.Line(), e.Method, fmt.Sprintf("no packet from %s to %s crosses wire %q", from.Name, to.Name,
		of.wire.Name), "put the fault on a wire between them"))
}
