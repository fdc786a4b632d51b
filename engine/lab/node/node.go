//go:build linux

package node

import (
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"netrepro/engine/lab/netns"
	"netrepro/engine/lab/sysctl"
	"netrepro/engine/lab/topology"
	"netrepro/engine/lab/topology/plan"
)

// Node is a node of a plan with its namespace.
type Node struct {
	*plan.Node
	NS *netns.NS // nil until it is made

	tunnels []*plan.Tunnel // of the whole plan
	keys    map[*plan.Tunnel]Keys
	index   map[string]int // of its devices
}

// New is a node of a plan that has no namespace yet. keys are those of the plan's
// WireGuard tunnels.
func New(n *plan.Node, p *plan.Plan, keys map[*plan.Tunnel]Keys) *Node {
	return &Node{Node: n, tunnels: p.Tunnels, keys: keys}
}

// Make makes the node's namespace, with the settings that its devices are to find.
func (n *Node) Make() error {
	ns, err := netns.New(n.Name)
	if err != nil {
		return err
	}
	n.NS = ns
	return ns.Do(func() error { return sysctl.Settle(n.Node) })
}

// Start brings the node's devices up, which must be there, and writes the settings
// that the plan asks for.
func (n *Node) Start() error {
	if err := n.configure(); err != nil {
		return err
	}
	for _, s := range n.Sysctl {
		if err := sysctl.Set(n.NS, s); err != nil {
			hint := "the name and value must be ones this kernel has for a network namespace"
			return topology.Bad(n.Line, s.Name, hint, "node %s: %v", n.Name, err)
		}
	}
	return nil
}

// Netlink opens a route netlink socket in ns.
func Netlink(ns *netns.NS) (h *netlink.Handle, err error) {
	err = ns.Do(func() error {
		h, err = netlink.NewHandle(unix.NETLINK_ROUTE)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open netlink in %s: %w", ns.Name(), err)
	}
	return h, nil
}
