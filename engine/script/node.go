//go:build linux

package script

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/endpoint"
	"netrepro/engine/firewall"
	"netrepro/engine/script/vm"
	"netrepro/engine/topo"
	"netrepro/engine/trace"
)

// node is a live node as scripts see it.
type node struct {
	*topo.LiveNode
	run *run
	ep  *endpoint.Host
	fw  *firewall.Table
}

func newNode(r *run, n *topo.LiveNode) *node {
	return &node{LiveNode: n, run: r, ep: endpoint.NewHost(n.Name, n.NS, n.Primary()), fw: firewall.New(n.NS)}
}

func (n *node) close() error { return errors.Join(n.ep.Close(), n.fw.Close()) }

func (n *node) addrs() []netip.Addr {
	var out []netip.Addr
	for _, f := range n.Ifaces {
		out = append(out, f.Prefix.Addr())
	}
	return out
}

func (n *node) party() *trace.Party { return &trace.Party{Name: n.Name, Addrs: n.addrs()} }

// class is Host or Router.
func (n *node) class() *vm.Class {
	if n.Kind == topo.Router {
		return routerClass
	}
	return hostClass
}

func (r *run) node(name string) *node {
	i := slices.IndexFunc(r.nodes, func(n *node) bool { return n.Name == name })
	if i < 0 {
		return nil
	}
	return r.nodes[i]
}

// runOf is the run a verb belongs to.
func runOf(c *vm.Call) *run { return c.VM.Data.(*run) }

// netClass is the net that run gets: nodes, wires and the trace by name.
var netClass = &vm.Class{Name: "Net", What: "this topology", Doc: "The lab of this case: its nodes, its named wires and the trace.",
	Index: func(self any, name string) (lua.LValue, bool) {
		r := self.(*run)
		if n := r.node(name); n != nil {
			return r.vm.New(n.class(), n), true
		}
		for _, w := range r.c.Plan.Wires {
			if w.Name == name {
				return r.vm.New(wireClass, &liveWire{run: r, plan: w}), true
			}
		}
		switch name {
		case "trace":
			return r.vm.New(traceClass, r.lab.Trace.All()), true
		case "seed":
			return lua.LNumber(r.vm.Seed), true
		}
		return nil, false
	},
	Names: func(self any) []string {
		r := self.(*run)
		var names []string
		for _, n := range r.nodes {
			names = append(names, n.Name)
		}
		for _, w := range r.c.Plan.Wires {
			names = append(names, w.Name)
		}
		return append(names, "trace")
	},
}

var nodeFields = []*vm.Field{
	{Name: "name", Type: "string", Doc: "Its name.", Get: func(_ *vm.VM, x any) (lua.LValue, error) { return lua.LString(x.(*node).Name), nil }},
	{Name: "addr", Type: "string", Doc: "Its first address.", Get: func(_ *vm.VM, x any) (lua.LValue, error) {
		return lua.LString(x.(*node).Primary().String()), nil
	}},
}

var sysctlVerb = &vm.Method{Name: "sysctl", Doc: "Reads a kernel setting of this node, or sets it.", Example: `server:sysctl("net.ipv4.tcp_mtu_probing", 1)`,
	Returns: "string", Phase: vm.Running,
	Params: []vm.Param{{Name: "name", Kind: kString, Doc: "dotted, below net."}, {Name: "value", Kind: kAny, Optional: true, Doc: "a string or a number"}},
	Fn: func(c *vm.Call) error {
		n := c.Self.(*node)
		name := c.Args["name"].(string)
		if x, ok := vm.Arg[lua.LValue](c, "value"); ok {
			if err := topo.SetSysctl(n.NS, topo.Setting{Name: name, Value: x.String()}); err != nil {
				return c.Fail(name, "the name and value must be ones this kernel has for a network namespace", "%v", err)
			}
		}
		v, err := topo.GetSysctl(n.NS, name)
		if err != nil {
			return c.Fail(name, "the name must be one this kernel has for a network namespace", "%v", err)
		}
		c.Return(lua.LString(v))
		return nil
	}}

var conntrackVerb = &vm.Method{Name: "conntrack", Doc: "The first tracked connection that matches, nil if there is none.",
	Example: `gateway:conntrack { sport = 40000, dport = 443 }`, Returns: "Conntrack", Phase: vm.Running,
	Options: []vm.Option{
		opt("src", kHost, "where it came from"), opt("dst", kHost, "where it went to"),
		opt("sport", kPort, "source port as it came"), opt("dport", kPort, "destination port as it came"),
	},
	Fn: func(c *vm.Call) error {
		entries, err := firewall.Conntrack(c.Self.(*node).NS)
		if err != nil {
			return err
		}
		has := func(option string, a netip.Addr) bool {
			n, ok := vm.Arg[*node](c, option)
			return !ok || slices.Contains(n.addrs(), a)
		}
		for i := range entries {
			e := &entries[i]
			if has("src", e.Orig.Src) && has("dst", e.Orig.Dst) && vm.ArgOr(c, "sport", e.Orig.SPort) == e.Orig.SPort &&
				vm.ArgOr(c, "dport", e.Orig.DPort) == e.Orig.DPort {
				c.Return(c.VM.New(conntrackClass, e))
				return nil
			}
		}
		c.Return(lua.LNil)
		return nil
	}}

func entryField(name, doc string, get func(*firewall.Entry) any) *vm.Field {
	return &vm.Field{Name: name, Doc: doc, Type: "string|integer", Get: func(_ *vm.VM, x any) (lua.LValue, error) {
		if s, ok := get(x.(*firewall.Entry)).(netip.Addr); ok {
			return lua.LString(s.String()), nil
		}
		return lua.LNumber(get(x.(*firewall.Entry)).(int)), nil
	}}
}

var conntrackClass = &vm.Class{Name: "Conntrack", Doc: "A tracked connection: as it came, and as its answers come.",
	Fields: []*vm.Field{
		entryField("src", "Source address.", func(e *firewall.Entry) any { return e.Orig.Src }),
		entryField("dst", "Destination address.", func(e *firewall.Entry) any { return e.Orig.Dst }),
		entryField("sport", "Source port.", func(e *firewall.Entry) any { return e.Orig.SPort }),
		entryField("dport", "Destination port.", func(e *firewall.Entry) any { return e.Orig.DPort }),
		entryField("reply_src", "Source address of answers.", func(e *firewall.Entry) any { return e.Reply.Src }),
		entryField("reply_dst", "Destination address of answers.", func(e *firewall.Entry) any { return e.Reply.Dst }),
		entryField("reply_sport", "Source port of answers.", func(e *firewall.Entry) any { return e.Reply.SPort }),
		entryField("reply_dport", "Destination port of answers.", func(e *firewall.Entry) any { return e.Reply.DPort }),
	},
	String: func(x any) string {
		e := x.(*firewall.Entry)
		return fmt.Sprintf("%s:%d > %s:%d, answers %s:%d > %s:%d", e.Orig.Src, e.Orig.SPort, e.Orig.Dst, e.Orig.DPort,
			e.Reply.Src, e.Reply.SPort, e.Reply.Dst, e.Reply.DPort)
	}}

// kHost is a node.
var kHost = &vm.Kind{Name: "host", Type: "Host|Router", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	n, ok := vm.As(x, hostClass, routerClass)
	if !ok {
		return nil, wrong(x, "a host", "write net.NAME")
	}
	return n, nil
}}

var hostClass = &vm.Class{Name: "Host", Doc: "A node where endpoints live.", Fields: nodeFields,
	String: func(x any) string { return "host " + x.(*node).Name }}

var routerClass = &vm.Class{Name: "Router", Doc: "A node that forwards, filters and rewrites.", Fields: nodeFields,
	String: func(x any) string { return "router " + x.(*node).Name }}

func init() { // the verbs refer to the classes
	hostClass.Methods = append([]*vm.Method{listenVerb, dialVerb, tlsVerb, serveVerb, fetchVerb, redirectVerb, nodeDropVerb}, sysctlVerb, conntrackVerb)
	routerClass.Methods = []*vm.Method{nodeDropVerb, clampVerb, redirectVerb, sysctlVerb, conntrackVerb}
}
