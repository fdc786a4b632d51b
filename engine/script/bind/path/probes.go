//go:build linux

// Package path has the verbs that ask whether and how a node is reached: ping,
// traceroute, the path MTU, names; and the datagram sockets below them.
package path

import (
	"math"
	"net/netip"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/pathprobe"
	"netrepro/engine/host/socket"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// kWhom is a node or an address.
var kWhom = &vm.Kind{Name: "node or address", Type: "Host|Router|string", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	if n, ok := vm.As(x, session.Host, session.Router); ok {
		return n, nil
	}
	if s, ok := x.(lua.LString); ok {
		if a, err := netip.ParseAddr(string(s)); err == nil {
			return a, nil
		}
	}
	return nil, args.Wrong(x, "a node or an address", `write net.NAME or "192.0.2.1"`)
}}

var optIP = args.Opt("ip", args.Int("IP version", 4, 6, "write 4 or 6"), "the IP version, where there are two; 4 unless said")

// whom is the address that option name means.
func whom(c *vm.Call, name string) (netip.Addr, error) {
	switch x := c.Args[name].(type) {
	case netip.Addr:
		return x, nil
	case *session.Node:
		if v, ok := vm.Arg[int](c, "ip"); ok {
			a := x.Address(v == 6)
			if !a.IsValid() {
				return a, c.Fail("ip", `write ip = "dual" in the topology to have both`, "%s has no IPv%d address", x.Name, v)
			}
			return a, nil
		}
		return x.Primary(), nil
	}
	return netip.Addr{}, nil
}

// source is the address that option from means, invalid if it was not given.
func source(c *vm.Call) (netip.Addr, error) {
	text, ok := vm.Arg[string](c, "from_addr")
	if !ok {
		return netip.Addr{}, nil
	}
	a, err := netip.ParseAddr(text)
	if err != nil {
		return a, c.Fail(text, `write it like "192.0.2.1"`, "from_addr: %q is not an address", text)
	}
	return a, nil
}

// route is whom c is about and where it is sent from, invalid where it does not
// say.
func route(c *vm.Call) (to, from netip.Addr, err error) {
	if to, err = whom(c, "to"); err == nil {
		from, err = source(c)
	}
	return to, from, err
}

var optFrom = args.Opt("from_addr", args.String, "source address; the kernel's choice unless said")

var pingVerb = &vm.Method{Name: "ping", Doc: "Sends ICMP echo requests, one after the other, and returns what came of them: sent, received, lost, min, avg, max, and replies, a table each.",
	Example: `local p = client:ping { to = server, count = 3 }`, Returns: "PingResult", Phase: vm.Running, First: "to",
	Options: []vm.Option{
		args.Need("to", kWhom, "a node or an address"),
		args.OptDef("count", args.Int("count", 1, 100000, "write a whole number"), "1", "how many"),
		args.OptDef("size", args.Int("size", 1, 65507, "1 to 65507 bytes"), "56", "bytes of ICMP payload"),
		args.OptDef("interval", args.Duration, "0s", "between an answer and the next"),
		args.Opt("ttl", args.Int("TTL", 1, 255, "1 to 255"), "time to live"),
		args.Opt("tos", args.Int("TOS", 0, 255, "0 to 255"), "DSCP and ECN bits"),
		args.Opt("df", kDF, `true keeps packets whole and heeds the path MTU that is known; "probe" does not heed it`),
		args.OptDef("timeout", args.Duration, "1s", "for each"),
		optIP, optFrom,
	},
	Fn: func(c *vm.Call) error {
		n := c.Self.(*session.Node)
		to, from, err := route(c)
		if err != nil {
			return err
		}
		p := pathprobe.Ping{To: to, From: from, Count: vm.ArgOr(c, "count", 1), Size: vm.ArgOr(c, "size", 56), Interval: vm.ArgOr(c, "interval", time.Duration(0)),
			Timeout: vm.ArgOr(c, "timeout", time.Second), ID: n.Run.Number()}
		if ttl, ok := vm.Arg[int](c, "ttl"); ok {
			p.Options = pathprobe.WithTTL(p.Options, ttl)
		}
		if tos, ok := vm.Arg[int](c, "tos"); ok {
			p.Options.Set = append(p.Options.Set, socket.Setting{Option: socket.OptionOf("tos"), Int: tos})
		}
		if df, ok := vm.Arg[string](c, "df"); ok {
			p.Options = pathprobe.WithDF(p.Options, df == "do")
		}
		var rs []pathprobe.Reply
		c.VM.Block(func() { rs, err = p.Run(c.VM.Context(), n.Endpoints) })
		if err != nil {
			return err
		}
		t := c.L.NewTable()
		list := c.L.NewTable()
		got, least, most, sum := 0, math.Inf(1), 0.0, 0.0
		for i := range rs {
			list.Append(replyTable(c, &rs[i]))
			if rs[i].OK() {
				got++
				s := rs[i].RTT.Seconds()
				least, most, sum = min(least, s), max(most, s), sum+s
			}
		}
		t.RawSetString("replies", list)
		for name, v := range map[string]int{"sent": len(rs), "received": got, "lost": len(rs) - got} {
			t.RawSetString(name, lua.LNumber(v))
		}
		if got > 0 {
			for name, v := range map[string]float64{"min": least, "avg": sum / float64(got), "max": most} {
				t.RawSetString(name, lua.LNumber(v))
			}
		}
		c.Return(t)
		return session.Over(c)
	}}

var kDF = &vm.Kind{Name: "don't fragment", Type: `true|"probe"`, Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	switch x {
	case lua.LTrue:
		return "do", nil
	case lua.LString("probe"):
		return "probe", nil
	}
	return nil, args.Wrong(x, "true or \"probe\"", "leave it out to let packets be fragmented")
}}

func replyTable(c *vm.Call, r *pathprobe.Reply) *lua.LTable {
	t := c.L.NewTable()
	t.RawSetString("seq", lua.LNumber(r.Seq))
	if r.Err != "" {
		t.RawSetString("error", lua.LString(r.Err))
	}
	if r.From.IsValid() {
		t.RawSetString("from", lua.LString(r.From.String()))
		t.RawSetString("node", lua.LString(session.Of(c).Lab.Trace.Name(r.From)))
		t.RawSetString("time", lua.LNumber(r.RTT.Seconds()))
	}
	if r.Type >= 0 {
		t.RawSetString("type", lua.LNumber(r.Type))
		t.RawSetString("code", lua.LNumber(r.Code))
	}
	if r.TTL > 0 {
		t.RawSetString("ttl", lua.LNumber(r.TTL))
	}
	if r.MTU > 0 {
		t.RawSetString("mtu", lua.LNumber(r.MTU))
	}
	return t
}

var traceVerb = &vm.Method{Name: "traceroute", Doc: "Traces the path to a node, as mtr shows it: a table for each hop with node, from, loss, best, avg, worst, siblings and replies; reached says that the last is the target.",
	Example: `for i, hop in ipairs(client:traceroute { to = server, by = "tcp" }) do print(i, hop.node, hop.loss) end`, Returns: "Hops", Phase: vm.Running, First: "to",
	Options: []vm.Option{
		args.Need("to", kWhom, "a node or an address"),
		args.OptDef("by", args.Enum("way", pathprobe.ByUDP, pathprobe.ByICMP, pathprobe.ByTCP), "udp", "what is sent"),
		args.Opt("port", args.Port, "33434 of UDP, 443 of TCP unless said"),
		args.OptDef("tries", args.Int("count", 1, 100, "1 to 100"), "3", "at each hop"),
		args.OptDef("hops", args.Int("count", 1, 64, "1 to 64"), "30", "at most"),
		args.Opt("vary", args.Bool, "another port for each probe, so that ECMP sends them over all its next hops"),
		args.OptDef("timeout", args.Duration, "1s", "for each"),
		optIP, optFrom,
	},
	Fn: func(c *vm.Call) error {
		n := c.Self.(*session.Node)
		to, from, err := route(c)
		if err != nil {
			return err
		}
		p := pathprobe.Trace{To: to, From: from, By: vm.ArgOr(c, "by", ""), Port: vm.ArgOr(c, "port", 0), Tries: vm.ArgOr(c, "tries", 0), Hops: vm.ArgOr(c, "hops", 0),
			Vary: vm.ArgOr(c, "vary", false), Timeout: vm.ArgOr(c, "timeout", time.Second), ID: n.Run.Number()}
		var hops []pathprobe.Hop
		c.VM.Block(func() { hops, err = p.Run(c.VM.Context(), n.Endpoints) })
		if err != nil {
			return err
		}
		t := c.L.NewTable()
		for i := range hops {
			t.Append(hopTable(c, &hops[i]))
		}
		t.RawSetString("reached", lua.LBool(len(hops) > 0 && hops[len(hops)-1].Reached))
		c.Return(t)
		return session.Over(c)
	}}

func hopTable(c *vm.Call, h *pathprobe.Hop) *lua.LTable {
	t := c.L.NewTable()
	names, replies := c.L.NewTable(), c.L.NewTable()
	for _, a := range h.Siblings {
		names.Append(lua.LString(session.Of(c).Lab.Trace.Name(a)))
	}
	for i := range h.Replies {
		replies.Append(replyTable(c, &h.Replies[i]))
	}
	t.RawSetString("ttl", lua.LNumber(h.TTL))
	t.RawSetString("siblings", names)
	t.RawSetString("replies", replies)
	t.RawSetString("loss", lua.LNumber(float64(h.Lost)/float64(len(h.Replies))))
	t.RawSetString("reached", lua.LBool(h.Reached))
	if len(h.Siblings) > 0 {
		t.RawSetString("from", lua.LString(h.Siblings[0].String()))
		t.RawSetString("node", names.RawGetInt(1))
		for name, d := range map[string]time.Duration{"best": h.Best, "avg": h.Mean, "worst": h.Worst} {
			t.RawSetString(name, lua.LNumber(d.Seconds()))
		}
	}
	return t
}

var mtuVerb = &vm.Method{Name: "path_mtu", Doc: "Finds the path MTU to a node by echo requests that must not be fragmented. Returns a table: mtu, nil if nothing is answered; told, whether the narrow place says so, and node, which it is; black_hole, if larger packets vanish.",
	Example: `expect(client:path_mtu(server).mtu):equals(1400)`, Returns: "PathMTU", Phase: vm.Running, First: "to",
	Options: []vm.Option{
		args.Need("to", kWhom, "a node or an address"),
		args.Opt("first", args.Int("size", 68, 65535, "68 to 65535 bytes"), "the largest that is tried; the MTU of its own device unless said"),
		args.OptDef("timeout", args.Duration, "300ms", "for each size"),
		optIP,
	},
	Fn: func(c *vm.Call) error {
		n := c.Self.(*session.Node)
		to, err := whom(c, "to")
		if err != nil {
			return err
		}
		first := vm.ArgOr(c, "first", 0)
		for _, f := range n.Ifaces {
			if _, given := c.Args["first"]; !given {
				first = max(first, f.MTU)
			}
		}
		var m pathprobe.MTU
		c.VM.Block(func() {
			m, err = pathprobe.PathMTU(c.VM.Context(), n.Endpoints, to, first, vm.ArgOr(c, "timeout", 300*time.Millisecond), n.Run.Number())
		})
		if err != nil {
			return err
		}
		t := c.L.NewTable()
		if m.Bytes > 0 {
			t.RawSetString("mtu", lua.LNumber(m.Bytes))
		}
		t.RawSetString("told", lua.LBool(m.Told))
		t.RawSetString("black_hole", lua.LBool(m.Bytes > 0 && m.Bytes < first && !m.Told))
		t.RawSetString("tries", lua.LNumber(m.Tries))
		if m.From.IsValid() {
			t.RawSetString("node", lua.LString(n.Run.Lab.Trace.Name(m.From)))
		}
		c.Return(t)
		return session.Over(c)
	}}

var tcpPingVerb = &vm.Method{Name: "tcp_ping", Doc: "Opens TCP connections one after the other and closes each at once. Returns a table for each: time, or error.",
	Example: `expect(client:tcp_ping({ to = server, port = 443 })[1].error):is_nil()`, Returns: "Connect[]", Phase: vm.Running,
	Options: []vm.Option{
		args.Need("to", kWhom, "a node or an address"), args.Need("port", args.Port, "where to"),
		args.OptDef("count", args.Int("count", 1, 100000, "write a whole number"), "1", "how many"),
		args.OptDef("interval", args.Duration, "0s", "between two"),
		args.OptDef("timeout", args.Duration, "1s", "for each"),
		optIP, optFrom,
	},
	Fn: func(c *vm.Call) error {
		n := c.Self.(*session.Node)
		to, from, err := route(c)
		if err != nil {
			return err
		}
		spec := socket.DialSpec{To: netip.AddrPortFrom(to, uint16(c.Args["port"].(int))), From: from}
		var got []pathprobe.Connect
		c.VM.Block(func() {
			got = pathprobe.Connects(c.VM.Context(), n.Endpoints, spec, vm.ArgOr(c, "count", 1), vm.ArgOr(c, "interval", time.Duration(0)), vm.ArgOr(c, "timeout", time.Second))
		})
		t := c.L.NewTable()
		for _, g := range got {
			r := c.L.NewTable()
			r.RawSetString("time", lua.LNumber(g.Time.Seconds()))
			if g.Err != "" {
				r.RawSetString("error", lua.LString(g.Err))
			}
			t.Append(r)
		}
		c.Return(t)
		return session.Over(c)
	}}

// Verbs of nodes, and the classes of what they return.
var (
	Verbs   = slices.Concat([]*vm.Method{pingVerb, traceVerb, mtuVerb, tcpPingVerb}, nameVerbs, datagramVerbs)
	Classes = []*vm.Class{dnsClass, datagramClass}
)
