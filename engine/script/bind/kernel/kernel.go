//go:build linux

// Package kernel has the verbs that ask the kernel: counters, sockets, and what it
// said of resets, retransmissions and drops.
package kernel

import (
	"fmt"
	"maps"
	"slices"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/kernel"
	"netrepro/engine/kernel/counters"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
	"netrepro/engine/tcp/reset"
)

// Room is what this room adds to the language.
func Room() vm.Room {
	return vm.Room{
		Classes: []*vm.Class{countersClass},
		Members: append(session.OnNodes([]*vm.Method{socketsVerb, eventsVerb}, countersField),
			vm.Members{Of: countersClass, Methods: []*vm.Method{sinceVerb}}),
	}
}

// state is what this room keeps of a case.
type state struct{ witness *kernel.Witness }

var slot = session.NewSlot(func(*session.Run) *state { return &state{} })

// Ask has the verbs ask w, which is nil where the kernel cannot be asked.
func Ask(r *session.Run, w *kernel.Witness) { slot.Of(r).witness = w }

// Evidence is what verdicts on resets of r are drawn from: [reset.FromKernel], or
// [reset.Inferred] where the kernel does not give all its reasons.
func Evidence(r *session.Run) string {
	if w := slot.Of(r).witness; w != nil && w.Whole() == "" {
		return reset.FromKernel
	}
	return reset.Inferred
}

var countersField = &vm.Field{Name: "counters", Type: "Counters", Doc: "The node's counters now, by the " +
	"kernel's names: server.counters.TCPAbortOnClose. A node begins with all of them 0. A counter that " +
	"this kernel does not have is nil.",
	Get: func(v *vm.VM, x any) (lua.LValue, error) {
		c, err := counters.Read(x.(*session.Node).NS)
		if err != nil {
			return nil, err
		}
		return v.New(countersClass, c), nil
	}}

var countersClass = &vm.Class{Name: "Counters", What: "this kernel",
	Doc: "Counters of a node at one moment (/proc/net/netstat, snmp, snmp6, dev, nf_conntrack, softnet_stat).",
	Index: func(self any, name string) (lua.LValue, bool) {
		n, ok := self.(counters.Counters)[name]
		if !ok && counters.Counts(name) {
			return lua.LNil, true // other kernels have it
		}
		return lua.LNumber(n), ok
	},
	Names:  func(self any) []string { return slices.Sorted(maps.Keys(self.(counters.Counters))) },
	String: func(x any) string { return fmt.Sprintf("%d counters", len(x.(counters.Counters))) }}

var kCounters = vm.NewKind("counters", "Counters", func(_ *vm.Call, x lua.LValue) (counters.Counters, error) {
	if c, ok := vm.As(x, countersClass); ok {
		return c.(counters.Counters), nil
	}
	return nil, args.Wrong(x, "a reading of counters", "give what host.counters was before")
})

var sinceVerb = vm.Verb(vm.Method{Name: "since",
	Doc:     "How much each counter has grown since another reading; only those that changed are in it.",
	Example: `server.counters:since(before).TCPTimeouts`, Returns: "table<string,integer>"},
	func(before *counters.Counters) []vm.Argument {
		return []vm.Argument{kCounters.Param(before, "before", "what counters was before")}
	},
	func(c *vm.Call, before *counters.Counters) error {
		t := c.L.NewTable()
		moved := c.Self.(counters.Counters).Since(*before)
		for _, name := range slices.Sorted(maps.Keys(moved)) {
			if moved[name] != 0 {
				t.RawSetString(name, lua.LNumber(moved[name]))
			}
		}
		c.Return(t)
		return nil
	})
