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
	"netrepro/engine/kernel/bpf"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// Fields of nodes.
var Fields = []*vm.Field{{Name: "counters", Type: "Counters",
	Doc: "The node's counters as they stand now, by the kernel's names: server.counters.TCPAbortOnClose. A node begins with all of them 0; one that only other kernels have is nil.",
	Get: func(v *vm.VM, x any) (lua.LValue, error) {
		c, err := kernel.ReadCounters(x.(*session.Node).NS)
		if err != nil {
			return nil, err
		}
		return v.New(countersClass, c), nil
	}}}

var countersClass = &vm.Class{Name: "Counters", What: "this kernel", Doc: "Counters of a node at one moment (/proc/net/netstat, snmp, snmp6, dev, nf_conntrack, softnet_stat).",
	Index: func(self any, name string) (lua.LValue, bool) {
		n, ok := self.(kernel.Counters)[name]
		if !ok && kernel.Counts(name) {
			return lua.LNil, true // other kernels have it
		}
		return lua.LNumber(n), ok
	},
	Names: func(self any) []string { return slices.Sorted(maps.Keys(self.(kernel.Counters))) },
	Methods: []*vm.Method{{Name: "since", Doc: "By how much each counter that moved has grown since another reading.", Example: `server.counters:since(before).TCPTimeouts`,
		Returns: "table<string,integer>", Params: []vm.Param{{Name: "before", Kind: kCounters, Doc: "what counters was before"}},
		Fn: func(c *vm.Call) error {
			t := c.L.NewTable()
			moved := c.Self.(kernel.Counters).Since(c.Args["before"].(kernel.Counters))
			for _, name := range slices.Sorted(maps.Keys(moved)) {
				if moved[name] != 0 {
					t.RawSetString(name, lua.LNumber(moved[name]))
				}
			}
			c.Return(t)
			return nil
		}}},
	String: func(x any) string { return fmt.Sprintf("%d counters", len(x.(kernel.Counters))) }}

var kCounters = &vm.Kind{Name: "counters", Type: "Counters"}

func init() { // the class refers to the kind
	kCounters.Parse = func(_ *vm.Call, x lua.LValue) (any, error) {
		if c, ok := vm.As(x, countersClass); ok {
			return c, nil
		}
		return nil, args.Wrong(x, "a reading of counters", "give what host.counters was before")
	}
}

// Verbs of nodes.
var Verbs = []*vm.Method{socketsVerb, eventsVerb}

// Classes of what the verbs return.
var Classes = []*vm.Class{countersClass}

var socketsVerb = &vm.Method{Name: "sockets", Doc: "The node's sockets that match, as the kernel lists them (sock_diag): a table each.",
	Example: `#server:sockets { state = "ESTABLISHED", port = 443 }`, Returns: "SocketState[]", Phase: vm.Running,
	Options: []vm.Option{
		args.Opt("state", args.String, `a state of TCP, as the kernel names it: "TIME_WAIT"`),
		args.Opt("proto", args.Enum("protocol", "tcp", "udp"), "tcp or udp"),
		args.Opt("port", args.Port, "either port"),
		args.Opt("sport", args.Port, "its own port"),
		args.Opt("dport", args.Port, "the peer's port"),
	},
	Fn: func(c *vm.Call) error {
		all, err := kernel.ReadSockets(c.Self.(*session.Node).NS)
		if err != nil {
			return err
		}
		t := c.L.NewTable()
		for i := range all {
			if wanted(c, &all[i]) {
				t.Append(socketTable(c, &all[i]))
			}
		}
		c.Return(t)
		return nil
	}}

func wanted(c *vm.Call, s *kernel.Socket) bool {
	port := func(name string, is ...uint16) bool {
		n, ok := vm.Arg[int](c, name)
		return !ok || slices.Contains(is, uint16(n))
	}
	return vm.ArgOr(c, "state", s.State) == s.State && vm.ArgOr(c, "proto", s.Proto) == s.Proto &&
		port("port", s.Local.Port(), s.Remote.Port()) && port("sport", s.Local.Port()) && port("dport", s.Remote.Port())
}

func socketTable(c *vm.Call, s *kernel.Socket) *lua.LTable {
	t := c.L.NewTable()
	set := func(name string, v lua.LValue) { t.RawSetString(name, v) }
	set("proto", lua.LString(s.Proto))
	set("state", lua.LString(s.State))
	set("addr", lua.LString(s.Local.Addr().String()))
	set("sport", lua.LNumber(s.Local.Port()))
	set("peer", lua.LString(s.Remote.Addr().String()))
	set("dport", lua.LNumber(s.Remote.Port()))
	set("recv_queue", lua.LNumber(s.RecvQueue))
	set("send_queue", lua.LNumber(s.SendQueue))
	set("retrans", lua.LNumber(s.Retrans))
	set("uid", lua.LNumber(s.UID))
	if s.Timer != "" {
		set("timer", lua.LString(s.Timer))
		set("expires", lua.LNumber(s.Expires.Seconds()))
	}
	if s.Owner != "" {
		set("owner", lua.LString(s.Owner))
		set("pid", lua.LNumber(s.Pid))
	}
	if i := s.Info; i != nil && s.State != "LISTEN" {
		set("rto", lua.LNumber(float64(i.Rto)/1e6))
		set("rtt", lua.LNumber(float64(i.Rtt)/1e6))
		set("snd_cwnd", lua.LNumber(i.Snd_cwnd))
		set("snd_mss", lua.LNumber(i.Snd_mss))
		set("unacked", lua.LNumber(i.Unacked))
		set("lost", lua.LNumber(i.Lost))
		set("backoff", lua.LNumber(i.Backoff))
		set("total_retrans", lua.LNumber(i.Total_retrans))
		set("bytes_acked", lua.LNumber(i.Bytes_acked))
		set("bytes_received", lua.LNumber(i.Bytes_received))
	}
	return t
}

// eventKinds are the kinds of event by the words of scripts.
var eventKinds = map[string]bpf.Kind{"reset": bpf.SendReset, "reset-received": bpf.ReceiveReset, "retransmit": bpf.Retransmit, "drop": bpf.Drop}

var eventsVerb = &vm.Method{Name: "events",
	Doc:     "What the node's kernel did, once the wires are idle: a table each, in order. nil where the kernel cannot be asked (net.evidence).",
	Example: `for _, e in ipairs(server:events { kind = "drop" }) do print(e.reason, e.func) end`, Returns: "KernelEvents?", Phase: vm.Running,
	Options: []vm.Option{
		args.Opt("kind", args.Enum("kind of event", slices.Sorted(maps.Keys(eventKinds))...), "what happened"),
		args.Opt("reason", args.String, "the kernel's reason, as in its enums without the prefix"),
		args.Opt("port", args.Port, "either port"),
		args.Opt("tcp", args.Bool, "of TCP only"),
	},
	Fn: func(c *vm.Call) error {
		r := session.Of(c)
		if r.Witness == nil {
			c.Return(lua.LNil)
			return nil
		}
		r.Settle()
		r.Hear()
		events, lost, err := r.Witness.Events()
		if err != nil {
			return fmt.Errorf("read what the kernel said: %w", err)
		}
		t := c.L.NewTable()
		for _, e := range events {
			if e.Node == c.Self.(*session.Node).Name && asked(c, e) {
				t.Append(eventTable(c, e))
			}
		}
		t.RawSetString("lost", lua.LNumber(lost))
		c.Return(t)
		return nil
	}}

func asked(c *vm.Call, e *kernel.Event) bool {
	from, to := e.Ends()
	if k, ok := vm.Arg[string](c, "kind"); ok && e.Kind != eventKinds[k] {
		return false
	}
	if p, ok := vm.Arg[int](c, "port"); ok && int(from.Port()) != p && int(to.Port()) != p {
		return false
	}
	if tcp, ok := vm.Arg[bool](c, "tcp"); ok && tcp != e.TCP() {
		return false
	}
	return vm.ArgOr(c, "reason", e.Reason) == e.Reason
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
