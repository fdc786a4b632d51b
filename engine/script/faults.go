//go:build linux

package script

import (
	"fmt"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/fault"
	"netrepro/engine/firewall"
	"netrepro/engine/script/vm"
	"netrepro/engine/topo"
	"netrepro/engine/trace"
)

func durationOf(x any) time.Duration {
	d, _ := x.(time.Duration)
	return d
}

// liveWire is a wire as scripts see it.
type liveWire struct {
	run  *run
	plan *topo.WirePlan
}

// arm makes a fault known, so that it is missed if it never fires.
func (r *run) arm(c *vm.Call, h fault.Handle) {
	r.faults = append(r.faults, h)
	c.Return(c.VM.New(faultClass, h))
}

var (
	optOptional = optDef("optional", kBool, "false", "it may stay unused; otherwise a fault that never fires fails the case")
	optName     = opt("name", kString, "shown in the trace and in messages")
)

var wireDropVerb = &vm.Method{Name: "drop", Doc: "Drops the packets that match. Counted per connection, in order of arrival at this wire.",
	Example: `net.wan:drop { from = net.server, tcp = "data", nth = 3 }`, Returns: "Fault", Phase: vm.Running,
	Options: append(slices.Clone(matchOptions),
		opt("nth", kInt("number", 1, 1<<31, "the first packet is number 1"), "the first packet hit, from 1"),
		opt("times", kInt("number", 1, 1<<31, "write a whole number"), "how many in a row; 1 with nth, all without"),
		optName, optOptional),
	Fn: func(c *vm.Call) error {
		w := c.Self.(*liveWire)
		live := w.run.lab.Relay.Wire(w.plan.Name)
		if live == nil {
			return c.Fail("drop", "leave direct out of the wire", "wire %q is direct: its frames do not pass through the engine", w.plan.Name)
		}
		d := fault.NewDrop(fault.Spec{Match: matchOf(c.Args), Nth: vm.ArgOr(c, "nth", 0), Times: vm.ArgOr(c, "times", 0),
			Name: vm.ArgOr(c, "name", ""), Optional: vm.ArgOr(c, "optional", false), Where: w.plan.Name, Line: c.Line})
		live.AddFault(d)
		w.run.arm(c, d)
		return nil
	}}

var wireClass = &vm.Class{Name: "Wire", Doc: "A link between two nodes.", Methods: []*vm.Method{wireDropVerb},
	Fields: []*vm.Field{
		{Name: "name", Type: "string", Doc: "Its name.", Get: func(_ *vm.VM, x any) (lua.LValue, error) { return lua.LString(x.(*liveWire).plan.Name), nil }},
		{Name: "delay", Type: "number", Doc: "One way, in seconds.", Get: func(_ *vm.VM, x any) (lua.LValue, error) {
			return lua.LNumber(x.(*liveWire).plan.Delay.Seconds()), nil
		}},
	},
	String: func(x any) string { return "wire " + x.(*liveWire).plan.Name }}

// ruleHandle is a firewall rule as a fault.
type ruleHandle struct {
	rule     *firewall.Rule
	name     string
	optional bool
	line     int
}

func (h *ruleHandle) Hits() (int, error) { return h.rule.Hits() }
func (h *ruleHandle) First() *trace.Hit  { return nil }
func (h *ruleHandle) String() string     { return h.name }
func (h *ruleHandle) Line() int          { return h.line }

func (h *ruleHandle) Idle() (bool, error) {
	n, err := h.Hits()
	return n == 0 && !h.optional, err
}

// armRule arms a rule that add installs.
func (n *node) armRule(c *vm.Call, name string, rule *firewall.Rule, err error) error {
	if err != nil {
		return c.Fail("", `the kernel must have nftables: say needs = { "nftables" } to skip where it has not`, "%v", err)
	}
	n.run.arm(c, &ruleHandle{rule: rule, name: vm.ArgOr(c, "name", n.Name+":"+name), optional: vm.ArgOr(c, "optional", false), line: c.Line})
	return nil
}

var nodeDropVerb = &vm.Method{Name: "drop", Doc: "Drops packets on this node, as a firewall does.", Example: `edge:drop { out = true, icmp = "frag-needed" }`,
	Returns: "Fault", Phase: vm.Running,
	Options: []vm.Option{
		optDef("out", kBool, "false", "what this node sends"),
		optDef("fwd", kBool, "false", "what it passes on"),
		optDef("in", kBool, "false", "what is for itself"),
		opt("icmp", kICMP, "an ICMP message"),
		opt("tcp", kPort, "TCP to this port"),
		opt("udp", kPort, "UDP to this port"),
		optName, optOptional,
	},
	Fn: func(c *vm.Call) error {
		s := firewall.DropSpec{ICMP: vm.ArgOr(c, "icmp", ""), TCP: vm.ArgOr(c, "tcp", 0), UDP: vm.ArgOr(c, "udp", 0)}
		for _, h := range []firewall.Hook{firewall.Out, firewall.Fwd, firewall.In} {
			if !vm.ArgOr(c, string(h), false) {
				continue
			}
			if s.Hook != "" {
				return c.Fail(string(h), "write one drop for each", "drop looks in one place: %s or %s", s.Hook, h)
			}
			s.Hook = h
		}
		if s.Hook == "" {
			return c.Fail("drop", "write out = true for what the node sends, fwd = true for what it passes on, in = true for what is for itself", "drop does not say where to look")
		}
		what := []any{s.ICMP, s.TCP, s.UDP}
		if n := len(slices.DeleteFunc(what, func(x any) bool { return x == "" || x == 0 })); n > 1 {
			return c.Fail("drop", "write one drop for each", "drop matches one of icmp, tcp and udp")
		}
		n := c.Self.(*node)
		rule, err := n.fw.Drop(s)
		return n.armRule(c, fmt.Sprintf("drop { %s, %s }", s.Hook, dropped(s)), rule, err)
	}}

func dropped(s firewall.DropSpec) string {
	switch {
	case s.ICMP != "":
		return fmt.Sprintf("icmp = %q", s.ICMP)
	case s.TCP != 0:
		return fmt.Sprintf("tcp = %d", s.TCP)
	case s.UDP != 0:
		return fmt.Sprintf("udp = %d", s.UDP)
	}
	return "everything"
}

var redirectVerb = &vm.Method{Name: "redirect", Doc: "Sends TCP connections to one port on to another port of this node, as REDIRECT does.",
	Example: `gateway:redirect { tcp = 443, to = 8443 }`, Returns: "Fault", Phase: vm.Running,
	Options: []vm.Option{need("tcp", kPort, "the port they are for"), need("to", kPort, "the port they get"), optName, optOptional},
	Fn: func(c *vm.Call) error {
		n, from, to := c.Self.(*node), c.Args["tcp"].(int), c.Args["to"].(int)
		rule, err := n.fw.Redirect(from, to)
		return n.armRule(c, fmt.Sprintf("redirect { tcp = %d, to = %d }", from, to), rule, err)
	}}

var clampVerb = &vm.Method{Name: "clamp_mss", Doc: "Rewrites the MSS of connections that pass: to a number, or to what the path takes.",
	Example: `edge:clamp_mss "path"`, Returns: "Fault", Phase: vm.Running, First: "mss",
	Options: []vm.Option{
		need("mss", &vm.Kind{Name: "MSS", Type: `"path"|integer`, Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
			if x == lua.LString("path") {
				return 0, nil
			}
			if n, ok := x.(lua.LNumber); ok && n >= 48 && n <= 65495 && float64(n) == float64(int(n)) {
				return int(n), nil
			}
			return nil, wrong(x, "an MSS", `write "path", or a number from 48 to 65495`)
		}}, `"path" or bytes`),
		optName, optOptional,
	},
	Fn: func(c *vm.Call) error {
		n := c.Self.(*node)
		rule, err := n.fw.ClampMSS(c.Args["mss"].(int))
		return n.armRule(c, "clamp_mss", rule, err)
	}}

var faultClass = &vm.Class{Name: "Fault", Doc: "A rule that breaks something, and what it hit.",
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
