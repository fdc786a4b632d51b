package plan

import (
	"fmt"
	"slices"

	"netrepro/engine/lab/topology"
)

// Tunnel is a tunnel of a plan.
type Tunnel struct {
	topology.Tunnel
	Ends [2]*Iface
	// Under is by which interface each end reaches the other: its address is
	// the tunnel's there.
	Under [2]*Iface
}

func (p *Plan) addTunnel(t topology.Tunnel) error {
	ends, err := p.ends(t.Between, t.Line, "tunnel")
	if err != nil {
		return err
	}
	if err := t.Check(p.IP); err != nil {
		return err
	}
	if t.Name, err = p.name(t.Name, t.Between, t.Line, "tunnel"); err != nil {
		return err
	}
	if t.MTU == 0 {
		t.MTU = topology.DefaultMTU - topology.Overhead[t.Kind]
		if p.IP == topology.IPv6 {
			t.MTU -= 20
		}
	}
	if _, err := topology.MTU(t.MTU, t.Line, t.Name); err != nil {
		return err
	}
	if t.Kind == "vxlan" && t.ID == 0 {
		t.ID = len(p.Tunnels) + 1
	}
	for _, o := range p.Tunnels {
		meet := slices.Contains(o.Between[:], t.Between[0]) || slices.Contains(o.Between[:], t.Between[1])
		if o.Kind == t.Kind && o.ID == t.ID && t.Kind == "vxlan" && meet {
			return bad(t.Line, fmt.Sprint(t.ID), "give each its own id",
				"tunnels %s and %s have the same id %d at one node", o.Name, t.Name, t.ID)
		}
	}
	plan := &Tunnel{Tunnel: t}
	link := &Wire{Wire: topology.Wire{Name: t.Name, Nodes: t.Between, Line: t.Line}}
	for i, n := range ends {
		if n.Kind == topology.Switch {
			return bad(t.Line, n.Name, "join it to a router or a host", "switch %s has no tunnels", n.Name)
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
func (p *Plan) under(t *Tunnel) error {
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
			return bad(t.Line, t.Name, "join them over routers first",
				"tunnel %s: there is no way from %s to %s", t.Name, f.Node.Name, other.Name)
		}
	}
	return nil
}
