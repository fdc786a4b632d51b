// Package plan works a topology out: which interfaces each node has, which segments
// they are on, their addresses and MAC addresses, and every node's routes ([Of]). It
// needs no privilege, and is the same on every machine. Package lab makes a plan live.
package plan

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"

	"netrepro/engine/lab/topology"
)

// bad makes an error in a specification.
var bad = topology.Bad

// Plan is a checked topology with every address and route worked out.
type Plan struct {
	IP       topology.Family
	Nodes    []*Node
	Wires    []*Wire
	Tunnels  []*Tunnel
	segments []*segment
	reserved []string // names that nothing may have
}

// Node is a node of a plan.
type Node struct {
	topology.Node
	Forward bool
	Family  topology.Family
	Ifaces  []*Iface // of wires, in their order
	Tunnels []*Iface
	Routes  []Route
}

// Iface is a device of a node: one end of a wire, or of one VLAN on it, or of a
// tunnel.
type Iface struct {
	Dev  string // device name inside the node: eth0, eth1, eth0.10, …
	Wire *Wire
	Side int
	VLAN int // that the device is one of several for on its wire, 0 if it is not
	// Addrs are its addresses with their prefix lengths, none on a switch. The
	// first of each IP version is what neighbours know it by.
	Addrs []netip.Prefix
	MAC   [6]byte
	MTU   int
	Node  *Node

	segment *segment
}

// Peer is the other end of the wire.
func (i *Iface) Peer() *Iface { return i.Wire.Ends[1-i.Side] }

// Addr is the interface's first address of an IP version, invalid if it has none.
func (i *Iface) Addr(six bool) netip.Prefix {
	for _, a := range i.Addrs {
		if a.Addr().Is6() == six {
			return a
		}
	}
	return netip.Prefix{}
}

// Wire is a wire of a plan.
type Wire struct {
	topology.Wire
	Ends [2]*Iface
	Subs [2][]*Iface // devices of single VLANs at each end
}

// Route is a route of a node.
type Route struct {
	To         netip.Prefix
	Hops       []Hop // several share the traffic
	Kind       string
	MTU, Table int
	Lock       bool
	Src        netip.Addr
	topology.Metrics
}

// Hop is a neighbour that traffic is sent to.
type Hop struct {
	Via    netip.Addr
	Dev    string
	Weight int
}

// Node returns the node of that name, nil if there is none.
func (p *Plan) Node(name string) *Node {
	for _, n := range p.Nodes {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// Ports are the devices of a node on its wires: one each, or one for each
// VLAN.
func (n *Node) Ports() []*Iface {
	var out []*Iface
	for _, f := range n.Ifaces {
		out = append(out, f.Wire.Ports(f.Side)...)
	}
	return out
}

// Devices are all devices of a node: its ports, then its tunnels.
func (n *Node) Devices() []*Iface { return append(n.Ports(), n.Tunnels...) }

// Addrs are all addresses of a node, IPv4 and IPv6 as the interfaces have them.
func (n *Node) Addrs() []netip.Addr {
	var out []netip.Addr
	for _, f := range n.Devices() {
		for _, a := range f.Addrs {
			out = append(out, a.Addr())
		}
	}
	return out
}

// Primary is the node's first address: that of its first wire, IPv4 before IPv6.
func (n *Node) Primary() netip.Addr {
	if a := n.Addrs(); len(a) > 0 {
		return a[0]
	}
	return netip.Addr{}
}

// Of checks a topology and derives what it leaves open: names of wires, addresses
// 10.0.n.1 and 10.0.n.2, fd00:0:0:n::1 and fd00:0:0:n::2 on the n-th wire, and
// routes along the shortest path. No node and no wire may have a reserved name. Its
// errors are *[topology.Error].
func Of(s *topology.Spec, reserved ...string) (*Plan, error) {
	p := &Plan{IP: s.IP, reserved: reserved}
	if p.IP == "" {
		p.IP = topology.IPv4
	}
	if len(s.Nodes) == 0 {
		return nil, bad(0, "", `write topology = path { host "a", wire {}, host "b" }`, "topology has no nodes")
	}
	for _, n := range s.Nodes {
		if err := p.addNode(n); err != nil {
			return nil, err
		}
	}
	for _, w := range s.Wires {
		if err := p.addWire(w); err != nil {
			return nil, err
		}
	}
	for _, n := range p.Nodes {
		if len(n.Ifaces) == 0 {
			return nil, bad(n.Line, n.Name, "join it to another node with a wire", "node %q is on no wire", n.Name)
		}
	}
	for _, t := range s.Tunnels {
		if err := p.addTunnel(t); err != nil {
			return nil, err
		}
	}
	p.join()
	if err := p.address(); err != nil {
		return nil, err
	}
	if err := p.route(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Plan) addNode(n topology.Node) error {
	if err := n.Check(); err != nil {
		return err
	}
	if err := p.free(n.Name, n.Line); err != nil {
		return err
	}
	if p.Node(n.Name) != nil {
		return bad(n.Line, n.Name, "give each node a name of its own", "two nodes are called %q", n.Name)
	}
	p.Nodes = append(p.Nodes, &Node{Node: n, Forward: n.Kind == topology.Router, Family: p.IP})
	return nil
}

// free reports a name that is reserved.
func (p *Plan) free(name string, line int) error {
	if slices.Contains(p.reserved, name) {
		return bad(line, name, "choose another name", "%q is taken: net.%s means something else", name, name)
	}
	return nil
}

func (p *Plan) addWire(w topology.Wire) error {
	ends, err := p.ends(w.Nodes, w.Line, "wire")
	if err != nil {
		return err
	}
	if w.Name, err = p.name(w.Name, w.Nodes, w.Line, "wire"); err != nil {
		return err
	}
	plan := &Wire{Wire: w}
	for i, n := range ends {
		mtu, err := topology.MTU(w.MTU[i], w.Line, w.Name)
		if err != nil {
			return err
		}
		if p.IP.Has6() && mtu < topology.MinMTU6 {
			return bad(w.Line, fmt.Sprint(mtu), "IPv6 needs links of 1280 bytes at least (RFC 8200, section 5)",
				"mtu %d is impossible on wire %q with IPv6", mtu, w.Name)
		}
		f := &Iface{Dev: fmt.Sprintf("eth%d", len(n.Ifaces)), Wire: plan, Side: i, MTU: mtu, Node: n}
		num := len(p.Wires) + 1
		f.MAC = [6]byte{2, 0, 0, byte(num >> 8), byte(num), byte(i + 1)}
		plan.Ends[i] = f
	}
	if err := plan.vlans(); err != nil {
		return err
	}
	for i, n := range ends {
		n.Ifaces = append(n.Ifaces, plan.Ends[i])
	}
	p.Wires = append(p.Wires, plan)
	return nil
}

// ends are the two nodes that something joins.
func (p *Plan) ends(names [2]string, line int, what string) (ends [2]*Node, err error) {
	for i, name := range names {
		if ends[i] = p.Node(name); ends[i] == nil {
			return ends, bad(line, name, "the nodes are: "+p.names(), "%s joins %q, which is not a node", what, name)
		}
	}
	if ends[0] == ends[1] {
		return ends, bad(line, names[0], "a "+what+" joins two different nodes",
			"%s joins %q to itself", what, names[0])
	}
	return ends, nil
}

// name is the name of a wire or tunnel: the one asked for, or one made of the
// nodes it joins.
func (p *Plan) name(name string, nodes [2]string, line int, what string) (string, error) {
	named := name != ""
	if !named {
		name = nodes[0] + "_" + nodes[1]
	} else if !topology.ValidName(name) {
		return "", bad(line, name,
			`names are letters, digits and "_", beginning with a letter, at most 32 characters`,
			"%s name %q is not usable", what, name)
	}
	for n := 2; !named && p.taken(name); n++ {
		name = fmt.Sprintf("%s_%s_%d", nodes[0], nodes[1], n)
	}
	if err := p.free(name, line); err != nil {
		return "", err
	}
	if p.taken(name) {
		return "", bad(line, name, "nodes and wires share one set of names", "two things are called %q", name)
	}
	return name, nil
}

func (p *Plan) taken(name string) bool {
	return p.Node(name) != nil ||
		slices.ContainsFunc(p.Wires, func(w *Wire) bool { return w.Name == name }) ||
		slices.ContainsFunc(p.Tunnels, func(t *Tunnel) bool { return t.Name == name })
}

func (p *Plan) names() string {
	var names []string
	for _, n := range p.Nodes {
		names = append(names, n.Name)
	}
	return strings.Join(names, ", ")
}

// Toward is the side of the wire that leads to a node: the end that it is, or
// from which it is fewer wires away.
func (w *Wire) Toward(n *Node) int {
	best, side := -1, 0
	for i, end := range w.Ends {
		if d := end.Node.distance(n, w); d >= 0 && (best < 0 || d < best) {
			best, side = d, i
		}
	}
	return side
}

// distance is how many wires there are from n to another node, not using one of
// them; -1 if there is no way.
func (n *Node) distance(to *Node, without *Wire) int {
	seen := map[*Node]int{n: 0}
	for queue := []*Node{n}; len(queue) > 0; queue = queue[1:] {
		at := queue[0]
		if at == to {
			return seen[at]
		}
		for _, f := range at.Ifaces {
			next := f.Peer().Node
			if _, was := seen[next]; !was && f.Wire != without {
				seen[next] = seen[at] + 1
				queue = append(queue, next)
			}
		}
	}
	return -1
}

// MACs are the link addresses of a frame for an address where it arrives at the
// end of a wire: of whom it is for behind a switch there, and from whom behind
// one at the other end.
func MACs(end *Iface, dst netip.Addr) (src, to [6]byte) {
	src, to = end.Peer().MAC, end.MAC
	for _, side := range []*Iface{end, end.Peer()} {
		if side.segment == nil {
			continue
		}
		for _, f := range append(side.Neighbours(), side) {
			if slices.ContainsFunc(f.Addrs, func(p netip.Prefix) bool { return p.Addr() == dst }) {
				to = f.MAC
			}
		}
	}
	return src, to
}
