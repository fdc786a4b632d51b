//go:build linux

package node

import (
	"errors"
	"fmt"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"netrepro/engine/lab/topology/plan"
)

// AddRoute adds routes to a live node, or replaces those to the same prefixes.
// All are in place, or none is new.
func (n *Node) AddRoute(routes ...plan.Route) error {
	h, err := Netlink(n.NS)
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
func (n *Node) before(h *netlink.Handle, r plan.Route) (*netlink.Route, error) {
	family, table := netlink.FAMILY_V4, r.Table
	if r.To.Addr().Is6() {
		family = netlink.FAMILY_V6
	}
	if table == 0 {
		table = unix.RT_TABLE_MAIN
	}
	like := &netlink.Route{Dst: ipNet(r.To), Table: table}
	found, err := h.RouteListFiltered(family, like, netlink.RT_FILTER_DST|netlink.RT_FILTER_TABLE)
	if err != nil || len(found) == 0 {
		return nil, err
	}
	return &found[0], nil
}

// DelRoute takes routes from a live node.
func (n *Node) DelRoute(routes ...plan.Route) error {
	h, err := Netlink(n.NS)
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

func (n *Node) addRoute(h *netlink.Handle, r plan.Route) error {
	if err := h.RouteReplace(n.routeOf(r)); err != nil {
		return fmt.Errorf("node %s: route %s: %w", n.Name, r, err)
	}
	return nil
}

var routeTypes = map[string]int{"": unix.RTN_UNICAST, "blackhole": unix.RTN_BLACKHOLE,
	"unreachable": unix.RTN_UNREACHABLE, "prohibit": unix.RTN_PROHIBIT}

func (n *Node) routeOf(r plan.Route) *netlink.Route {
	out := &netlink.Route{Dst: ipNet(r.To), MTU: r.MTU, MTULock: r.Lock, Table: r.Table, Type: routeTypes[r.Kind]}
	out.RtoMin, out.AdvMSS = int(r.RTOMin.Milliseconds()), r.AdvMSS
	out.RtoMinLock = out.RtoMin > 0 // else it does not count (tcp_rto_min)
	out.InitCwnd, out.InitRwnd, out.Congctl = r.InitCwnd, r.InitRwnd, r.Congestion
	if r.QuickAck {
		out.QuickACK = 1
	}
	if r.Src.IsValid() {
		out.Src = r.Src.AsSlice()
	}
	if len(r.Hops) == 1 {
		out.Gw, out.LinkIndex = r.Hops[0].Via.AsSlice(), n.index[r.Hops[0].Dev]
		out.Flags = onlink(n, r.Hops[0])
		return out
	}
	for _, h := range r.Hops {
		out.MultiPath = append(out.MultiPath, &netlink.NexthopInfo{Gw: h.Via.AsSlice(), LinkIndex: n.index[h.Dev],
			Hops: max(h.Weight, 1) - 1, Flags: onlink(n, h)})
	}
	return out
}

// onlink is the flag of a neighbour that no subnet of the device has.
func onlink(n *Node, h plan.Hop) int {
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
