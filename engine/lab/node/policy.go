//go:build linux

package node

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"

	"netrepro/engine/lab/topology"
)

// AddPolicy adds a rule that says which routing table is asked.
func (n *Node) AddPolicy(p topology.Policy) error {
	return n.policy(p, "add", func(h *netlink.Handle, r *netlink.Rule) error { return h.RuleAdd(r) })
}

// DelPolicy takes such a rule away.
func (n *Node) DelPolicy(p topology.Policy) error {
	return n.policy(p, "delete", func(h *netlink.Handle, r *netlink.Rule) error { return h.RuleDel(r) })
}

func (n *Node) policy(p topology.Policy, what string, change func(*netlink.Handle, *netlink.Rule) error) error {
	h, err := Netlink(n.NS)
	if err != nil {
		return err
	}
	defer h.Close()
	added := 0
	for _, family := range []int{netlink.FAMILY_V4, netlink.FAMILY_V6} {
		six := family == netlink.FAMILY_V6
		if six && !n.Family.Has6() || !six && !n.Family.Has4() || p.Only != "" && (p.Only == topology.IPv6) != six {
			continue
		}
		r, err := n.ruleOf(p, family)
		if err != nil {
			return err
		}
		if r == nil {
			continue
		}
		added++
		if err := change(h, r); err != nil {
			return fmt.Errorf("node %s: %s policy: %w", n.Name, what, err)
		}
	}
	if added == 0 {
		return topology.Bad(n.Line, p.From+p.To, "name prefixes of one IP version, which the topology has",
			"no packet on %s can be from %q to %q", n.Name, p.From, p.To)
	}
	return nil
}

// ruleOf is the kernel's rule of a policy, nil if the policy is of another IP
// version.
func (n *Node) ruleOf(p topology.Policy, family int) (*netlink.Rule, error) {
	r := netlink.NewRule()
	r.Family, r.Table, r.Mark = family, p.Table, uint32(p.Mark)
	if p.LongerThan > 0 {
		r.SuppressPrefixlen = p.LongerThan - 1
	}
	if p.Priority > 0 {
		r.Priority = p.Priority
	}
	mine := true
	for _, end := range []struct {
		text string
		net  **net.IPNet
	}{{p.From, &r.Src}, {p.To, &r.Dst}} {
		if end.text == "" {
			continue
		}
		x, err := netip.ParsePrefix(end.text)
		if err != nil {
			return nil, topology.Bad(n.Line, end.text, `write it like "198.51.100.0/24"`,
				"%q is not a prefix", end.text)
		}
		mine = mine && x.Addr().Is6() == (family == netlink.FAMILY_V6)
		*end.net = ipNet(x.Masked())
	}
	if p.Wire != "" {
		f := n.Iface(p.Wire)
		if f == nil {
			return nil, topology.Bad(n.Line, p.Wire, "the wires of "+n.Name+" are: "+n.WireNames(),
				"%s is on no wire %q", n.Name, p.Wire)
		}
		r.IifName = f.Dev
	}
	if !mine {
		return nil, nil
	}
	return r, nil
}
