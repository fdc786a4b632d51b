//go:build linux

package session

import (
	"errors"
	"fmt"
	"io"
	"net/netip"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/socket"
	"netrepro/engine/lab/fault"
	"netrepro/engine/lab/firewall"
	"netrepro/engine/lab/node"
	"netrepro/engine/lab/topology"
	"netrepro/engine/lab/topology/plan"
	"netrepro/engine/match"
	"netrepro/engine/match/value"
	"netrepro/engine/script/args"
	"netrepro/engine/script/vm"
	"netrepro/engine/trace"
)

// Node is a live node as scripts see it.
type Node struct {
	*node.Node
	Run       *Run
	Endpoints *socket.Host
	Rules     *firewall.Table
	// Turns take out what has packets to a prefix go over several neighbours
	// in turn.
	Turns map[string][]func() error
	// Resolves says that a name server answers on its loopback device.
	Resolves bool
	// Holds are closed with it.
	Holds []io.Closer
}

// NewNode makes n known to scripts.
func NewNode(r *Run, n *node.Node) *Node {
	return &Node{Node: n, Run: r, Endpoints: socket.NewHost(n.Name, n.NS, n.Addrs()...), Rules: firewall.New(n.NS), Turns: map[string][]func() error{}}
}

// Close ends what scripts started on the node.
func (n *Node) Close() error {
	errs := []error{n.Endpoints.Close(), n.Rules.Close()}
	for _, c := range n.Holds {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// Addrs are its addresses.
func (n *Node) Addrs() []netip.Addr {
	return n.Node.Addrs()
}

// Has reports whether it has an IP version.
func (n *Node) Has(six bool) bool { return n.Address(six).IsValid() }

// Dev is its device on the named wire, VLAN or tunnel.
func (n *Node) Dev(wire string) (string, bool) {
	if f := n.Iface(wire); f != nil && wire != "" {
		return f.Dev, true
	}
	return "", false
}

// Address is its first address of an IP version, invalid if it has none.
func (n *Node) Address(six bool) netip.Addr {
	for _, a := range n.Addrs() {
		if a.Is6() == six {
			return a
		}
	}
	return netip.Addr{}
}

// Party is the node as a match sees it.
func (n *Node) Party() *value.Party { return &value.Party{Name: n.Name, Addrs: n.Addrs()} }

// Class is Host, Router or Switch.
func (n *Node) Class() *vm.Class {
	switch n.Kind {
	case topology.Router:
		return Router
	case topology.Switch:
		return Switch
	}
	return Host
}

// LiveWire is a wire as scripts see it.
type LiveWire struct {
	Run  *Run
	Plan *plan.Wire
}

var nodeFields = []*vm.Field{
	{Name: "name", Type: "string", Doc: "Its name.", Get: func(_ *vm.VM, x any) (lua.LValue, error) { return lua.LString(x.(*Node).Name), nil }},
	{Name: "addr", Type: "string", Doc: "Its first address.", Get: func(_ *vm.VM, x any) (lua.LValue, error) {
		return lua.LString(x.(*Node).Primary().String()), nil
	}},
	addressField("addr4", "Its first IPv4 address, nil if it has none.", false),
	addressField("addr6", "Its first IPv6 address, nil if it has none.", true),
	{Name: "addrs", Type: "string[]", Doc: "All its addresses.", Get: func(v *vm.VM, x any) (lua.LValue, error) {
		t := v.L.NewTable()
		for _, a := range x.(*Node).Addrs() {
			t.Append(lua.LString(a.String()))
		}
		return t, nil
	}},
}

func addressField(name, doc string, six bool) *vm.Field {
	return &vm.Field{Name: name, Type: "string?", Doc: doc, Get: func(_ *vm.VM, x any) (lua.LValue, error) {
		if a := x.(*Node).Address(six); a.IsValid() {
			return lua.LString(a.String()), nil
		}
		return lua.LNil, nil
	}}
}

// Classes of the parts of a lab; package script gives them their verbs.
var (
	Host = &vm.Class{Name: "Host", Doc: "A node where endpoints live.", Fields: nodeFields,
		String: func(x any) string { return "host " + x.(*Node).Name }}
	Router = &vm.Class{Name: "Router", Doc: "A node that forwards, filters and rewrites.", Fields: nodeFields,
		String: func(x any) string { return "router " + x.(*Node).Name }}
	Switch = &vm.Class{Name: "Switch", Doc: "A node that bridges its wires.", Fields: nodeFields[:1],
		String: func(x any) string { return "switch " + x.(*Node).Name }}
	Wire = &vm.Class{Name: "Wire", Doc: "A link between two nodes.",
		Fields: []*vm.Field{
			{Name: "name", Type: "string", Doc: "Its name.", Get: func(_ *vm.VM, x any) (lua.LValue, error) { return lua.LString(x.(*LiveWire).Plan.Name), nil }},
			{Name: "delay", Type: "number", Doc: "One way, in seconds.", Get: func(_ *vm.VM, x any) (lua.LValue, error) {
				w := x.(*LiveWire)
				d, changed := w.Run.Delays[w.Plan]
				if !changed {
					d = w.Plan.Delay
				}
				return lua.LNumber(d.Seconds()), nil
			}},
		},
		String: func(x any) string { return "wire " + x.(*LiveWire).Plan.Name }}
)

// KHost is a node.
var KHost = &vm.Kind{Name: "host", Type: "Host|Router", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	n, ok := vm.As(x, Host, Router, Switch)
	if !ok {
		return nil, args.Wrong(x, "a host", "write net.NAME")
	}
	return n, nil
}}

// KFault is a fault.
var KFault = &vm.Kind{Name: "fault", Type: "Fault", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	f, ok := vm.As(x, Fault)
	if !ok {
		return nil, args.Wrong(x, "a fault", "give what wire:drop returned")
	}
	return f, nil
}}

// Ended has two addresses, as a connection has.
type Ended interface {
	Local() netip.AddrPort
	Remote() netip.AddrPort
}

// KEnds is a connection: whatever has two addresses.
var KEnds = &vm.Kind{Name: "connection", Type: "Conn|Call|Response", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	if e, ok := vm.Value(x).(Ended); ok {
		return &trace.Ends{A: e.Local(), B: e.Remote()}, nil
	}
	return nil, args.Wrong(x, "a connection", "give what dial, tls or fetch returned")
}}

// Fault is a rule that breaks something.
var Fault = &vm.Class{Name: "Fault", Doc: "A rule that breaks something, and what it hit.",
	Fields: []*vm.Field{
		{Name: "hits", Type: "integer", Doc: "How many packets it hit so far.", Get: func(_ *vm.VM, x any) (lua.LValue, error) {
			n, err := x.(fault.Handle).Hits()
			return lua.LNumber(n), err
		}},
		{Name: "seq", Type: "integer?", Doc: "Relative sequence number of the first segment hit, nil if none.", Get: func(_ *vm.VM, x any) (lua.LValue, error) {
			if h := x.(fault.Handle).First(); h != nil {
				return lua.LNumber(h.Seq), nil
			}
			return lua.LNil, nil
		}},
		{Name: "len", Type: "integer?", Doc: "Sequence space of the first segment hit, nil if none.", Get: func(_ *vm.VM, x any) (lua.LValue, error) {
			if h := x.(fault.Handle).First(); h != nil {
				return lua.LNumber(h.End - h.Seq), nil
			}
			return lua.LNil, nil
		}},
		{Name: "name", Type: "string", Doc: "What it is called in messages.", Get: func(_ *vm.VM, x any) (lua.LValue, error) {
			return lua.LString(x.(fault.Handle).String()), nil
		}},
	},
	String: func(x any) string { return x.(fault.Handle).String() }}

// RuleHandle is a firewall rule as a fault.
type RuleHandle struct {
	Rule     *firewall.Rule
	Name     string
	Optional bool
	At       int // line
}

// Hits implements [fault.Handle].
func (h *RuleHandle) Hits() (int, error) { return h.Rule.Hits() }

// First implements [fault.Handle].
func (h *RuleHandle) First() *match.Hit { return nil }

// String implements [fault.Handle].
func (h *RuleHandle) String() string { return h.Name }

// Line implements [fault.Handle].
func (h *RuleHandle) Line() int { return h.At }

// Disarm takes the rule out.
func (h *RuleHandle) Disarm() error { return h.Rule.Delete() }

// Err implements [fault.Handle].
func (h *RuleHandle) Err() error { return nil }

// Idle implements [fault.Handle].
func (h *RuleHandle) Idle() (bool, error) {
	n, err := h.Hits()
	return n == 0 && !h.Optional, err
}

// ResultOf is how x ended, for what ends: a handshake, a fetch.
func ResultOf(x any) (socket.Result, bool) {
	switch x := x.(type) {
	case socket.Result:
		return x, true
	case interface{ Outcome() socket.Result }:
		return x.Outcome(), true
	}
	return socket.Result{}, false
}

// Describe puts a result into words.
func Describe(r socket.Result) string {
	if r.OK() {
		return fmt.Sprintf("success after %.3fs", r.Took.Seconds())
	}
	return fmt.Sprintf("%q after %.3fs", r.Err, r.Took.Seconds())
}
