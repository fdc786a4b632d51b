package topo

import (
	"fmt"
	"net/netip"
	"strings"
)

// Plan is a checked topology with every address and route worked out.
type Plan struct {
	Nodes []*NodePlan
	Wires []*WirePlan
}

// NodePlan is a node of a plan.
type NodePlan struct {
	Node
	Forward bool
	Ifaces  []*Iface
	Routes  []RoutePlan
}

// Iface is one end of a wire.
type Iface struct {
	Dev    string // device name inside the node: eth0, eth1, …
	Wire   *WirePlan
	Side   int
	Prefix netip.Prefix // address and prefix length
	MAC    [6]byte
	MTU    int
	Node   *NodePlan
}

// Peer is the other end of the wire.
func (i *Iface) Peer() *Iface { return i.Wire.Ends[1-i.Side] }

// WirePlan is a wire of a plan.
type WirePlan struct {
	Wire
	Ends [2]*Iface
}

// RoutePlan is a route of a node.
type RoutePlan struct {
	To  netip.Prefix
	Via netip.Addr
	Dev string
}

// Node returns the node of that name, nil if there is none.
func (p *Plan) Node(name string) *NodePlan {
	for _, n := range p.Nodes {
		if n.Name == name {
			return n
		}
	}
	return nil
}

// Primary is the node's first address: that of its first wire.
func (n *NodePlan) Primary() netip.Addr {
	if len(n.Ifaces) == 0 {
		return netip.Addr{}
	}
	return n.Ifaces[0].Prefix.Addr()
}

// Plan checks s and derives what it leaves open: names of wires, addresses
// 10.0.n.1 and 10.0.n.2 on the n-th wire, and routes along the shortest path.
// Its errors are *[Error].
func (s *Spec) Plan() (*Plan, error) {
	p := &Plan{}
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
	if err := p.address(); err != nil {
		return nil, err
	}
	if err := p.route(); err != nil {
		return nil, err
	}
	return p, nil
}

func (p *Plan) addNode(n Node) error {
	if !validName(n.Name) {
		return bad(n.Line, n.Name, `names are letters, digits and "_", beginning with a letter, at most 32 characters`,
			"node name %q is not usable", n.Name)
	}
	if reserved[n.Name] {
		return bad(n.Line, n.Name, "choose another name", "%q is taken: net.%s means something else", n.Name, n.Name)
	}
	if p.Node(n.Name) != nil {
		return bad(n.Line, n.Name, "give each node a name of its own", "two nodes are called %q", n.Name)
	}
	p.Nodes = append(p.Nodes, &NodePlan{Node: n, Forward: n.Kind == Router})
	return nil
}

// reserved names would hide members of net in scripts.
var reserved = map[string]bool{"trace": true, "seed": true}

func validName(s string) bool {
	if s == "" || len(s) > 32 {
		return false
	}
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return true
}

func (p *Plan) addWire(w Wire) error {
	var ends [2]*NodePlan
	for i, name := range w.Nodes {
		if ends[i] = p.Node(name); ends[i] == nil {
			return bad(w.Line, name, "the nodes are: "+p.names(), "wire joins %q, which is not a node", name)
		}
	}
	if ends[0] == ends[1] {
		return bad(w.Line, w.Nodes[0], "a wire joins two different nodes", "wire joins %q to itself", w.Nodes[0])
	}
	named := w.Name != ""
	if !named {
		w.Name = w.Nodes[0] + "_" + w.Nodes[1]
	} else if !validName(w.Name) {
		return bad(w.Line, w.Name, `names are letters, digits and "_", beginning with a letter, at most 32 characters`,
			"wire name %q is not usable", w.Name)
	}
	for n := 2; !named && p.taken(w.Name); n++ {
		w.Name = fmt.Sprintf("%s_%s_%d", w.Nodes[0], w.Nodes[1], n)
	}
	if p.taken(w.Name) || reserved[w.Name] {
		return bad(w.Line, w.Name, "nodes and wires share one set of names", "two things are called %q", w.Name)
	}
	plan := &WirePlan{Wire: w}
	for i, n := range ends {
		mtu := w.MTU[i]
		if mtu == 0 {
			mtu = DefaultMTU
		}
		if mtu < MinMTU || mtu > MaxMTU {
			return bad(w.Line, fmt.Sprint(mtu), fmt.Sprintf("an MTU is %d to %d bytes; the usual one is %d", MinMTU, MaxMTU, DefaultMTU),
				"mtu %d is impossible on wire %q", mtu, w.Name)
		}
		f := &Iface{Dev: fmt.Sprintf("eth%d", len(n.Ifaces)), Wire: plan, Side: i, MTU: mtu, Node: n}
		num := len(p.Wires) + 1
		f.MAC = [6]byte{2, 0, 0, byte(num >> 8), byte(num), byte(i + 1)}
		plan.Ends[i] = f
		n.Ifaces = append(n.Ifaces, f)
	}
	p.Wires = append(p.Wires, plan)
	return nil
}

func (p *Plan) taken(name string) bool {
	for _, w := range p.Wires {
		if w.Name == name {
			return true
		}
	}
	return p.Node(name) != nil
}

func (p *Plan) names() string {
	var names []string
	for _, n := range p.Nodes {
		names = append(names, n.Name)
	}
	return strings.Join(names, ", ")
}
