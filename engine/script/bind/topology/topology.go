//go:build linux

// Package topology has the words that topologies are written in.
package topology

import (
	"fmt"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/topology"
	"netrepro/engine/script/args"
	"netrepro/engine/script/vm"
)

// Parts of a topology, before it is put together.
var (
	NodePart = &vm.Class{Name: "Node.Part", Doc: "A node, before it is put in a topology.", String: func(x any) string {
		return fmt.Sprintf("%s %q", x.(*topology.Node).Kind, x.(*topology.Node).Name)
	}}
	WirePart = &vm.Class{Name: "Wire.Part", Doc: "A wire, before it is put in a topology."}
	Topology = &vm.Class{Name: "Topology", Doc: "Nodes and the wires between them."}
)

var kMTU = &vm.Kind{Name: "MTU", Type: "integer|integer[]", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	one := func(x lua.LValue) (int, error) {
		n, ok := x.(lua.LNumber)
		if !ok || float64(n) != float64(int(n)) || int(n) < topology.MinMTU || int(n) > topology.MaxMTU {
			return 0, args.Wrong(x, "a possible MTU", fmt.Sprintf("an MTU is %d to %d bytes; the usual one is %d", topology.MinMTU, topology.MaxMTU, topology.DefaultMTU))
		}
		return int(n), nil
	}
	if t, ok := x.(*lua.LTable); ok && t.Len() == 2 {
		if _, err := args.List(t, "write { 1500, 1400 }"); err != nil {
			return nil, err
		}
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

var kAddr = &vm.Kind{Name: "address", Type: "string|string[]|table<string,string|string[]>", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	const hint = `write "192.0.2.10/24", { "192.0.2.10/24", "192.0.2.11/32" } or { WIRE = "192.0.2.10/24" }`
	out := map[string][]string{}
	add := func(wire string, x lua.LValue) error {
		s, ok := x.(lua.LString)
		if !ok {
			return args.Wrong(x, "an address", hint)
		}
		out[wire] = append(out[wire], string(s))
		return nil
	}
	t, ok := x.(*lua.LTable)
	if !ok {
		return out, add("", x)
	}
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		wire := ""
		if s, ok := k.(lua.LString); ok {
			wire = string(s)
		}
		several, ok := v.(*lua.LTable)
		if !ok {
			if err := add(wire, v); err != nil {
				return nil, err
			}
			continue
		}
		items, err := args.List(several, hint)
		if err != nil {
			return nil, err
		}
		for _, v := range items {
			if err := add(wire, v); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}}

var routeOptions = &vm.Method{Name: "route", Options: args.RouteOptions}

var kRoutes = &vm.Kind{Name: "list of routes", Type: "Route[]", Table: routeOptions, Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "a list of routes", `write { { to = "198.51.100.0/24", via = "router" } }`)
	}
	items, err := args.List(t, `write { { to = "198.51.100.0/24", via = "router" } }`)
	if err != nil {
		return nil, err
	}
	var out []topology.Route
	for _, x := range items {
		rt, ok := x.(*lua.LTable)
		if !ok {
			return nil, args.Wrong(x, "a route", `write { to = "198.51.100.0/24", via = "router" }`)
		}
		out = append(out, args.RouteOf(c.Table(routeOptions, rt)))
	}
	return out, nil
}}

var kSysctls = &vm.Kind{Name: "table of sysctls", Type: "table<string,string|number>", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "a table of sysctls", `write { ["net.ipv4.tcp_sack"] = 0 }`)
	}
	var out []topology.Setting
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		out = append(out, topology.Setting{Name: k.String(), Value: v.String()})
	}
	return out, nil
}}

func nodeVerb(k topology.Kind, doc, example string) *vm.Method {
	return &vm.Method{Name: string(k), Doc: doc, Example: example, Returns: "Node.Part", Phase: vm.Loading, First: "name",
		Options: []vm.Option{
			args.Need("name", args.String, "name to reach it by, as in net.client"),
			args.Opt("addr", kAddr, "address with prefix length, or several; by wire name where there are several"),
			args.Opt("gateway", args.String, "neighbour that everything else goes to"),
			args.Opt("routes", kRoutes, "further routes"),
			args.Opt("sysctl", kSysctls, "kernel settings of this node"),
		},
		Fn: func(c *vm.Call) error {
			n := &topology.Node{Kind: k, Line: c.Line, Name: c.Args["name"].(string),
				Addr: vm.ArgOr[map[string][]string](c, "addr", nil), Gateway: vm.ArgOr(c, "gateway", ""),
				Routes: vm.ArgOr[[]topology.Route](c, "routes", nil), Sysctl: vm.ArgOr[[]topology.Setting](c, "sysctl", nil)}
			c.Return(c.VM.New(NodePart, n))
			return nil
		}}
}

// Verbs are the words themselves.
var Verbs = []*vm.Method{
	nodeVerb(topology.Host, "A node where endpoints live. It does not forward.", `host "client"`),
	nodeVerb(topology.Router, "A node that forwards, filters and rewrites.", `router "edge"`),
	{Name: "switch", Doc: "A node that bridges its wires: hosts on them share one segment, or one for each VLAN.", Example: `switch "lan"`,
		Returns: "Node.Part", Phase: vm.Loading, First: "name", Options: []vm.Option{args.Need("name", args.String, "name to reach it by, as in net.lan")},
		Fn: func(c *vm.Call) error {
			c.Return(c.VM.New(NodePart, &topology.Node{Kind: topology.Switch, Line: c.Line, Name: c.Args["name"].(string)}))
			return nil
		}},
	tunnelVerb,
	{Name: "wire", Doc: "A link between the node before it and the node after it. Every frame on it is captured.",
		Example: `wire { name = "wan", delay = "20ms" }`, Returns: "Wire.Part", Phase: vm.Loading, First: "name",
		Options: append([]vm.Option{
			args.Opt("name", args.String, "name to reach it by, as in net.wan"),
			args.OptDef("mtu", kMTU, "1500", "bytes, at both ends or { first, second }"),
			args.Opt("loss", args.Percent, "the share of frames that are lost by chance, from the case's seed"),
			args.Opt("vlan", kVLAN, "of a wire to a switch: the VLAN that its frames belong to"),
			args.Opt("trunk", kVLANs, "of a wire to a switch: the VLANs that cross it, with tags"),
			args.OptDef("direct", args.Bool, "false", "a plain veth pair: full speed, no faults, no capture"),
		}, args.WireOptions...),
		Fn: func(c *vm.Call) error {
			w := &topology.Wire{Line: c.Line, Name: vm.ArgOr(c, "name", ""), MTU: vm.ArgOr(c, "mtu", [2]int{}),
				Delay: vm.ArgOr(c, "delay", time.Duration(0)), Jitter: vm.ArgOr(c, "jitter", time.Duration(0)),
				Rate: vm.ArgOr(c, "rate", int64(0)), Loss: vm.ArgOr(c, "loss", 0.0), Direct: vm.ArgOr(c, "direct", false),
				VLAN: vm.ArgOr(c, "vlan", 0), Trunk: vm.ArgOr[[]int](c, "trunk", nil)}
			if q, ok := vm.Arg[args.QueueSize](c, "queue"); ok {
				w.QueueBytes, w.QueuePackets = q.Bytes, q.Packets
			} else if w.Rate > 0 {
				w.QueuePackets = args.DefaultQueue
			}
			for _, name := range []string{"delay", "jitter", "rate", "queue", "loss"} {
				if _, given := c.Args[name]; given && w.Direct {
					return c.Fail("direct", "leave one of the two out", "a direct wire has no %s: frames do not pass through the engine", name)
				}
			}
			if q := w.QueueBytes + w.QueuePackets; q > 0 && w.Rate == 0 {
				return c.Fail("queue", `say the rate too: rate = "10Mbit"`, "a wire without a rate has no queue")
			}
			c.Return(c.VM.New(WirePart, w))
			return nil
		}},
	{Name: "path", Doc: "A topology in a line: nodes and wires in turn.", Example: `path { host "client", wire {}, host "server", ip = "dual" }`,
		Returns: "Topology", Phase: vm.Loading, Params: []vm.Param{{Name: "parts", Kind: kParts, Doc: "nodes and wires in turn; ip and tunnels by name"}}, Fn: path},
	{Name: "graph", Doc: "A topology of any shape.",
		Example: `graph { nodes = { host "a", router "r", host "b" }, links = { { "a", wire {}, "r" }, { "r", wire {}, "b" } } }`,
		Returns: "Topology", Phase: vm.Loading,
		Options: append([]vm.Option{args.Need("nodes", kNodes, "the nodes"), args.Need("links", kLinks, `{ "node", wire {}, "node" } each`)},
			wholeOptions...), Fn: graph},
}

// wholeOptions are those of a topology as a whole.
var wholeOptions = []vm.Option{
	args.OptDef("ip", kFamily, "4", `IP versions: 4, 6 or "dual"`),
	args.Opt("tunnels", kTunnels, `tunnels between nodes: { tunnel { "gre", between = { "a", "b" } } }`),
}

var wholeTable = &vm.Method{Name: "path", Options: wholeOptions}

// Tables that a topology is made of; what stands in them is looked at there.
var (
	kParts = &vm.Kind{Name: "table", Type: "Parts", Table: wholeTable, Parse: args.Table.Parse}
	kNodes = &vm.Kind{Name: "table", Type: "Node.Part[]", Parse: args.Table.Parse}
	kLinks = &vm.Kind{Name: "table", Type: "Link[]", Parse: args.Table.Parse}
)

// whole gives a topology what is said of it as a whole.
func whole(s *topology.Spec, a map[string]any) {
	s.IP, _ = a["ip"].(topology.Family)
	s.Tunnels, _ = a["tunnels"].([]topology.Tunnel)
}

func path(c *vm.Call) error {
	parts := c.Args["parts"].(*lua.LTable)
	s := &topology.Spec{}
	var last *topology.Node
	var link *topology.Wire
	items, named := split(c, parts)
	whole(s, c.Table(wholeTable, named))
	for i, x := range items {
		if node, ok := vm.As(x, NodePart); ok {
			node := node.(*topology.Node)
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
		w, ok := vm.As(x, WirePart)
		if !ok {
			return c.Fail("path", "a path is made of host, router, switch and wire", "part %d of path is %s", i+1, vm.Show(x))
		}
		if last == nil || link != nil || i == len(items)-1 {
			return c.VM.At(c.File, w.(*topology.Wire).Line, "wire", "a wire must have a node on either side", "write node, wire, node")
		}
		link, _ = w.(*topology.Wire)
	}
	c.Return(c.VM.New(Topology, s))
	return nil
}

func graph(c *vm.Call) error {
	s := &topology.Spec{}
	whole(s, c.Args)
	nodes, err := args.List(c.Args["nodes"].(*lua.LTable), `write nodes = { host "a", router "r" }`)
	if err != nil {
		return err
	}
	for i, x := range nodes {
		n, ok := vm.As(x, NodePart)
		if !ok {
			return c.Fail("nodes", `write host "a", router "r" or switch "s"`, "element %d of nodes is %s", i+1, vm.Show(x))
		}
		s.Nodes = append(s.Nodes, *n.(*topology.Node))
	}
	const hint = `write { "a", wire {}, "b" }`
	links, err := args.List(c.Args["links"].(*lua.LTable), "write links = { "+hint[6:]+" }")
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
		a, aok := t.RawGetInt(1).(lua.LString)
		w, wok := vm.As(t.RawGetInt(2), WirePart)
		b, bok := t.RawGetInt(3).(lua.LString)
		if !aok || !wok || !bok {
			return c.Fail("links", hint, "element %d of links is not a link", i+1)
		}
		link := *w.(*topology.Wire)
		link.Nodes = [2]string{string(a), string(b)}
		s.Wires = append(s.Wires, link)
	}
	c.Return(c.VM.New(Topology, s))
	return nil
}

// Classes are those of the parts of a topology.
var Classes = []*vm.Class{NodePart, WirePart, TunnelPart, Topology}
