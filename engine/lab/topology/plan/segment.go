package plan

import (
	"cmp"
	"fmt"
	"net/netip"
	"slices"

	"netrepro/engine/lab/topology"
)

// segment is a broadcast domain: a wire, or what switches join. Its interfaces
// share a subnet of each IP version.
type segment struct {
	num    int // of its first wire, from 1
	ifaces []*Iface
	nets   [2]netip.Prefix // IPv4 and IPv6
}

// vlans checks the VLANs of a wire and makes the devices of single ones.
func (w *Wire) vlans() error {
	switched := false
	for _, f := range w.Ends {
		switched = switched || f.Node.Kind == topology.Switch
	}
	if err := w.CheckVLANs(switched); err != nil {
		return err
	}
	for i, f := range w.Ends {
		for _, v := range w.Trunk {
			sub := *f
			sub.Dev, sub.VLAN = fmt.Sprintf("%s.%d", f.Dev, v), v
			w.Subs[i] = append(w.Subs[i], &sub)
		}
	}
	return nil
}

// Ports are what a wire has at one side: one device, or one for each VLAN.
func (w *Wire) Ports(side int) []*Iface {
	if len(w.Subs[side]) > 0 {
		return w.Subs[side]
	}
	return []*Iface{w.Ends[side]}
}

// Access is the VLAN of a device on a switch, 0 where it has none.
func (f *Iface) Access() int {
	if f.VLAN > 0 {
		return f.VLAN
	}
	return f.Wire.VLAN
}

// domain is one VLAN of one switch.
type domain struct {
	node *Node
	vlan int
}

// join finds the segments.
func (p *Plan) join() {
	of := map[domain]*segment{}
	p.segments = nil
	for i, w := range p.Wires {
		for k, a := range w.Ports(0) {
			b := w.Ports(1)[k]
			s := &segment{num: i + 1}
			for _, f := range []*Iface{a, b} {
				if f.Node.Kind != topology.Switch {
					s.ifaces = append(s.ifaces, f)
					continue
				}
				if old := of[domain{f.Node, f.Access()}]; old != nil && old != s {
					p.merge(of, old, s)
					s = old
				}
				of[domain{f.Node, f.Access()}] = s
			}
			if !slices.Contains(p.segments, s) {
				p.segments = append(p.segments, s)
			}
		}
	}
	for _, t := range p.Tunnels {
		num := len(p.Wires) + 1 + slices.Index(p.Tunnels, t)
		p.segments = append(p.segments, &segment{num: num, ifaces: t.Ends[:]})
	}
	p.segments = slices.DeleteFunc(p.segments, func(s *segment) bool { return len(s.ifaces) == 0 })
	taken, free := map[int]bool{}, len(p.Wires)+len(p.Tunnels)+1
	for _, s := range p.segments {
		if taken[s.num] { // two VLANs that begin on one trunk
			s.num, free = free, free+1
		}
		taken[s.num] = true
		slices.SortStableFunc(s.ifaces, func(a, b *Iface) int {
			return cmp.Or(slices.Index(p.Wires, a.Wire)-slices.Index(p.Wires, b.Wire), a.Side-b.Side)
		})
		for _, f := range s.ifaces {
			f.segment = s
		}
	}
}

// merge makes two segments one.
func (p *Plan) merge(of map[domain]*segment, into, from *segment) {
	into.ifaces = append(into.ifaces, from.ifaces...)
	into.num = min(into.num, from.num)
	for d, s := range of {
		if s == from {
			of[d] = into
		}
	}
	p.segments = slices.DeleteFunc(p.segments, func(s *segment) bool { return s == from })
}

// Neighbours are the other interfaces of the segment.
func (f *Iface) Neighbours() []*Iface {
	if f.segment == nil {
		return nil
	}
	return slices.DeleteFunc(slices.Clone(f.segment.ifaces), func(o *Iface) bool { return o == f })
}
