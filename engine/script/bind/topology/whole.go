//go:build linux

package topology

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/topology"
	"netrepro/engine/script/args"
	"netrepro/engine/script/vm"
)

// said is what is said of a topology as a whole.
type said struct {
	IP      topology.Family
	Tunnels []topology.Tunnel
}

func wholeOptions(s *said) []vm.Argument {
	return []vm.Argument{
		kFamily.Opt(&s.IP, "ip", `IP versions: 4, 6 or "dual"`).Shown("4"),
		kTunnels.Opt(&s.Tunnels, "tunnels", `tunnels between nodes: { tunnel { "gre", between = { "a", "b" } } }`),
	}
}

var wholeTable = vm.NewTable("path", "", wholeOptions)

// Tables that a topology is made of; what stands in them is looked at there.
var (
	kParts = vm.NewKind("table", "Parts", args.Table.Read).Of(wholeTable.Form())
	kNodes = vm.NewKind("table", "Node.Part[]", args.Table.Read)
	kLinks = vm.NewKind("table", "Link[]", args.Table.Read)
)

// inLine are the arguments of path.
type inLine struct{ parts *lua.LTable }

var pathVerb = vm.Verb(vm.Method{Name: "path", Doc: "A topology in a line: nodes and wires in turn.",
	Example: `path { host "client", wire {}, host "server", ip = "dual" }`, Returns: "Topology", Phase: vm.Loading},
	func(a *inLine) []vm.Argument {
		return []vm.Argument{kParts.Param(&a.parts, "parts", "nodes and wires in turn; ip and tunnels by name")}
	}, path)

// shape are the arguments of graph.
type shape struct {
	nodes, links *lua.LTable
	whole        said
}

var graphVerb = vm.Verb(vm.Method{Name: "graph", Doc: "A topology of any shape.",
	Example: `graph { nodes = { host "a", router "r", host "b" }, links = { { "a", wire {}, "r" }, { "r", wire {}, "b" } } }`,
	Returns: "Topology", Phase: vm.Loading},
	func(a *shape) []vm.Argument {
		return append([]vm.Argument{
			kNodes.Need(&a.nodes, "nodes", "the nodes"),
			kLinks.Need(&a.links, "links", `{ "node", wire {}, "node" } each`),
		}, wholeOptions(&a.whole)...)
	}, graph)

// split takes the elements of a list from a table that has names too.
func split(c *vm.Call, t *lua.LTable) (items []lua.LValue, named *lua.LTable) {
	named = c.L.NewTable()
	for i := 1; i <= t.Len(); i++ {
		items = append(items, t.RawGetInt(i))
	}
	for k, x := t.Next(lua.LNil); k != lua.LNil; k, x = t.Next(k) {
		if n, ok := k.(lua.LNumber); !ok || n < 1 || int(n) > len(items) {
			named.RawSet(k, x)
		}
	}
	return items, named
}

func path(c *vm.Call, a *inLine) error {
	s := &topology.Spec{}
	var last *topology.Node
	var link *topology.Wire
	items, named := split(c, a.parts)
	say := wholeTable.Read(c, named)
	s.IP, s.Tunnels = say.IP, say.Tunnels
	for i, x := range items {
		if node, ok := vm.As(x, nodePart); ok {
			node := node.(*topology.Node)
			if last != nil && link == nil {
				return c.VM.At(c.File, node.Line, node.Name,
					fmt.Sprintf("there is no wire between %q and %q", last.Name, node.Name), "put wire {} between them")
			}
			s.Nodes = append(s.Nodes, *node)
			if link != nil {
				w := *link
				w.Nodes = [2]string{last.Name, node.Name}
				s.Wires = append(s.Wires, w)
			}
			last, link = node, nil
			continue
		}
		w, ok := vm.As(x, wirePart)
		if !ok {
			return c.Fail("path", "a path is made of host, router, switch and wire", "part %d of path is %s", i+1,
				vm.Show(x))
		}
		if last == nil || link != nil || i == len(items)-1 {
			return c.VM.At(c.File, w.(*topology.Wire).Line, "wire", "a wire must have a node on either side",
				"write node, wire, node")
		}
		link, _ = w.(*topology.Wire)
	}
	c.Return(c.VM.New(whole, s))
	return nil
}

func graph(c *vm.Call, a *shape) error {
	s := &topology.Spec{IP: a.whole.IP, Tunnels: a.whole.Tunnels}
	nodes, err := args.List(a.nodes, `write nodes = { host "a", router "r" }`)
	if err != nil {
		return err
	}
	for i, x := range nodes {
		n, ok := vm.As(x, nodePart)
		if !ok {
			return c.Fail("nodes", `write host "a", router "r" or switch "s"`, "element %d of nodes is %s", i+1,
				vm.Show(x))
		}
		s.Nodes = append(s.Nodes, *n.(*topology.Node))
	}
	const hint = `write { "a", wire {}, "b" }`
	links, err := args.List(a.links, "write links = { "+hint[6:]+" }")
	if err != nil {
		return err
	}
	for i, x := range links {
		t, _ := x.(*lua.LTable)
		if t == nil || t.Len() != 3 {
			return c.Fail("links", hint, "element %d of links is not a link", i+1)
		}
		if _, err := args.List(t, hint); err != nil {
			return err
		}
		from, fok := t.RawGetInt(1).(lua.LString)
		w, wok := vm.As(t.RawGetInt(2), wirePart)
		to, tok := t.RawGetInt(3).(lua.LString)
		if !fok || !wok || !tok {
			return c.Fail("links", hint, "element %d of links is not a link", i+1)
		}
		link := *w.(*topology.Wire)
		link.Nodes = [2]string{string(from), string(to)}
		s.Wires = append(s.Wires, link)
	}
	c.Return(c.VM.New(whole, s))
	return nil
}
