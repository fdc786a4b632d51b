//go:build linux

package expect

import (
	"fmt"
	"net/netip"
	"slices"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/expect"
	"netrepro/engine/match"
	"netrepro/engine/script/args"
	"netrepro/engine/script/matching"
	"netrepro/engine/script/seen"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
	"netrepro/engine/trace"
)

// Trace is what the wires saw, or a part of it.
var Trace = &vm.Class{Name: "Trace",
	Doc: "What the wires saw: every packet where it left a node and where it arrived. " +
		":at(node) is one vantage point.",
	String: func(x any) string { return x.(*trace.View).Label },
	Len:    func(x any) int { return len(x.(*trace.View).Packets()) },
	Item: func(v *vm.VM, x any, n int) lua.LValue {
		ps := x.(*trace.View).Packets()
		if n < 1 || n > len(ps) {
			return lua.LNil
		}
		return v.New(seen.Class, seen.Packet{Trace: x.(*trace.View).Trace, Packet: ps[n-1]})
	}}

// kTrace is a trace, or a part of one.
var kTrace = vm.NewKind("trace", "Trace", func(_ *vm.Call, x lua.LValue) (*trace.View, error) {
	if v, ok := vm.As(x, Trace); ok {
		return v.(*trace.View), nil
	}
	return nil, args.Wrong(x, "a trace", "give net.trace, or a part of it")
})

// asked is what is asked of recorded packets.
type asked struct{ keys vm.Values }

func askedOptions(a *asked) []vm.Argument { return vm.Collect(&a.keys, matching.Seen) }

// match is the match that was said.
func (a *asked) match(c *vm.Call) match.Match { return matching.Asked(c, a.keys) }

// pair are the arguments of between.
type pair struct{ a, b *session.Node }

var traceVerbs = []*vm.Method{
	vm.Verb(vm.Method{Name: "at", Doc: "What the devices of one node saw.", Example: `net.trace:at(net.server)`,
		Returns: "Trace", Phase: vm.Running},
		func(n **session.Node) []vm.Argument { return []vm.Argument{session.KHost.Param(n, "node", "a node")} },
		func(c *vm.Call, n **session.Node) error {
			c.Return(c.VM.New(Trace, c.Self.(*trace.View).At((*n).Name)))
			return nil
		}),
	vm.Verb(vm.Method{Name: "tcp", Doc: "The TCP segments among them that match.",
		Example: `net.trace:tcp { from = net.server }`, Returns: "Trace", Phase: vm.Running}, askedOptions,
		func(c *vm.Call, a *asked) error {
			m := a.match(c)
			segments := c.Self.(*trace.View).Where("", (*trace.Packet).IsTCP)
			c.Return(c.VM.New(Trace, segments.With(":tcp"+m.String(), m.In)))
			return nil
		}),
	vm.Verb(vm.Method{Name: "between", Doc: "What two nodes said to each other.",
		Example: `net.trace:between(net.client, net.server)`, Returns: "Trace", Phase: vm.Running},
		func(p *pair) []vm.Argument {
			return []vm.Argument{session.KHost.Param(&p.a, "a", "a node"), session.KHost.Param(&p.b, "b", "another")}
		},
		func(c *vm.Call, p *pair) error {
			ends := [2][]netip.Addr{p.a.Addrs(), p.b.Addrs()}
			label := fmt.Sprintf(":between(%s, %s)", p.a.Name, p.b.Name)
			c.Return(c.VM.New(Trace, c.Self.(*trace.View).Where(label, func(p *trace.Packet) bool {
				return slices.Contains(ends[0], p.Src) && slices.Contains(ends[1], p.Dst) ||
					slices.Contains(ends[1], p.Src) && slices.Contains(ends[0], p.Dst)
			})))
			return nil
		}),
	vm.Verb(vm.Method{Name: "conn", Doc: "One connection, on both sides of a NAT.", Example: `net.trace:conn(call)`,
		Returns: "Trace",
		Phase:   vm.Running},
		func(e **trace.Ends) []vm.Argument {
			return []vm.Argument{session.KEnds.Param(e, "conn", "what dial, tls or fetch returned")}
		},
		func(c *vm.Call, e **trace.Ends) error {
			of := match.Of(map[string]any{"conn": *e})
			c.Return(c.VM.New(Trace, c.Self.(*trace.View).With(":conn", of.In)))
			return nil
		}),
	{Name: "connections", Doc: "Each TCP connection in it, in the order they began, once the wires are idle. One that a " +
		"NAT translates is two: before and behind it.",
		Example: `#net.trace:connections()`, Returns: "Trace[]", Phase: vm.Running,
		Fn: func(c *vm.Call) error {
			session.Of(c).Settle()
			t := c.L.NewTable()
			for _, v := range expect.Connections(c.Self.(*trace.View)) {
				t.Append(c.VM.New(Trace, v))
			}
			c.Return(t)
			return nil
		}},
	vm.Verb(vm.Method{Name: "packets", Doc: "The packets that match, as a list, once the wires are idle.",
		Example: `for _, p in ipairs(net.trace:packets { tcp = "rst" }) do print(p) end`,
		Returns: "Packet[]", Phase: vm.Running}, askedOptions,
		func(c *vm.Call, a *asked) error {
			t := c.L.NewTable()
			v := c.Self.(*trace.View)
			for _, p := range settled(c, a) {
				t.Append(c.VM.New(seen.Class, seen.Packet{Trace: v.Trace, Packet: p}))
			}
			c.Return(t)
			return nil
		}),
	vm.Verb(vm.Method{Name: "count", Doc: "How many packets match, once the wires are idle.",
		Example: `net.trace:count { tcp = "rexmit" }`, Returns: "integer", Phase: vm.Running}, askedOptions,
		func(c *vm.Call, a *asked) error {
			c.Return(lua.LNumber(len(settled(c, a))))
			return nil
		}),
	vm.Verb(vm.Method{Name: "differences", Doc: "Waits until the wires are idle, and says in words how " +
		"this trace differs from another in what it means. The list is empty if they mean the same.",
		Example: `for _, d in ipairs(b:differences(a)) do print(d) end`, Returns: "string[]", Phase: vm.Running},
		func(other **trace.View) []vm.Argument {
			return []vm.Argument{kTrace.Param(other, "trace", "the other")}
		},
		func(c *vm.Call, other **trace.View) error {
			session.Of(c).Settle()
			t := c.L.NewTable()
			for _, d := range expect.Differences(*other, c.Self.(*trace.View)) {
				t.Append(lua.LString(d))
			}
			c.Return(t)
			return nil
		}),
}

// settled are the packets of a trace that match, once the wires are idle.
func settled(c *vm.Call, a *asked) []*trace.Packet {
	session.Of(c).Settle()
	m := a.match(c)
	return m.Find(c.Self.(*trace.View))
}
