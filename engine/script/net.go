//go:build linux

package script

import (
	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/script/bind/expect"
	"netrepro/engine/script/bind/kernel"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// netClass is the net that run gets: nodes, wires and the trace by name. No node or
// wire has the name of one of its fields: see [reserved].
var netClass = &vm.Class{Name: "Net", What: "this topology",
	Doc: "The lab of this case: its nodes, its named wires and the trace.",
	Fields: []*vm.Field{
		{Name: "trace", Type: "Trace", Doc: "What all wires saw.", Get: func(v *vm.VM, x any) (lua.LValue, error) {
			return v.New(expect.Trace, x.(*session.Run).Lab.Trace.All()), nil
		}},
		vm.FieldOf("evidence", `"kernel"|"inferred"`,
			"What verdicts are drawn from: the kernel's own word, or the packets alone.",
			func(r *session.Run) lua.LValue { return lua.LString(kernel.Evidence(r)) }),
		vm.FieldOf("seed", "integer", "The case's seed.",
			func(r *session.Run) lua.LValue { return lua.LNumber(r.VM.Seed) }),
	},
	Index: func(self any, name string) (lua.LValue, bool) {
		r := self.(*session.Run)
		if n := r.Node(name); n != nil {
			return r.VM.New(n.Class(), n), true
		}
		for _, w := range r.Plan.Wires {
			if w.Name == name {
				return r.VM.New(session.Wire, &session.LiveWire{Run: r, Plan: w}), true
			}
		}
		return nil, false
	},
	Names: func(self any) []string {
		r := self.(*session.Run)
		var names []string
		for _, n := range r.Nodes {
			names = append(names, n.Name)
		}
		for _, w := range r.Plan.Wires {
			names = append(names, w.Name)
		}
		return names
	},
}

// reserved are the names that a node or a wire would hide a member of net with.
func reserved() []string {
	var names []string
	for _, m := range netClass.Methods {
		names = append(names, m.Name)
	}
	for _, f := range netClass.Fields {
		names = append(names, f.Name)
	}
	return names
}
