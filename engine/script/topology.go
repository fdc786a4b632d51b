//go:build linux

package script

import (
	"fmt"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/script/vm"
	"netrepro/engine/topo"
)

// Parts of a topology, before it is put together.
var (
	nodePart = &vm.Class{Name: "Node.Part", Doc: "A node, before it is put in a topology.", String: func(x any) string {
		return fmt.Sprintf("%s %q", x.(*topo.Node).Kind, x.(*topo.Node).Name)
	}}
	wirePart = &vm.Class{Name: "Wire.Part", Doc: "A wire, before it is put in a topology."}
	topology = &vm.Class{Name: "Topology", Doc: "Nodes and the wires between them."}
)

var kMTU = &vm.Kind{Name: "MTU", Type: "integer|integer[]", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	one := func(x lua.LValue) (int, error) {
		n, ok := x.(lua.LNumber)
		if !ok || float64(n) != float64(int(n)) || int(n) < topo.MinMTU || int(n) > topo.MaxMTU {
			return 0, wrong(x, "a possible MTU", fmt.Sprintf("an MTU is %d to %d bytes; the usual one is %d", topo.MinMTU, topo.MaxMTU, topo.DefaultMTU))
		}
		return int(n), nil
	}
	if t, ok := x.(*lua.LTable); ok && t.Len() == 2 {
		a, err := one(t.RawGetInt(1))
		if err != nil {
			return nil, err
		}
		b, err := one(t.RawGetInt(2))
		return [2]int{a, b}, err
	}
	n, err := one(x)
	return [2]int{n, n}, err
}}

var kAddr = &vm.Kind{Name: "address", Type: "string|table<string,string>", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	switch x := x.(type) {
	case lua.LString:
		return map[string]string{"": string(x)}, nil
	case *lua.LTable:
		out := map[string]string{}
		for k, v := x.Next(lua.LNil); k != lua.LNil; k, v = x.Next(k) {
			out[k.String()] = v.String()
		}
		return out, nil
	}
	return nil, wrong(x, "an address", `write "192.0.2.10/24", or { WIRE = "192.0.2.10/24" }`)
}}

var routeOptions = &vm.Method{Name: "route", Options: []vm.Option{
	need("to", kString, `a prefix, or "default"`), need("via", kString, "the neighbour: a node or an address")}}

var kRoutes = &vm.Kind{Name: "list of routes", Type: "Route[]", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, wrong(x, "a list of routes", `write { { to = "198.51.100.0/24", via = "router" } }`)
	}
	items, err := list(t, `write { { to = "198.51.100.0/24", via = "router" } }`)
	if err != nil {
		return nil, err
	}
	var out []topo.Route
	for _, x := range items {
		rt, ok := x.(*lua.LTable)
		if !ok {
			return nil, wrong(x, "a route", `write { to = "198.51.100.0/24", via = "router" }`)
		}
		a := c.Table(routeOptions, rt)
		out = append(out, topo.Route{To: a["to"].(string), Via: a["via"].(string)})
	}
	return out, nil
}}

var kSysctls = &vm.Kind{Name: "table of sysctls", Type: "table<string,string|number>", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, wrong(x, "a table of sysctls", `write { ["net.ipv4.tcp_sack"] = 0 }`)
	}
	var out []topo.Setting
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		out = append(out, topo.Setting{Name: k.String(), Value: v.String()})
	}
	return out, nil
}}

func nodeVerb(kind topo.Kind, doc, example string) *vm.Method {
	return &vm.Method{Name: string(kind), Doc: doc, Example: example, Returns: "Node.Part", Phase: vm.Loading, First: "name",
		Options: []vm.Option{
			need("name", kString, "name to reach it by, as in net.client"),
			opt("addr", kAddr, "address with prefix length; by wire name where there are several"),
			opt("gateway", kString, "neighbour that everything else goes to"),
			opt("routes", kRoutes, "further routes"),
			opt("sysctl", kSysctls, "kernel settings of this node"),
		},
		Fn: func(c *vm.Call) error {
			n := &topo.Node{Kind: kind, Line: c.Line, Name: c.Args["name"].(string),
				Addr: vm.ArgOr[map[string]string](c, "addr", nil), Gateway: vm.ArgOr(c, "gateway", ""),
				Routes: vm.ArgOr[[]topo.Route](c, "routes", nil), Sysctl: vm.ArgOr[[]topo.Setting](c, "sysctl", nil)}
			c.Return(c.VM.New(nodePart, n))
			return nil
		}}
}

var topologyVerbs = []*vm.Method{
	nodeVerb(topo.Host, "A node where endpoints live. It does not forward.", `host "client"`),
	nodeVerb(topo.Router, "A node that forwards, filters and rewrites.", `router "edge"`),
	{Name: "wire", Doc: "A link between the node before it and the node after it. Every frame on it is captured.",
		Example: `wire { name = "wan", delay = "20ms" }`, Returns: "Wire.Part", Phase: vm.Loading, First: "name",
		Options: []vm.Option{
			opt("name", kString, "name to reach it by, as in net.wan"),
			optDef("mtu", kMTU, "1500", "bytes, at both ends or { first, second }"),
			optDef("delay", kDuration, "0ms", "one way"),
			optDef("direct", kBool, "false", "a plain veth pair: full speed, no faults, no capture"),
		},
		Fn: func(c *vm.Call) error {
			w := &topo.Wire{Line: c.Line, Name: vm.ArgOr(c, "name", ""), MTU: vm.ArgOr(c, "mtu", [2]int{}),
				Delay: vm.ArgOr(c, "delay", time.Duration(0)), Direct: vm.ArgOr(c, "direct", false)}
			if w.Direct && w.Delay > 0 {
				return c.Fail("direct", "leave one of the two out", "a direct wire has no delay: frames do not pass through the engine")
			}
			c.Return(c.VM.New(wirePart, w))
			return nil
		}},
	{Name: "path", Doc: "A topology in a line: nodes and wires in turn.", Example: `path { host "client", wire {}, host "server" }`,
		Returns: "Topology", Phase: vm.Loading, Params: []vm.Param{{Name: "parts", Kind: kTable, Doc: "nodes and wires in turn"}}, Fn: path},
	{Name: "graph", Doc: "A topology of any shape.",
		Example: `graph { nodes = { host "a", router "r", host "b" }, links = { { "a", wire {}, "r" }, { "r", wire {}, "b" } } }`,
		Returns: "Topology", Phase: vm.Loading,
		Options: []vm.Option{need("nodes", kTable, "the nodes"), need("links", kTable, `{ "node", wire {}, "node" } each`)}, Fn: graph},
}

func path(c *vm.Call) error {
	parts := c.Args["parts"].(*lua.LTable)
	s := &topo.Spec{}
	var last *topo.Node
	var link *topo.Wire
	items, err := list(parts, "a path is made of host, router and wire")
	if err != nil {
		return err
	}
	for i, x := range items {
		if node, ok := vm.As(x, nodePart); ok {
			node := node.(*topo.Node)
			if last != nil && link == nil {
				return c.VM.At(c.File, node.Line, node.Name, fmt.Sprintf("there is no wire between %q and %q", last.Name, node.Name), "put wire {} between them")
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
			return c.Fail("path", "a path is made of host, router and wire", "part %d of path is %s", i+1, vm.Show(x))
		}
		if last == nil || link != nil || i == len(items)-1 {
			return c.VM.At(c.File, w.(*topo.Wire).Line, "wire", "a wire must have a node on either side", "write node, wire, node")
		}
		link, _ = w.(*topo.Wire)
	}
	c.Return(c.VM.New(topology, s))
	return nil
}

func graph(c *vm.Call) error {
	s := &topo.Spec{}
	nodes := c.Args["nodes"].(*lua.LTable)
	for i := 1; i <= nodes.Len(); i++ {
		n, ok := vm.As(nodes.RawGetInt(i), nodePart)
		if !ok {
			return c.Fail("nodes", `write host "a" or router "r"`, "element %d of nodes is %s", i, vm.Show(nodes.RawGetInt(i)))
		}
		s.Nodes = append(s.Nodes, *n.(*topo.Node))
	}
	links := c.Args["links"].(*lua.LTable)
	for i := 1; i <= links.Len(); i++ {
		t, _ := links.RawGetInt(i).(*lua.LTable)
		if t == nil || t.Len() != 3 {
			return c.Fail("links", `write { "a", wire {}, "b" }`, "element %d of links is not a link", i)
		}
		a, aok := t.RawGetInt(1).(lua.LString)
		w, wok := vm.As(t.RawGetInt(2), wirePart)
		b, bok := t.RawGetInt(3).(lua.LString)
		if !aok || !wok || !bok {
			return c.Fail("links", `write { "a", wire {}, "b" }`, "element %d of links is not a link", i)
		}
		link := *w.(*topo.Wire)
		link.Nodes = [2]string{string(a), string(b)}
		s.Wires = append(s.Wires, link)
	}
	c.Return(c.VM.New(topology, s))
	return nil
}
