//go:build linux

package path

import (
	"math"
	"net/netip"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/pathprobe"
	"netrepro/engine/host/socket"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// ping are the arguments of ping.
type ping struct {
	route
	pathprobe.Ping
	ttl, tos *int
	df       string
}

var (
	kCount    = args.Int("count", 1, 100000, "write a whole number")
	kEchoSize = args.Int("size", 1, 65507, "1 to 65507 bytes")
	kTTL      = args.Int("TTL", 1, 255, "1 to 255")
	kTOS      = args.Int("TOS", 0, 255, "0 to 255")
)

var pingVerb = vm.Verb(vm.Method{Name: "ping", Doc: "Sends ICMP echo requests, one after the other, and returns what " +
	"came of them: sent, received, lost, min, avg, max, and replies, a table each.",
	Example: `local p = client:ping { to = server, count = 3 }`, Returns: "PingResult", Phase: vm.Running, First: "to"},
	func(a *ping) []vm.Argument {
		return []vm.Argument{
			toOption(&a.to),
			kCount.Def(&a.Count, "count", "1", "how many"),
			kEchoSize.Def(&a.Size, "size", "56", "bytes of ICMP payload"),
			args.Duration.Def(&a.Interval, "interval", "0s", "between an answer and the next"),
			kTTL.Maybe(&a.ttl, "ttl", "time to live"),
			kTOS.Maybe(&a.tos, "tos", "DSCP and ECN bits"),
			kDF.Opt(&a.df, "df",
				`true sets DF and obeys the path MTU that is known; "probe" sets DF and ignores it`),
			args.Duration.Def(&a.Timeout, "timeout", "1s", "for each"),
			ipOption(&a.ip), fromOption(&a.from),
		}
	},
	func(c *vm.Call, a *ping) error {
		n := c.Self.(*session.Node)
		to, from, err := a.addresses(c)
		if err != nil {
			return err
		}
		p := a.Ping
		p.To, p.From, p.ID = to, from, n.Run.Number()
		if a.ttl != nil {
			p.Options = pathprobe.WithTTL(p.Options, *a.ttl)
		}
		if a.tos != nil {
			p.Options.Set = append(p.Options.Set, socket.Setting{Option: socket.OptionOf("tos"), Int: *a.tos})
		}
		if a.df != "" {
			p.Options = pathprobe.WithDF(p.Options, a.df == "do")
		}
		var rs []pathprobe.Reply
		c.VM.Block(func() { rs, err = p.Run(c.VM.Context(), n.Endpoints) })
		if err != nil {
			return err
		}
		c.Return(pingTable(c, rs))
		return session.Over(c)
	})

func pingTable(c *vm.Call, rs []pathprobe.Reply) *lua.LTable {
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
	return t
}

var kDF = vm.NewKind("don't fragment", `true|"probe"`, func(_ *vm.Call, x lua.LValue) (string, error) {
	switch x {
	case lua.LTrue:
		return "do", nil
	case lua.LString("probe"):
		return "probe", nil
	}
	return "", args.Wrong(x, "true or \"probe\"", "leave it out to let packets be fragmented")
})

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

// connects are the arguments of tcp_ping.
type connects struct {
	route
	port, count       int
	interval, timeout time.Duration
}

var tcpPingVerb = vm.Verb(vm.Method{Name: "tcp_ping",
	Doc: "Opens TCP connections one after the other and closes each at once. Returns a table for each: " +
		"time, or error.",
	Example: `expect(client:tcp_ping({ to = server, port = 443 })[1].error):is_nil()`, Returns: "Connect[]",
	Phase: vm.Running},
	func(a *connects) []vm.Argument {
		return []vm.Argument{
			toOption(&a.to), args.Port.Need(&a.port, "port", "where to"),
			kCount.Def(&a.count, "count", "1", "how many"),
			args.Duration.Def(&a.interval, "interval", "0s", "between two"),
			args.Duration.Def(&a.timeout, "timeout", "1s", "for each"),
			ipOption(&a.ip), fromOption(&a.from),
		}
	},
	func(c *vm.Call, a *connects) error {
		to, from, err := a.addresses(c)
		if err != nil {
			return err
		}
		spec := socket.DialSpec{To: netip.AddrPortFrom(to, uint16(a.port)), From: from}
		h := c.Self.(*session.Node).Endpoints
		var got []pathprobe.Connect
		c.VM.Block(func() { got = pathprobe.Connects(c.VM.Context(), h, spec, a.count, a.interval, a.timeout) })
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
	})
