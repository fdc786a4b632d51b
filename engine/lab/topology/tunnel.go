package topology

import (
	"fmt"
	"slices"
	"strings"
)

// TunnelPlan is a tunnel of a plan.
type TunnelPlan struct {
	Tunnel
	Ends [2]*Iface
	// Under is by which interface each end reaches the other: its address is
	// the tunnel's there.
	Under [2]*Iface
}

// TunnelKinds are the kinds of tunnel.
var TunnelKinds = []string{"ipip", "gre", "vxlan", "wireguard"}

// overhead is what a tunnel adds to an IPv4 packet; that of one over IPv6 is 20
// bytes more. GRE is taken to have a key (RFC 2890); WireGuard pads to 16 bytes.
var overhead = map[string]int{"ipip": 20, "gre": 28, "vxlan": 50, "wireguard": 60}

func (p *Plan) addTunnel(t Tunnel) error {
	ends, err := p.ends(t.Between, t.Line, "tunnel")
	if err != nil {
		return err
	}
	if !slices.Contains(TunnelKinds, t.Kind) {
		return Bad(t.Line, t.Kind, "it is one of: "+strings.Join(TunnelKinds, ", "), "%q is not a kind of tunnel", t.Kind)
	}
	if t.Kind == "ipip" && p.IP == Dual {
		return Bad(t.Line, t.Kind, "take gre, vxlan or wireguard", "an ipip tunnel carries one version of IP, and this topology has both")
	}
	if t.Name, err = p.name(t.Name, t.Between, t.Line, "tunnel"); err != nil {
		return err
	}
	if t.MTU == 0 {
		t.MTU = DefaultMTU - overhead[t.Kind]
		if p.IP == IPv6 {
			t.MTU -= 20
		}
	}
	if _, err := mtuOf(t.MTU, t.Line, t.Name); err != nil {
		return err
	}
	if t.Kind == "vxlan" && t.ID == 0 {
		t.ID = len(p.Tunnels) + 1
	}
	for _, o := range p.Tunnels {
		if o.Kind == t.Kind && o.ID == t.ID && t.Kind == "vxlan" && (slices.Contains(o.Between[:], t.Between[0]) || slices.Contains(o.Between[:], t.Between[1])) {
			return Bad(t.Line, fmt.Sprint(t.ID), "give each its own id", "tunnels %s and %s have the same id %d at one node", o.Name, t.Name, t.ID)
		}
	}
	plan := &TunnelPlan{Tunnel: t}
	link := &WirePlan{Wire: Wire{Name: t.Name, Nodes: t.Between, Line: t.Line}}
	for i, n := range ends {
		if n.Kind == Switch {
			return Bad(t.Line, n.Name, "join it to a router or a host", "switch %s has no tunnels", n.Name)
		}
		f := &Iface{Dev: "tun" + string(rune('0'+len(n.Tunnels))), Wire: link, Side: i, MTU: t.MTU, Node: n,
			MAC: [6]byte{2, 0, 1, byte(len(p.Tunnels) >> 8), byte(len(p.Tunnels) + 1), byte(i + 1)}}
		plan.Ends[i], link.Ends[i] = f, f
		n.Tunnels = append(n.Tunnels, f)
	}
	p.Tunnels = append(p.Tunnels, plan)
	return nil
}

// under finds the way that a tunnel takes.
func (p *Plan) under(t *TunnelPlan) error {
	for i, f := range t.Ends {
		other := t.Ends[1-i].Node
		ways := p.ways(f.Node, false)
		for _, d := range f.Node.Ports() {
			if slices.ContainsFunc(d.Neighbours(), func(o *Iface) bool { return o.Node == other }) {
				t.Under[i] = d
				break
			}
		}
		for _, d := range other.Ports() {
			if w, ok := ways[d.segment]; ok && t.Under[i] == nil {
				t.Under[i] = w.by
			}
		}
		if t.Under[i] == nil {
			return Bad(t.Line, t.Name, "join them over routers first", "tunnel %s: there is no way from %s to %s", t.Name, f.Node.Name, other.Name)
		}
	}
	return nil
}
