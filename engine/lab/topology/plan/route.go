package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"netrepro/engine/lab/topology"
)

// way is how a node reaches something: by which interface, over which
// neighbour.
type way struct{ by, over *Iface }

// route derives the routes of every node: to each subnet along the shortest
// path, neighbouring prefixes with the same next hop merged, and on a node
// with one wire and one router there everything else to that. Then come those
// asked for.
func (p *Plan) route() error {
	for _, t := range p.Tunnels {
		if err := p.under(t); err != nil {
			return err
		}
	}
	for _, n := range p.Nodes {
		if n.Kind == topology.Switch {
			continue
		}
		plain, tunnelled := p.ways(n, false), p.ways(n, true)
		byWay := map[way][]netip.Prefix{}
		var order []way
		add := func(w way, to netip.Prefix) {
			if byWay[w] == nil {
				order = append(order, w)
			}
			byWay[w] = append(byWay[w], to)
		}
		for _, s := range p.segments {
			w, ok := tunnelled[s]
			if s.carries(p.Tunnels) {
				w, ok = plain[s]
			}
			for _, net := range s.nets {
				if ok && net.IsValid() {
					add(w, net)
				}
			}
			s.further(func(f *Iface, a netip.Prefix) {
				switch {
				case f.Node == n:
				case ok:
					add(w, a)
				case n.on(s) != nil: // on a segment of its own
					add(way{n.on(s), f}, a)
				}
			})
		}
		for _, w := range order {
			for _, to := range topology.Join(byWay[w]) {
				n.Routes = append(n.Routes, Route{To: to, Hops: []Hop{w.hop(to)}})
			}
		}
		if err := p.asked(n); err != nil {
			return err
		}
	}
	return nil
}

func (w way) hop(to netip.Prefix) Hop {
	return Hop{Via: w.over.Addr(to.Addr().Is6()).Addr(), Dev: w.by.Dev}
}

// further are the addresses of a segment's interfaces that are not in its
// subnets.
func (s *segment) further(f func(*Iface, netip.Prefix)) {
	for _, i := range s.ifaces {
		for _, a := range i.Addrs {
			if a.Masked() != s.nets[0] && a.Masked() != s.nets[1] {
				f(i, netip.PrefixFrom(a.Addr(), a.Addr().BitLen()))
			}
		}
	}
}

// on is the interface of n on a segment, nil if it has none there.
func (n *Node) on(s *segment) *Iface {
	for _, f := range n.Devices() {
		if f.segment == s {
			return f
		}
	}
	return nil
}

// carries reports whether tunnels run over the segment.
func (s *segment) carries(tunnels []*Tunnel) bool {
	return slices.ContainsFunc(tunnels, func(t *Tunnel) bool {
		return t.Under[0].segment == s || t.Under[1].segment == s
	})
}

// ways gives, for each segment that is not n's own and within reach, how n gets
// there along the shortest path. Hosts are not passed through.
func (p *Plan) ways(n *Node, tunnels bool) map[*segment]way {
	out := map[*segment]way{}
	seen := map[*Node]bool{n: true}
	type step struct {
		node *Node
		way  way
	}
	for queue := []step{{node: n}}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if at.node != n && !at.node.Forward {
			continue
		}
		devices := at.node.Ports()
		if tunnels {
			devices = slices.Concat(at.node.Tunnels, devices)
		}
		for _, f := range devices {
			if _, known := out[f.segment]; at.node != n && !known && n.on(f.segment) == nil {
				out[f.segment] = at.way
			}
			for _, next := range f.Neighbours() {
				if seen[next.Node] {
					continue
				}
				seen[next.Node] = true
				w := at.way
				if at.node == n {
					w = way{f, next}
				}
				queue = append(queue, step{next.Node, w})
			}
		}
	}
	return out
}

// asked adds the routes the script wrote, and the default route.
func (p *Plan) asked(n *Node) error {
	switch routers := n.routers(); {
	case n.Gateway != "":
		rs, err := p.Resolve(n, topology.Route{To: "default", Via: []string{n.Gateway}})
		if err != nil {
			return err
		}
		n.Routes = append(n.Routes, rs...)
	case len(n.Devices()) == 1 && len(routers) == 1:
		n.Routes = nil
		for _, to := range n.Family.Everywhere() {
			n.Routes = append(n.Routes, Route{To: to, Hops: []Hop{way{n.Devices()[0], routers[0]}.hop(to)}})
		}
	}
	for _, r := range n.Node.Routes {
		rs, err := p.Resolve(n, r)
		if err != nil {
			return err
		}
		for _, plan := range rs {
			n.Routes = slices.DeleteFunc(n.Routes, func(old Route) bool {
				return old.To == plan.To && old.Table == plan.Table
			})
			n.Routes = append(n.Routes, plan)
		}
	}
	return nil
}

// routers are the routers on n's segments.
func (n *Node) routers() []*Iface {
	var out []*Iface
	for _, f := range n.Devices() {
		for _, o := range f.Neighbours() {
			if o.Node.Forward {
				out = append(out, o)
			}
		}
	}
	return out
}

// routeKinds are what a route can be instead of leading anywhere.
var routeKinds = []string{"", "blackhole", "unreachable", "prohibit"}

// Resolve works a route of n out: one of each IP version that it can be of. Its
// errors are *[topology.Error].
func (p *Plan) Resolve(n *Node, r topology.Route) ([]Route, error) {
	tos := n.Family.Everywhere()
	if r.To != "default" {
		pre, err := netip.ParsePrefix(r.To)
		if err != nil {
			return nil, bad(n.Line, r.To, `write it like "198.51.100.0/24" or "2001:db8::/32", or "default"`,
				"route to %q on %s is not a prefix", r.To, n.Name)
		}
		tos = []netip.Prefix{pre.Masked()}
	} else {
		tos = slices.DeleteFunc(slices.Clone(tos), func(to netip.Prefix) bool {
			return slices.ContainsFunc(r.Via, func(via string) bool {
				a, err := netip.ParseAddr(via)
				return err == nil && a.Is6() != to.Addr().Is6()
			})
		})
		if len(tos) == 0 {
			return nil, bad(n.Line, r.Via[0], "name neighbours of one IP version, which the topology has",
				"there is no default route over %s", strings.Join(r.Via, " and "))
		}
	}
	if !slices.Contains(routeKinds, r.Kind) {
		return nil, bad(n.Line, r.Kind, "it is one of: "+strings.Join(routeKinds[1:], ", "),
			"%q is not a kind of route", r.Kind)
	}
	if (r.Kind == "") == (len(r.Via) == 0) {
		return nil, bad(n.Line, r.To, `write via = "NODE", or kind = "blackhole"`,
			"route to %s on %s leads over a neighbour, or nowhere", r.To, n.Name)
	}
	src, err := netip.ParseAddr(r.Src)
	if r.Src != "" && (err != nil || !slices.Contains(n.Addrs(), src)) {
		return nil, bad(n.Line, r.Src, "it must be an address of the node",
			"%q is not an address of %s", r.Src, n.Name)
	}
	var out []Route
	for _, to := range tos {
		six := to.Addr().Is6()
		plan := Route{To: to, Kind: r.Kind, MTU: r.MTU, Lock: r.Lock, Table: r.Table, Metrics: r.Metrics}
		if src.IsValid() && src.Is6() == six {
			plan.Src = src
		}
		for i, via := range r.Via {
			hop, err := n.hop(via, r.Wire, six)
			if err != nil {
				return nil, err
			}
			if len(r.Weights) > i {
				hop.Weight = r.Weights[i]
			}
			plan.Hops = append(plan.Hops, hop)
		}
		out = append(out, plan)
	}
	return out, nil
}

// hop finds a neighbour, by node name or address.
func (n *Node) hop(via, wire string, six bool) (Hop, error) {
	var around []string
	other := false // it is a neighbour, of the other IP version alone
	a, err := netip.ParseAddr(via)
	for _, f := range n.Devices() {
		if wire != "" && f != n.Iface(wire) {
			continue
		}
		for _, o := range f.Neighbours() {
			around = append(around, o.Node.Name)
			other = other || o.Node.Name == via
			if o.Node.Name == via && o.Addr(six).IsValid() {
				return Hop{Via: o.Addr(six).Addr(), Dev: f.Dev}, nil
			}
		}
		near := func(p netip.Prefix) bool { return p.Contains(a) }
		if err == nil && a.Is6() == six && slices.ContainsFunc(f.Addrs, near) {
			return Hop{Via: a, Dev: f.Dev}, nil
		}
	}
	if other {
		return Hop{}, bad(n.Line, via, "the route and its neighbours are of one IP version",
			"%s has no address of the route's IP version", via)
	}
	hint := fmt.Sprintf("the neighbours of %s are: %s", n.Name, strings.Join(around, ", "))
	return Hop{}, bad(n.Line, via, hint, "%q is not a neighbour of %s", via, n.Name)
}

// String writes a route as ip-route(8) does.
func (r Route) String() string {
	s := r.To.String()
	if r.Kind != "" {
		return r.Kind + " " + s
	}
	for _, h := range r.Hops {
		s += " via " + h.Via.String()
	}
	return s
}
