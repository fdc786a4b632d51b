//go:build linux

package kernel

import (
	"fmt"
	"maps"
	"slices"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/kernel"
	"netrepro/engine/kernel/bpf"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// eventKinds are the kinds of event by the words of scripts.
var eventKinds = map[string]bpf.Kind{"reset": bpf.SendReset, "reset-received": bpf.ReceiveReset,
	"retransmit": bpf.Retransmit, "drop": bpf.Drop}

var kEvent = args.Enum("kind of event", slices.Sorted(maps.Keys(eventKinds))...)

// asked are the events that are asked for; nil and 0 are all.
type asked struct {
	kind, reason *string
	port         int
	tcp          *bool
}

var eventsVerb = vm.Verb(vm.Method{Name: "events", Doc: "Waits until the wires are idle, and returns what " +
	"the node's kernel did: a list of events, in order. It is nil if netrepro may not ask the kernel (see " +
	"net.evidence).",
	Example: `for _, e in ipairs(server:events { kind = "drop" }) do print(e.reason, e.func) end`,
	Returns: "KernelEvents?", Phase: vm.Running},
	func(a *asked) []vm.Argument {
		return []vm.Argument{
			kEvent.Maybe(&a.kind, "kind", "what happened"),
			args.String.Maybe(&a.reason, "reason", "the kernel's reason, as in its enums without the prefix"),
			args.Port.Opt(&a.port, "port", "either port"),
			args.Bool.Maybe(&a.tcp, "tcp", "of TCP only"),
		}
	},
	func(c *vm.Call, a *asked) error {
		r := session.Of(c)
		w := slot.Of(r).witness
		if w == nil {
			c.Return(lua.LNil)
			return nil
		}
		r.Settle()
		r.Hear()
		events, lost, err := w.Events()
		if err != nil {
			return fmt.Errorf("read what the kernel said: %w", err)
		}
		t := c.L.NewTable()
		for _, e := range events {
			if e.Node == c.Self.(*session.Node).Name && a.has(e) {
				t.Append(eventTable(c, e))
			}
		}
		t.RawSetString("lost", lua.LNumber(lost))
		c.Return(t)
		return nil
	})

// has reports whether e is one of those that are asked for.
func (a *asked) has(e *kernel.Event) bool {
	from, to := e.Ends()
	if a.kind != nil && e.Kind != eventKinds[*a.kind] {
		return false
	}
	if a.port != 0 && int(from.Port()) != a.port && int(to.Port()) != a.port {
		return false
	}
	if a.tcp != nil && *a.tcp != e.TCP() {
		return false
	}
	return vm.Or(a.reason, e.Reason) == e.Reason
}

func eventTable(c *vm.Call, e *kernel.Event) *lua.LTable {
	t := c.L.NewTable()
	text := func(name, s string) {
		if s != "" {
			t.RawSetString(name, lua.LString(s))
		}
	}
	for word, k := range eventKinds {
		if k == e.Kind {
			text("kind", word)
		}
	}
	from, to := e.Ends()
	t.RawSetString("time", lua.LNumber(e.At.Seconds()))
	text("reason", e.Reason)
	text("func", e.Function())
	if e.Socket {
		text("state", e.State)
		text("before", e.Before)
	}
	if e.Kind == bpf.SendReset && !e.Passive() {
		text("process", e.Process)
	}
	if from.IsValid() {
		text("from", from.Addr().String())
		text("to", to.Addr().String())
		t.RawSetString("sport", lua.LNumber(from.Port()))
		t.RawSetString("dport", lua.LNumber(to.Port()))
	}
	if len(e.Stack) > 0 {
		stack := c.L.NewTable()
		for _, f := range e.Functions() {
			stack.Append(lua.LString(f))
		}
		t.RawSetString("stack", stack)
	}
	return t
}
