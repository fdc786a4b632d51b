//go:build linux

// Package reach has the verbs that ask whether and how a node is reached: ping,
// traceroute, the path MTU, names; and the datagram sockets below them.
package reach

import (
	"math"
	"net/netip"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/endpoint"
	"netrepro/engine/script/kind"
	"netrepro/engine/script/vm"
	"netrepro/engine/script/world"
	"netrepro/engine/sonde"
)

// kWhom is a node or an address.
var kWhom = &vm.Kind{Name: "node or address", Type: "Host|Router|string", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	if n, ok := vm.As(x, world.Host, world.Router); ok {
		return n, nil
	}
	if s, ok := x.(lua.LString); ok {
		if a, err := netip.ParseAddr(string(s)); err == nil {
			return a, nil
		}
	}
	return nil, kind.Wrong(x, "a node or an address", `write net.NAME or "192.0.2.1"`)
}}

var optIP = kind.Opt("ip", kind.Int("IP version", 4, 6, "write 4 or 6"), "the IP version, where there are two; 4 unless said")

// whom is the address that option name means.
func whom(c *vm.Call, name string) (netip.Addr, error) {
	switch x := c.Args[name].(type) {
	case netip.Addr:
		return x, nil
	case *world.Node:
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

var optFrom = kind.Opt("from_addr", kind.String, "source address; the kernel's choice unless said")

var pingVerb = &vm.Method{Name: "ping", Doc: "Sends ICMP echo requests, one after the other, and returns what came of them: sent, received, lost, min, avg, max, and replies, a table each.",
	Example: `local p = client:ping { to = server, count = 3 }`, Returns: "table", Phase: vm.Running, First: "to",
	Options: []vm.Option{
		kind.Need("to", kWhom, "a node or an address"),
		kind.OptDef("count", kind.Int("count", 1, 100000, "write a whole number"), "1", "how many"),
		kind.OptDef("size", kind.Int("size", 1, 65507, "1 to 65507 bytes"), "56", "bytes of ICMP payload"),
		kind.OptDef("interval", kind.Duration, "0s", "between an answer and the next"),
		kind.Opt("ttl", kind.Int("TTL", 1, 255, "1 to 255"), "time to live"),
		kind.Opt("tos", kind.Int("TOS", 0, 255, "0 to 255"), "DSCP and ECN bits"),
		kind.Opt("df", kDF, `true keeps packets whole and heeds the path MTU that is known; "probe" does not heed it`),
		kind.OptDef("timeout", kind.Duration, "1s", "for each"),
		optIP, optFrom,
	},
	Fn: func(c *vm.Call) error {
		n := c.Self.(*world.Node)
		to, from, err := route(c)
		if err != nil {
			return err
		}
		p := sonde.Ping{To: to, From: from, Count: vm.ArgOr(c, "count", 1), Size: vm.ArgOr(c, "size", 56), Interval: vm.ArgOr(c, "interval", time.Duration(0)),
			Timeout: vm.ArgOr(c, "timeout", time.Second), ID: n.Run.Number()}
		if ttl, ok := vm.Arg[int](c, "ttl"); ok {
			p.Options = sonde.WithTTL(p.Options, ttl)
		}
		if tos, ok := vm.Arg[int](c, "tos"); ok {
			p.Options.Set = append(p.Options.Set, endpoint.Setting{Option: endpoint.OptionOf("tos"), Int: tos})
		}
		if df, ok := vm.Arg[string](c, "df"); ok {
			p.Options = sonde.WithDF(p.Options, df == "do")
		}
		var rs []sonde.Reply
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
		return world.Over(c)
	}}

var kDF = &vm.Kind{Name: "don't fragment", Type: `true|"probe"`, Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	switch x {
	case lua.LTrue:
		return "do", nil
	case lua.LString("probe"):
		return "probe", nil
	}
	return nil, kind.Wrong(x, "true or \"probe\"", "leave it out to let packets be fragmented")
}}

func replyTable(c *vm.Call, r *sonde.Reply) *lua.LTable {
	t := c.L.NewTable()
	t.RawSetString("seq", lua.LNumber(r.Seq))
	if r.Err != "" {
		t.RawSetString("error", lua.LString(r.Err))
	}
	if r.From.IsValid() {
		t.RawSetString("from", lua.LString(r.From.String()))
		t.RawSetString("node", lua.LString(world.Of(c).Lab.Trace.Name(r.From)))
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
	Example: `for i, hop in ipairs(client:traceroute { to = server, by = "tcp" }) do print(i, hop.node, hop.loss) end`, Returns: "table[]", Phase: vm.Running, First: "to",
	Options: []vm.Option{
		kind.Need("to", kWhom, "a node or an address"),
		kind.OptDef("by", kind.Enum("way", sonde.ByUDP, sonde.ByICMP, sonde.ByTCP), "udp", "what is sent"),
		kind.Opt("port", kind.Port, "33434 of UDP, 443 of TCP unless said"),
		kind.OptDef("tries", kind.Int("count", 1, 100, "1 to 100"), "3", "at each hop"),
		kind.OptDef("hops", kind.Int("count", 1, 64, "1 to 64"), "30", "at most"),
		kind.Opt("vary", kind.Bool, "another port for each probe, so that ECMP sends them over all its next hops"),
		kind.OptDef("timeout", kind.Duration, "1s", "for each"),
		optIP, optFrom,
	},
	Fn: func(c *vm.Call) error {
		n := c.Self.(*world.Node)
		to, from, err := route(c)
		if err != nil {
			return err
		}
		p := sonde.Trace{To: to, From: from, By: vm.ArgOr(c, "by", ""), Port: vm.ArgOr(c, "port", 0), Tries: vm.ArgOr(c, "tries", 0), Hops: vm.ArgOr(c, "hops", 0),
			Vary: vm.ArgOr(c, "vary", false), Timeout: vm.ArgOr(c, "timeout", time.Second), ID: n.Run.Number()}
		var hops []sonde.Hop
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
		return world.Over(c)
	}}

func hopTable(c *vm.Call, h *sonde.Hop) *lua.LTable {
	t := c.L.NewTable()
	names, replies := c.L.NewTable(), c.L.NewTable()
	for _, a := range h.Siblings {
		names.Append(lua.LString(world.Of(c).Lab.Trace.Name(a)))
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
	Example: `expect(client:path_mtu(server).mtu):equals(1400)`, Returns: "table", Phase: vm.Running, First: "to",
	Options: []vm.Option{
		kind.Need("to", kWhom, "a node or an address"),
		kind.Opt("first", kind.Int("size", 68, 65535, "68 to 65535 bytes"), "the largest that is tried; the MTU of its own device unless said"),
		kind.OptDef("timeout", kind.Duration, "300ms", "for each size"),
		optIP,
	},
	Fn: func(c *vm.Call) error {
		n := c.Self.(*world.Node)
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
		var m sonde.MTU
		c.VM.Block(func() {
			m, err = sonde.PathMTU(c.VM.Context(), n.Endpoints, to, first, vm.ArgOr(c, "timeout", 300*time.Millisecond), n.Run.Number())
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
		return world.Over(c)
	}}

var tcpPingVerb = &vm.Method{Name: "tcp_ping", Doc: "Opens TCP connections one after the other and closes each at once. Returns a table for each: time, or error.",
	Example: `expect(client:tcp_ping({ to = server, port = 443 })[1].error):is_nil()`, Returns: "table[]", Phase: vm.Running,
	Options: []vm.Option{
		kind.Need("to", kWhom, "a node or an address"), kind.Need("port", kind.Port, "where to"),
		kind.OptDef("count", kind.Int("count", 1, 100000, "write a whole number"), "1", "how many"),
		kind.OptDef("interval", kind.Duration, "0s", "between two"),
		kind.OptDef("timeout", kind.Duration, "1s", "for each"),
		optIP, optFrom,
	},
	Fn: func(c *vm.Call) error {
		n := c.Self.(*world.Node)
		to, from, err := route(c)
		if err != nil {
			return err
		}
		spec := endpoint.DialSpec{To: netip.AddrPortFrom(to, uint16(c.Args["port"].(int))), From: from}
		var got []sonde.Connect
		c.VM.Block(func() {
			got = sonde.Connects(c.VM.Context(), n.Endpoints, spec, vm.ArgOr(c, "count", 1), vm.ArgOr(c, "interval", time.Duration(0)), vm.ArgOr(c, "timeout", time.Second))
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
		return world.Over(c)
	}}

// Verbs of nodes, and the classes of what they return.
var (
	Verbs   = slices.Concat([]*vm.Method{pingVerb, traceVerb, mtuVerb, tcpPingVerb}, nameVerbs, datagramVerbs)
	Classes = []*vm.Class{dnsClass, datagramClass}
)
