package plan

import (
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"

	"netrepro/engine/lab/topology"
)

func two(a, b topology.Node, w topology.Wire) *topology.Spec {
	a.Name, b.Name, a.Kind, b.Kind = "a", "b", topology.Host, topology.Host
	if w.Nodes == [2]string{} {
		w.Nodes = [2]string{"a", "b"}
	}
	return &topology.Spec{Nodes: []topology.Node{a, b}, Wires: []topology.Wire{w}}
}

// none and plain ask for nothing.
var (
	none  topology.Node
	plain topology.Wire
)

func addr(s string) topology.Node { return topology.Node{Addr: map[string][]string{"": {s}}} }

func TestPlanErrors(t *testing.T) {
	tests := []struct {
		name string
		spec *topology.Spec
		want string
	}{
		{"no nodes", &topology.Spec{}, "no nodes"},
		{"same name", &topology.Spec{Nodes: []topology.Node{{Name: "a", Kind: topology.Host},
			{Name: "a", Kind: topology.Host}}}, `two nodes are called "a"`},
		{"name taken by net", &topology.Spec{Nodes: []topology.Node{{Name: "trace", Kind: topology.Host}}},
			"is taken"},
		{"bad name", &topology.Spec{Nodes: []topology.Node{{Name: "a b", Kind: topology.Host}}}, "not usable"},
		{"unknown node", two(none, none, topology.Wire{Nodes: [2]string{"a", "c"}}), `joins "c"`},
		{"to itself", two(none, none, topology.Wire{Nodes: [2]string{"a", "a"}}), "to itself"},
		{"wire named as a node", two(none, none, topology.Wire{Name: "a"}), `two things are called "a"`},
		{"small MTU", two(none, none, topology.Wire{MTU: [2]int{40, 1500}}), "mtu 40 is impossible"},
		{"same address", two(addr("192.0.2.1/24"), addr("192.0.2.1/24"), plain), "used twice"},
		{"other subnet", two(addr("192.0.2.1/24"), addr("198.51.100.1/24"), plain), "cannot reach each other"},
		{"no prefix length", two(addr("192.0.2.1"), none, plain), "not an address"},
		{"address for no wire", two(topology.Node{Addr: map[string][]string{"wan": {"192.0.2.1/24"}}}, none, plain),
			"is for no wire"},
		{"gateway", two(topology.Node{Gateway: "c"}, none, plain), `"c" is not a neighbour of a`},
		{"route", two(topology.Node{Routes: []topology.Route{{To: "x", Via: []string{"b"}}}}, none, plain),
			"not a prefix"},
	}
	for _, tt := range tests {
		_, err := Of(tt.spec, "trace")
		var te *topology.Error
		if !errors.As(err, &te) || !strings.Contains(te.Msg, tt.want) || te.Hint == "" {
			t.Errorf("%s: got %v, want %q and a hint", tt.name, err, tt.want)
		}
	}
}

func TestAddresses(t *testing.T) {
	tests := []struct {
		name string
		spec *topology.Spec
		want [2]string
	}{
		{"derived", two(none, none, plain), [2]string{"10.0.1.1/24", "10.0.1.2/24"}},
		{"next to the one given", two(none, addr("192.0.2.10/28"), plain), [2]string{"192.0.2.1/28",
			"192.0.2.10/28"}},
		{"next to the first", two(addr("192.0.2.1/24"), none, plain), [2]string{"192.0.2.1/24", "192.0.2.2/24"}},
	}
	for _, tt := range tests {
		p, err := Of(tt.spec)
		if err != nil {
			t.Errorf("%s: %v", tt.name, err)
			continue
		}
		for i, want := range tt.want {
			if got := p.Wires[0].Ends[i].Addrs[0].String(); got != want {
				t.Errorf("%s: end %d is %s, want %s", tt.name, i, got, want)
			}
		}
	}
}

// reach follows the planned routes from a node to an address.
func reach(p *Plan, from *Node, to netip.Addr) (hops int, err error) {
	at := from
	for ; hops <= len(p.Nodes); hops++ {
		var via netip.Addr
		bits := -1
		for _, f := range at.Ifaces {
			if f.Addrs[0].Addr() == to {
				return hops, nil
			}
			if a := f.Addrs[0]; a.Contains(to) && a.Bits() > bits {
				bits, via = a.Bits(), to
			}
		}
		for _, r := range at.Routes {
			if r.To.Contains(to) && r.To.Bits() > bits {
				bits, via = r.To.Bits(), r.Hops[0].Via
			}
		}
		var next *Node
		for _, f := range at.Ifaces {
			if f.Peer().Addrs[0].Addr() == via {
				next = f.Peer().Node
			}
		}
		if next == nil {
			return 0, fmt.Errorf("%s has no way to %s", at.Name, to)
		}
		at = next
	}
	return 0, fmt.Errorf("a loop on the way to %s", to)
}

func TestRoutes(t *testing.T) {
	p, err := Of(topology.Chain(50))
	if err != nil {
		t.Fatal(err)
	}
	most := 0
	for _, n := range p.Nodes {
		most = max(most, len(n.Routes))
		for _, m := range p.Nodes {
			if _, err := reach(p, n, m.Primary()); err != nil {
				t.Fatal(err)
			}
		}
	}
	if most > 16 {
		t.Errorf("a node has %d routes: neighbouring prefixes are to be merged", most)
	}
	if hops, _ := reach(p, p.Nodes[0], p.Nodes[49].Primary()); hops != 49 {
		t.Errorf("%d hops from end to end, want 49", hops)
	}
}

func TestShortestPathAndNoTransitHosts(t *testing.T) {
	s := &topology.Spec{Nodes: []topology.Node{{Name: "a", Kind: topology.Host},
		{Name: "r1", Kind: topology.Router}, {Name: "r2", Kind: topology.Router}, {Name: "mid", Kind: topology.Host},
		{Name: "b", Kind: topology.Host}},
		Wires: []topology.Wire{{Nodes: [2]string{"a", "r1"}}, {Nodes: [2]string{"r1", "r2"}},
			{Nodes: [2]string{"r2", "b"}}, {Nodes: [2]string{"r1", "mid"}}, {Nodes: [2]string{"mid", "b"}}}}
	p, err := Of(s)
	if err != nil {
		t.Fatal(err)
	}
	if hops, err := reach(p, p.Node("a"), p.Node("b").Primary()); err != nil || hops != 3 {
		t.Errorf("%d hops, %v; want 3 through the routers, not through a host", hops, err)
	}
}

func TestMerge(t *testing.T) {
	var in []netip.Prefix
	for i := 1; i <= 7; i++ {
		in = append(in, netip.PrefixFrom(netip.AddrFrom4([4]byte{10, 0, byte(i), 0}), 24))
	}
	if got, want := fmt.Sprint(topology.Join(in)), "[10.0.1.0/24 10.0.2.0/23 10.0.4.0/22]"; got != want {
		t.Errorf("got %s, want %s", got, want)
	}
}
