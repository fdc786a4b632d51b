//go:build linux

package lab

import (
	"errors"
	"fmt"
	"net/netip"
	"netrepro/engine/lab/topology"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"
)

// AddRoute adds routes to a live node, or replaces those to the same prefixes.
// All are in place, or none is new.
func (n *Node) AddRoute(routes ...topology.RoutePlan) error {
	h, err := handle(n.NS)
	if err != nil {
		return err
	}
	defer h.Close()
	var undo []func() error
	for _, r := range routes {
		old, err := n.before(h, r)
		if err == nil {
			err = n.addRoute(h, r)
		}
		if err != nil {
			for _, f := range undo {
				err = errors.Join(err, f())
			}
			return err
		}
		undo = append(undo, func() error {
			if old != nil {
				return h.RouteReplace(old)
			}
			return h.RouteDel(n.routeOf(r))
		})
	}
	return nil
}

// before is the route that r would replace, nil if there is none.
func (n *Node) before(h *netlink.Handle, r topology.RoutePlan) (*netlink.Route, error) {
	family, table := netlink.FAMILY_V4, r.Table
	if r.To.Addr().Is6() {
		family = netlink.FAMILY_V6
	}
	if table == 0 {
		table = unix.RT_TABLE_MAIN
	}
	found, err := h.RouteListFiltered(family, &netlink.Route{Dst: ipNet(r.To), Table: table}, netlink.RT_FILTER_DST|netlink.RT_FILTER_TABLE)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// DelRoute takes routes from a live node.
func (n *Node) DelRoute(routes ...topology.RoutePlan) error {
	h, err := handle(n.NS)
	if err != nil {
		return err
	}
	defer h.Close()
	for _, r := range routes {
		if err := h.RouteDel(&netlink.Route{Dst: ipNet(r.To), Table: r.Table}); err != nil {
			return fmt.Errorf("node %s: delete route %s: %w", n.Name, r.To, err)
		}
	}
	return nil
}

func (n *Node) addRoute(h *netlink.Handle, r topology.RoutePlan) error {
	if err := h.RouteReplace(n.routeOf(r)); err != nil {
		return fmt.Errorf("node %s: route %s: %w", n.Name, r, err)
	}
	return nil
}

var routeTypes = map[string]int{"": unix.RTN_UNICAST, "blackhole": unix.RTN_BLACKHOLE, "unreachable": unix.RTN_UNREACHABLE, "prohibit": unix.RTN_PROHIBIT}

func (n *Node) routeOf(r topology.RoutePlan) *netlink.Route {
	out := &netlink.Route{Dst: ipNet(r.To), MTU: r.MTU, MTULock: r.Lock, Table: r.Table, Type: routeTypes[r.Kind]}
	if r.Src.IsValid() {
		out.Src = r.Src.AsSlice()
	}
	if len(r.Hops) == 1 {
		out.Gw, out.LinkIndex = r.Hops[0].Via.AsSlice(), n.index[r.Hops[0].Dev]
		out.Flags = onlink(n, r.Hops[0])
		return out
	}
	for _, h := range r.Hops {
		out.MultiPath = append(out.MultiPath, &netlink.NexthopInfo{Gw: h.Via.AsSlice(), LinkIndex: n.index[h.Dev], Hops: max(h.Weight, 1) - 1,
			Flags: onlink(n, h)})
	}
	return out
}

// onlink is the flag of a neighbour that no subnet of the device has.
func onlink(n *Node, h topology.Hop) int {
	for _, f := range n.Devices() {
		if f.Dev != h.Dev {
			continue
		}
		for _, a := range f.Addrs {
			if a.Contains(h.Via) {
				return 0
			}
		}
	}
	return int(netlink.FLAG_ONLINK)
}

// AddPolicy adds a rule that says which routing table is asked.
func (n *Node) AddPolicy(p topology.Policy) error {
	return n.policy(p, "add", func(h *netlink.Handle, r *netlink.Rule) error { return h.RuleAdd(r) })
}

// DelPolicy takes such a rule away.
func (n *Node) DelPolicy(p topology.Policy) error {
	return n.policy(p, "delete", func(h *netlink.Handle, r *netlink.Rule) error { return h.RuleDel(r) })
}

func (n *Node) policy(p topology.Policy, what string, change func(*netlink.Handle, *netlink.Rule) error) error {
	h, err := handle(n.NS)
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
			set  func(netip.Prefix)
		}{{p.From, func(x netip.Prefix) { r.Src = ipNet(x) }}, {p.To, func(x netip.Prefix) { r.Dst = ipNet(x) }}} {
			if end.text == "" {
				continue
			}
			x, err := netip.ParsePrefix(end.text)
			if err != nil {
				return topology.Bad(n.Line, end.text, `write it like "198.51.100.0/24"`, "%q is not a prefix", end.text)
			}
			mine = mine && x.Addr().Is6() == six
			end.set(x.Masked())
		}
		if p.Wire != "" {
			f := n.Iface(p.Wire)
			if f == nil {
				return topology.Bad(n.Line, p.Wire, "the wires of "+n.Name+" are: "+n.WireNames(), "%s is on no wire %q", n.Name, p.Wire)
			}
			r.IifName = f.Dev
		}
		if !mine {
			continue
		}
		added++
		if err := change(h, r); err != nil {
			return fmt.Errorf("node %s: %s policy: %w", n.Name, what, err)
		}
	}
	if added == 0 {
		return topology.Bad(n.Line, p.From+p.To, "name prefixes of one IP version, which the topology has", "no packet on %s can be from %q to %q", n.Name, p.From, p.To)
	}
	return nil
}
