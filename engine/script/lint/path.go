//go:build linux

package lint

import (
	"fmt"
	"strings"

	"github.com/yuin/gopher-lua/ast"

	"netrepro/engine/lab/topology/plan"
	"netrepro/engine/script/lint/ways"
)

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
		if _, _, ok := ways.Of(c.of.Plan, from, to, ways.Passes); ok {
			continue
		}
		between, _, ok := ways.Of(c.of.Plan, from, to, func(*plan.Node) bool { return true })
		if !ok {
			continue
		}
		for _, n := range between {
			if !ways.Passes(n) {
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
	_, wires, ok := ways.Of(p, from, to, func(*plan.Node) bool { return true })
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
