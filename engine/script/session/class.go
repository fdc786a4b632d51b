//go:build linux

package session

import (
	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/fault"
	"netrepro/engine/lab/topology/plan"
	"netrepro/engine/lab/wire"
	"netrepro/engine/script/vm"
)

// LiveWire is a wire as scripts see it.
type LiveWire struct {
	Run  *Run
	Plan *plan.Wire
}

// Live is the wire in the relay, which a direct wire is not in.
func (w *LiveWire) Live(c *vm.Call) (*wire.Wire, error) {
	live := w.Run.Lab.Relay.Wire(w.Plan.Name)
	if live == nil {
		return nil, c.Fail("", "leave direct out of the wire",
			"wire %q is direct: its frames do not pass through the engine", w.Plan.Name)
	}
	return live, nil
}

// Classes of the parts of a lab, which the rooms of verbs add their members to.
var (
	Host = &vm.Class{Name: "Host", Doc: "A node where endpoints live.", Fields: nodeFields,
		String: func(x any) string { return "host " + x.(*Node).Name }}
	Router = &vm.Class{Name: "Router", Doc: "A node that forwards, filters and rewrites.", Fields: nodeFields,
		String: func(x any) string { return "router " + x.(*Node).Name }}
	Switch = &vm.Class{Name: "Switch", Doc: "A node that bridges its wires.", Fields: nodeFields[:1],
		String: func(x any) string { return "switch " + x.(*Node).Name }}
	Wire = &vm.Class{Name: "Wire", Doc: "A link between two nodes.", Fields: wireFields,
		String: func(x any) string { return "wire " + x.(*LiveWire).Plan.Name }}
	Fault = &vm.Class{Name: "Fault", Doc: "A rule that breaks something, and what it hit.", Fields: faultFields,
		String: func(x any) string { return x.(fault.Handle).String() }}
)

// Room is what the parts of a lab are before rooms of verbs add to them.
func Room() vm.Room { return vm.Room{Classes: []*vm.Class{Host, Router, Switch, Wire, Fault}} }

// OnNodes gives verbs and fields to hosts and routers.
func OnNodes(methods []*vm.Method, fields ...*vm.Field) []vm.Members {
	return []vm.Members{{Of: Host, Methods: methods, Fields: fields}, {Of: Router, Methods: methods, Fields: fields}}
}

var nodeFields = []*vm.Field{
	vm.FieldOf("name", "string", "Its name.", func(n *Node) lua.LValue { return lua.LString(n.Name) }),
	vm.FieldOf("addr", "string", "Its first address.",
		func(n *Node) lua.LValue { return lua.LString(n.Primary().String()) }),
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
	return vm.FieldOf(name, "string?", doc, func(n *Node) lua.LValue {
		if a := n.Address(six); a.IsValid() {
			return lua.LString(a.String())
		}
		return lua.LNil
	})
}

var wireFields = []*vm.Field{
	vm.FieldOf("name", "string", "Its name.", func(w *LiveWire) lua.LValue { return lua.LString(w.Plan.Name) }),
}

var faultFields = []*vm.Field{
	{Name: "hits", Type: "integer", Doc: "How many packets it hit so far.",
		Get: func(_ *vm.VM, x any) (lua.LValue, error) {
			n, err := x.(fault.Handle).Hits()
			return lua.LNumber(n), err
		}},
	vm.FieldOf("seq", "integer?", "Relative sequence number of the first segment hit, nil if none.",
		func(f fault.Handle) lua.LValue {
			if h := f.First(); h != nil {
				return lua.LNumber(h.Seq)
			}
			return lua.LNil
		}),
	vm.FieldOf("len", "integer?", "Sequence space of the first segment hit, nil if none.",
		func(f fault.Handle) lua.LValue {
			if h := f.First(); h != nil {
				return lua.LNumber(h.End - h.Seq)
			}
			return lua.LNil
		}),
	vm.FieldOf("name", "string", "What it is called in messages.",
		func(f fault.Handle) lua.LValue { return lua.LString(f.String()) }),
}
