package topo

import (
	"net/netip"
	"slices"
	"strings"
)

// route derives the routes of every node: to each subnet along the shortest
// path, neighbouring prefixes with the same next hop merged, and on a node
// with one wire everything else to its neighbour. Then come those asked for.
func (p *Plan) route() error {
	for _, n := range p.Nodes {
		byHop := map[*Iface][]netip.Prefix{}
		var hops []*Iface
		for w, hop := range p.nextHops(n) {
			if hop == nil {
				continue
			}
			if byHop[hop] == nil {
				hops = append(hops, hop)
			}
			byHop[hop] = append(byHop[hop], p.Wires[w].Ends[0].Prefix.Masked())
		}
		for _, hop := range hops {
			for _, to := range merge(byHop[hop]) {
				n.Routes = append(n.Routes, RoutePlan{To: to, Via: hop.Peer().Prefix.Addr(), Dev: hop.Dev})
			}
		}
		if err := p.asked(n); err != nil {
			return err
		}
	}
	return nil
}

// nextHops gives, for each wire, the interface of n to leave by, nil if the
// wire is n's own or out of reach. Hosts are not passed through.
func (p *Plan) nextHops(n *NodePlan) []*Iface {
	index := map[*WirePlan]int{}
	for i, w := range p.Wires {
		index[w] = i
	}
	hops := make([]*Iface, len(p.Wires))
	seen := map[*NodePlan]bool{n: true}
	type step struct {
		node *NodePlan
		via  *Iface
	}
	queue := []step{{n, nil}}
	for len(queue) > 0 {
		at := queue[0]
		queue = queue[1:]
		if at.node != n && !at.node.Forward {
			continue
		}
		for _, f := range at.node.Ifaces {
			via := at.via
			if via == nil {
				via = f
			} else if i := index[f.Wire]; hops[i] == nil && !n.on(f.Wire) {
				hops[i] = via
			}
			if peer := f.Peer().Node; !seen[peer] {
				seen[peer] = true
				queue = append(queue, step{peer, via})
			}
		}
	}
	return hops
}

func (n *NodePlan) on(w *WirePlan) bool {
	return slices.ContainsFunc(n.Ifaces, func(f *Iface) bool { return f.Wire == w })
}

var everywhere = netip.PrefixFrom(netip.IPv4Unspecified(), 0)

// asked adds the routes the script wrote, and the default route.
func (p *Plan) asked(n *NodePlan) error {
	switch {
	case n.Gateway != "":
		r, err := p.via(n, everywhere, n.Gateway)
		if err != nil {
			return err
		}
		n.Routes = append(n.Routes, r)
	case len(n.Ifaces) == 1 && n.Ifaces[0].Peer().Node.Forward:
		f := n.Ifaces[0]
		n.Routes = []RoutePlan{{To: everywhere, Via: f.Peer().Prefix.Addr(), Dev: f.Dev}}
	}
	for _, r := range n.Node.Routes {
		to := everywhere
		if r.To != "default" {
			pre, err := netip.ParsePrefix(r.To)
			if err != nil || !pre.Addr().Is4() {
				return bad(n.Line, r.To, `write it like "198.51.100.0/24", or "default"`, "route to %q on %s is not an IPv4 prefix", r.To, n.Name)
			}
			to = pre.Masked()
		}
		plan, err := p.via(n, to, r.Via)
		if err != nil {
			return err
		}
		n.Routes = slices.DeleteFunc(n.Routes, func(old RoutePlan) bool { return old.To == to })
		n.Routes = append(n.Routes, plan)
	}
	return nil
}

// via resolves a neighbour, by node name or address.
func (p *Plan) via(n *NodePlan, to netip.Prefix, via string) (RoutePlan, error) {
	var around []string
	for _, f := range n.Ifaces {
		peer := f.Peer()
		around = append(around, peer.Node.Name)
		if peer.Node.Name == via {
			return RoutePlan{to, peer.Prefix.Addr(), f.Dev}, nil
		}
		if a, err := netip.ParseAddr(via); err == nil && f.Prefix.Contains(a) {
			return RoutePlan{to, a, f.Dev}, nil
		}
	}
	return RoutePlan{}, bad(n.Line, via, "the neighbours of "+n.Name+" are: "+strings.Join(around, ", "), "%q is not a neighbour of %s", via, n.Name)
}

// merge joins prefixes that together are exactly one shorter prefix.
func merge(in []netip.Prefix) []netip.Prefix {
	out := slices.Clone(in)
	slices.SortFunc(out, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
	out = slices.Compact(out)
	for i := 0; i+1 < len(out); {
		a, b := out[i], out[i+1]
		up := netip.PrefixFrom(a.Addr(), a.Bits()-1).Masked()
		if a.Bits() != b.Bits() || up.Addr() != a.Addr() || !up.Contains(b.Addr()) {
			i++
			continue
		}
		out[i] = up
		out = slices.Delete(out, i+1, i+2)
		i = max(i-1, 0)
	}
	return out
}
