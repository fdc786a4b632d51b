package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"netrepro/engine/lab/topology"
)

// address gives every interface its addresses: those asked for, else one of the
// segment's subnet, which is that of the first address asked for on it, else
// 10.0.n.0/24 and fd00:0:0:n::/64 on the n-th wire.
func (p *Plan) address() error {
	for _, n := range p.Nodes {
		if err := n.override(); err != nil {
			return err
		}
	}
	owner := map[netip.Addr]*Iface{}
	for _, s := range p.segments {
		for v, six := range []bool{false, true} {
			if six && !p.IP.Has6() || !six && !p.IP.Has4() {
				continue
			}
			if err := s.subnet(v, six); err != nil {
				return err
			}
			if err := s.fill(v, six); err != nil {
				return err
			}
		}
		for _, f := range s.ifaces {
			// The order they were asked for, but IPv4 first.
			slices.SortStableFunc(f.Addrs, func(a, b netip.Prefix) int { return a.Addr().BitLen() - b.Addr().BitLen() })
			for _, a := range f.Addrs {
				if o := owner[a.Addr()]; o != nil {
					return bad(f.Node.Line, a.Addr().String(),
						"give each its own, or leave addr out to have one derived",
						"address %s is used twice: by %s on wire %q and by %s on wire %q",
						a.Addr(), o.Node.Name, o.Wire.Name, f.Node.Name, f.Wire.Name)
				}
				owner[a.Addr()] = f
			}
		}
	}
	return nil
}

// subnet decides the subnet of a segment and checks that what was asked for is
// in it.
func (s *segment) subnet(v int, six bool) error {
	var first *Iface
	for _, f := range s.ifaces {
		a := f.Addr(six)
		switch {
		case !a.IsValid():
		case a.IsSingleIP():
			return bad(f.Node.Line, a.String(),
				`write the prefix of the wire's subnet, as in "192.0.2.10/24"; `+
					"further addresses may be of the host alone",
				"the first address of %s on wire %q, %s, is of no subnet", f.Node.Name, f.Wire.Name, a)
		case first == nil:
			first, s.nets[v] = f, a.Masked()
		case s.nets[v] != a.Masked():
			return bad(f.Node.Line, a.String(), "both ends of a wire are on one subnet",
				"addresses %s of %s and %s of %s cannot reach each other on wire %q",
				first.Addr(six), first.Node.Name, a, f.Node.Name, f.Wire.Name)
		}
	}
	if first == nil {
		text := fmt.Sprintf("10.%d.%d.0/24", s.num>>8, s.num&255)
		if six {
			text = fmt.Sprintf("fd00:0:0:%x::/64", s.num)
		}
		s.nets[v] = netip.MustParsePrefix(text)
	}
	return nil
}

// fill gives the interfaces that have no address of the version the next ones
// that are free. Of a wire without a switch the sides decide.
func (s *segment) fill(v int, six bool) error {
	used := map[netip.Addr]bool{}
	for _, f := range s.ifaces {
		for _, a := range f.Addrs {
			used[a.Addr()] = true
		}
	}
	next := s.nets[v].Addr().Next()
	for _, f := range s.ifaces {
		if f.Addr(six).IsValid() {
			continue
		}
		for used[next] {
			next = next.Next()
		}
		if after := next.Next(); !s.nets[v].Contains(next) || !six && !s.nets[v].Contains(after) {
			return bad(f.Node.Line, f.Node.Name, "give an address with a shorter prefix",
				"there is no address left in %s for %s on wire %q", s.nets[v], f.Node.Name, f.Wire.Name)
		}
		used[next] = true
		f.Addrs = append(f.Addrs, netip.PrefixFrom(next, s.nets[v].Bits()))
	}
	return nil
}

// override applies the addresses the node asks for.
func (n *Node) override() error {
	for wire, texts := range n.Addr {
		f := n.Iface(wire)
		if f == nil && len(texts) > 0 {
			hint := "name the wire: addr = { WIRE = \"" + texts[0] + "\" }"
			if wire != "" {
				hint = "the wires of " + n.Name + " are: " + n.WireNames()
			}
			return bad(n.Line, texts[0], hint, "addr %q of %s is for no wire", texts[0], n.Name)
		}
		if n.Kind == topology.Switch {
			return bad(n.Line, texts[0], "leave addr out", "switch %s has no addresses", n.Name)
		}
		for _, text := range texts {
			pre, err := netip.ParsePrefix(text)
			if err != nil || !topology.Usable(pre) {
				return bad(n.Line, text,
					`write it like "192.0.2.10/24", with a prefix length from 8 to 30, `+
						`or "2001:db8::10/64", from 16 to 126`,
					"addr %q of %s is not an address with a prefix length", text, n.Name)
			}
			if pre.Addr().Is6() && !n.Family.Has6() || pre.Addr().Is4() && !n.Family.Has4() {
				return bad(n.Line, text, `write ip = "dual" in the topology to have both`,
					"addr %q of %s is not of the topology's IP version, %s", text, n.Name, n.Family)
			}
			if !pre.IsSingleIP() && pre == pre.Masked() {
				first := netip.PrefixFrom(pre.Addr().Next(), pre.Bits())
				return bad(n.Line, text, "the first address of a host there is "+first.String(),
					"addr %q of %s is the address of the network, which no host can have", text, n.Name)
			}
			f.Addrs = append(f.Addrs, pre)
		}
	}
	return nil
}

// Iface finds the device on the named wire, which may be "WIRE.VLAN" or a
// tunnel; "" is the only wire. It is nil if there is none.
func (n *Node) Iface(wire string) *Iface {
	if wire == "" && len(n.Ifaces) == 1 && len(n.Ifaces[0].Wire.Subs[0]) == 0 {
		return n.Ifaces[0]
	}
	for _, f := range n.Devices() {
		if f.Wire.Name == wire && len(f.Wire.Subs[f.Side]) == 0 {
			return f
		}
		for _, sub := range f.Wire.Subs[f.Side] {
			if fmt.Sprintf("%s.%d", f.Wire.Name, sub.VLAN) == wire {
				return sub
			}
		}
	}
	return nil
}

// WireNames lists the names that [Node.Iface] knows, for messages.
func (n *Node) WireNames() string {
	var names []string
	for _, f := range n.Devices() {
		names = append(names, f.Wire.Name)
		for _, sub := range f.Wire.Subs[f.Side] {
			names = append(names, fmt.Sprintf("%s.%d", f.Wire.Name, sub.VLAN))
		}
	}
	return strings.Join(names, ", ")
}
