//go:build linux

// Package topology has the words that topologies are written in.
package topology

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/topology"
	"netrepro/engine/script/args"
	"netrepro/engine/script/vm"
)

// Room is what this room adds to the language.
func Room() vm.Room {
	return vm.Room{
		Globals: []*vm.Method{hostVerb, routerVerb, switchVerb, tunnelVerb, wireVerb, pathVerb, graphVerb},
		Classes: []*vm.Class{nodePart, wirePart, tunnelPart, whole},
	}
}

// Parts of a topology, before it is put together.
var (
	nodePart = &vm.Class{Name: "Node.Part", Doc: "A node, before it is put in a topology.", String: func(x any) string {
		return fmt.Sprintf("%s %q", x.(*topology.Node).Kind, x.(*topology.Node).Name)
	}}
	wirePart   = &vm.Class{Name: "Wire.Part", Doc: "A wire, before it is put in a topology."}
	tunnelPart = &vm.Class{Name: "Tunnel.Part", Doc: "A tunnel, before it is put in a topology."}
	whole      = &vm.Class{Name: "Topology", Doc: "Nodes and the wires between them."}
)

// KTopology is a topology that is put together.
var KTopology = vm.NewKind("topology", "Topology", func(_ *vm.Call, x lua.LValue) (*topology.Spec, error) {
	if s, ok := vm.As(x, whole); ok {
		return s.(*topology.Spec), nil
	}
	return nil, args.Wrong(x, "a topology", `write path { host "a", wire {}, host "b" }`)
})

func nodeOptions(n *topology.Node) []vm.Argument {
	return []vm.Argument{
		args.String.Need(&n.Name, "name", "name to reach it by, as in net.client"),
		kAddr.Opt(&n.Addr, "addr", "address with prefix length, or a list of them; a table by wire if the "+
			"node has several wires"),
		args.String.Opt(&n.Gateway, "gateway", "the neighbour that gets all other traffic"),
		kRoutes.Opt(&n.Routes, "routes", "further routes"),
		kSysctls.Opt(&n.Sysctl, "sysctl", "kernel settings of this node"),
	}
}

func nodeVerb(k topology.Kind, doc, example string) *vm.Method {
	return vm.Verb(vm.Method{Name: string(k), Doc: doc, Example: example, Returns: "Node.Part", Phase: vm.Loading,
		First: "name"}, nodeOptions,
		func(c *vm.Call, n *topology.Node) error {
			n.Kind, n.Line = k, c.Line
			c.Return(c.VM.New(nodePart, n))
			return nil
		})
}

var (
	hostVerb   = nodeVerb(topology.Host, "A node where endpoints live. It does not forward.", `host "client"`)
	routerVerb = nodeVerb(topology.Router, "A node that forwards, filters and rewrites.", `router "edge"`)
	switchVerb = vm.Verb(vm.Method{Name: "switch",
		Doc:     "A node that bridges its wires: hosts on them share one segment, or one for each VLAN.",
		Example: `switch "lan"`, Returns: "Node.Part", Phase: vm.Loading, First: "name"},
		func(name *string) []vm.Argument {
			return []vm.Argument{args.String.Need(name, "name", "name to reach it by, as in net.lan")}
		},
		func(c *vm.Call, name *string) error {
			c.Return(c.VM.New(nodePart, &topology.Node{Kind: topology.Switch, Line: c.Line, Name: *name}))
			return nil
		})
)

// link are the arguments of wire.
type link struct {
	topology.Wire
	loss *float64
	args args.Wire
}

var wireVerb = vm.Verb(vm.Method{Name: "wire",
	Doc:     "A link between the node before it and the node after it. Every frame on it is captured.",
	Example: `wire { name = "wan", delay = "20ms" }`, Returns: "Wire.Part", Phase: vm.Loading, First: "name"},
	func(w *link) []vm.Argument {
		return append([]vm.Argument{
			args.String.Opt(&w.Name, "name", "name to reach it by, as in net.wan"),
			kMTUs.Opt(&w.MTU, "mtu", "bytes, at both ends or { first, second }").Shown("1500"),
			args.Percent.Maybe(&w.loss, "loss", "the share of frames that are lost by chance, from the case's seed"),
			kVLAN.Opt(&w.VLAN, "vlan", "of a wire to a switch: the VLAN that its frames belong to"),
			kVLANs.Opt(&w.Trunk, "trunk", "of a wire to a switch: the VLANs that cross it, with tags"),
			args.Bool.Def(&w.Direct, "direct", "false", "a plain veth pair: full speed, no faults, no capture"),
		}, args.WireOptions(&w.args)...)
	},
	func(c *vm.Call, l *link) error {
		w := &l.Wire
		w.Line = c.Line
		w.Delay, w.Jitter, w.Rate = vm.Or(l.args.Delay, 0), vm.Or(l.args.Jitter, 0), vm.Or(l.args.Rate, 0)
		w.Loss = vm.Or(l.loss, 0)
		if q := l.args.Queue; q != nil {
			w.QueueBytes, w.QueuePackets = q.Bytes, q.Packets
		} else if w.Rate > 0 {
			w.QueuePackets = args.DefaultQueue
		}
		for _, name := range []string{"delay", "jitter", "rate", "queue", "loss"} {
			if c.Given(name) && w.Direct {
				return c.Fail("direct", "leave one of the two out",
					"a direct wire has no %s: frames do not pass through the engine", name)
			}
		}
		if q := w.QueueBytes + w.QueuePackets; q > 0 && w.Rate == 0 {
			return c.Fail("queue", `say the rate too: rate = "10Mbit"`, "a wire without a rate has no queue")
		}
		c.Return(c.VM.New(wirePart, w))
		return nil
	})

// tunnel are the arguments of tunnel.
type tunnel struct {
	topology.Tunnel
	between []string
}

var (
	kTunnel    = args.Enum("kind of tunnel", topology.TunnelKinds...)
	kTunnelMTU = args.Int("MTU", topology.MinMTU, topology.MaxMTU, "68 to 65535 bytes")
	kTunnelID  = args.Int("number", 1, 1<<24-1, "a whole number")
)

var tunnelVerb = vm.Verb(vm.Method{Name: "tunnel", Doc: "A link between two nodes through the network between them. " +
	"Traffic takes it where it is the shortest way.",
	Example: `tunnel { "gre", between = { "left", "right" } }`, Returns: "Tunnel.Part", Phase: vm.Loading,
	First: "kind"},
	func(t *tunnel) []vm.Argument {
		return []vm.Argument{
			kTunnel.Need(&t.Kind, "kind", "where the kernel has it"),
			args.Strings.Need(&t.between, "between", "the two nodes"),
			args.String.Opt(&t.Name, "name", "its name, as in addr = { NAME = … }"),
			kTunnelMTU.Opt(&t.MTU, "mtu", "bytes; by default what fits through a path of 1500"),
			kTunnelID.Opt(&t.ID, "id", "VXLAN network identifier, or GRE key"),
		}
	},
	func(c *vm.Call, t *tunnel) error {
		if len(t.between) != 2 {
			return c.Fail("between", `write between = { "left", "right" }`,
				"a tunnel is between two nodes, not %d", len(t.between))
		}
		t.Line, t.Between = c.Line, [2]string(t.between)
		c.Return(c.VM.New(tunnelPart, &t.Tunnel))
		return nil
	})
