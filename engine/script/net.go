//go:build linux

package script

import (
	"netrepro/engine/script/bind/expect"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
	"netrepro/engine/tcp/reset"

	lua "github.com/yuin/gopher-lua"
)

// netClass is the net that run gets: nodes, wires and the trace by name.
var netClass = &vm.Class{Name: "Net", What: "this topology", Doc: "The lab of this case: its nodes, its named wires and the trace.",
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
		switch name {
		case "trace":
			return r.VM.New(expect.Trace, r.Lab.Trace.All()), true
		case "evidence":
			if r.Witness == nil || r.Witness.Whole() != "" {
				return lua.LString(reset.Inferred), true
			}
			return lua.LString(reset.FromKernel), true
		case "seed":
			return lua.LNumber(r.VM.Seed), true
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
		return append(names, "trace", "evidence")
	},
}
