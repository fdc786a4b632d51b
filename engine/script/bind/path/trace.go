//go:build linux

package path

import (
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/pathprobe"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// traceroute are the arguments of traceroute.
type traceroute struct {
	route
	pathprobe.Trace
}

var (
	kWay   = args.Enum("way", pathprobe.ByUDP, pathprobe.ByICMP, pathprobe.ByTCP)
	kTries = args.Int("count", 1, 100, "1 to 100")
	kHops  = args.Int("count", 1, 64, "1 to 64")
)

var traceVerb = vm.Verb(vm.Method{Name: "traceroute",
	Doc: "Traces the path to a node, as mtr shows it: a table for each hop " +
		"with node, from, loss, best, avg, worst, siblings and replies; reached says that the last is the target.",
	Example: `for i, hop in ipairs(client:traceroute { to = server, by = "tcp" }) do print(i, hop.node, hop.loss) end`,
	Returns: "Hops", Phase: vm.Running, First: "to"},
	func(a *traceroute) []vm.Argument {
		return []vm.Argument{
			toOption(&a.to),
			kWay.Def(&a.By, "by", "udp", "what is sent"),
			args.Port.Opt(&a.Port, "port", "by default 33434 for UDP and 443 for TCP"),
			kTries.Def(&a.Tries, "tries", "3", "at each hop"),
			kHops.Def(&a.Hops, "hops", "30", "at most"),
			args.Bool.Opt(&a.Vary, "vary",
				"another port for each probe, so that ECMP sends them over all its next hops"),
			args.Duration.Def(&a.Timeout, "timeout", "1s", "for each"),
			ipOption(&a.ip), fromOption(&a.from),
		}
	},
	func(c *vm.Call, a *traceroute) error {
		n := c.Self.(*session.Node)
		to, from, err := a.addresses(c)
		if err != nil {
			return err
		}
		p := a.Trace
		p.To, p.From, p.ID = to, from, n.Run.Number()
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
	})

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

// pathMTU are the arguments of path_mtu.
type pathMTU struct {
	to      whom
	ip      *int
	first   *int
	timeout time.Duration
}

var kPathMTU = args.Int("size", 68, 65535, "68 to 65535 bytes")

var mtuVerb = vm.Verb(vm.Method{Name: "path_mtu",
	Doc: "Finds the path MTU to a node by echo requests that must not be " +
		"fragmented. Returns a table: mtu, nil if nothing is answered; told, whether the narrow place says so, " +
		"and node, " +
		"which it is; black_hole, if larger packets vanish. What the path says, the host learns: TCP then sends " +
		"smaller segments, and a transfer that should hang does not. So measure after it, or from another host.",
	Example: `expect(client:path_mtu(server).mtu):equals(1400)`, Returns: "PathMTU", Phase: vm.Running, First: "to"},
	func(a *pathMTU) []vm.Argument {
		return []vm.Argument{
			toOption(&a.to),
			kPathMTU.Maybe(&a.first, "first", "the largest size that is tried; by default the MTU of its own device"),
			args.Duration.Def(&a.timeout, "timeout", "300ms", "for each size"),
			ipOption(&a.ip),
		}
	},
	func(c *vm.Call, a *pathMTU) error {
		n := c.Self.(*session.Node)
		to, err := a.to.address(c, a.ip)
		if err != nil {
			return err
		}
		widest := 0
		for _, f := range n.Ifaces {
			widest = max(widest, f.MTU)
		}
		first := vm.Or(a.first, widest)
		var m pathprobe.MTU
		c.VM.Block(func() {
			m, err = pathprobe.PathMTU(c.VM.Context(), n.Endpoints, to, first, a.timeout, n.Run.Number())
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
	})
