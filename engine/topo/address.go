package topo

import (
	"fmt"
	"net/netip"
)

// address gives every interface its address: the one asked for, else one next
// to the peer's if that was asked for, else 10.0.n.1 and 10.0.n.2.
func (p *Plan) address() error {
	for _, n := range p.Nodes {
		if err := n.override(); err != nil {
			return err
		}
	}
	owner := map[netip.Addr]*Iface{}
	for i, w := range p.Wires {
		for side, f := range w.Ends {
			if !f.Prefix.IsValid() {
				f.Prefix = derive(i+1, side, w.Ends[1-side])
			}
		}
		for _, f := range w.Ends {
			a := f.Prefix.Addr()
			if o := owner[a]; o != nil {
				return bad(f.Node.Line, a.String(), "give each its own, or leave addr out to have one derived",
					"address %s is used twice: by %s on wire %q and by %s on wire %q", a, o.Node.Name, o.Wire.Name, f.Node.Name, w.Name)
			}
			owner[a] = f
		}
		if a, b := w.Ends[0].Prefix, w.Ends[1].Prefix; !a.Contains(b.Addr()) || !b.Contains(a.Addr()) {
			return bad(w.Ends[1].Node.Line, b.String(), "both ends of a wire are on one subnet",
				"addresses %s of %s and %s of %s cannot reach each other on wire %q", a, w.Ends[0].Node.Name, b, w.Ends[1].Node.Name, w.Name)
		}
	}
	return nil
}

// override applies the addresses the node asks for.
func (n *NodePlan) override() error {
	for wire, text := range n.Addr {
		f := n.iface(wire)
		if f == nil {
			hint := "name the wire: addr = { WIRE = \"" + text + "\" }"
			if wire != "" {
				hint = "the wires of " + n.Name + " are: " + n.wires()
			}
			return bad(n.Line, text, hint, "addr %q of %s is for no wire", text, n.Name)
		}
		pre, err := netip.ParsePrefix(text)
		if err != nil || !pre.Addr().Is4() || pre.Bits() > 30 || pre.Bits() < 8 {
			return bad(n.Line, text, `write it like "192.0.2.10/24", with a prefix length from 8 to 30`, "addr %q of %s is not an IPv4 address with a prefix length", text, n.Name)
		}
		f.Prefix = pre
	}
	return nil
}

// iface finds the interface on the named wire; "" is the only one.
func (n *NodePlan) iface(wire string) *Iface {
	if wire == "" && len(n.Ifaces) == 1 {
		return n.Ifaces[0]
	}
	for _, f := range n.Ifaces {
		if f.Wire.Name == wire {
			return f
		}
	}
	return nil
}

func (n *NodePlan) wires() string {
	s := ""
	for i, f := range n.Ifaces {
		if i > 0 {
			s += ", "
		}
		s += f.Wire.Name
	}
	return s
}

// derive makes the address of side on wire number num.
func derive(num, side int, peer *Iface) netip.Prefix {
	if !peer.Prefix.IsValid() {
		a, _ := netip.ParseAddr(fmt.Sprintf("10.%d.%d.%d", num>>8, num&255, side+1))
		return netip.PrefixFrom(a, 24)
	}
	a := peer.Prefix.Masked().Addr().Next()
	if a == peer.Prefix.Addr() {
		a = a.Next()
	}
	return netip.PrefixFrom(a, peer.Prefix.Bits())
}
