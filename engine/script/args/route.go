//go:build linux

package args

import (
	"net/netip"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/topology"
	"netrepro/engine/script/vm"
)

// Route is what a route says.
type Route struct {
	topology.Route
	via via
}

// Spec is the route of a topology.
func (r *Route) Spec() topology.Route {
	out := r.Route
	out.Via, out.Weights = r.via.Names, r.via.Weights
	return out
}

// RouteOptions take what a route says.
func RouteOptions(r *Route) []vm.Argument {
	return []vm.Argument{
		Prefix.Need(&r.To, "to", `a prefix, or "default"`),
		kVia.Opt(&r.via, "via", "the neighbour: a node or an address; or several that share the traffic, "+
			"as a list or { node = weight }"),
		String.Opt(&r.Wire, "wire", "the wire to the neighbour, if several lead there"),
		kRouteKind.Opt(&r.Kind, "kind", "the route leads nowhere: packets vanish, or are answered with an error"),
		kRouteMTU.Opt(&r.MTU, "mtu", "MTU of what is sent along the route"),
		Bool.Def(&r.Lock, "lock", "false", "path MTU discovery does not change this MTU, and DF is not "+
			"set. In IPv6 the kernel still changes it"),
		String.Opt(&r.Src, "src", "the address of this node to send from"),
		kRTOMin.Opt(&r.Metrics.RTOMin, "rto_min", "TCP's least retransmission timeout on this route, 200ms else; "+
			"the first probe of a tail loss waits longer too"),
		kSegments.Opt(&r.Metrics.InitCwnd, "initcwnd", "TCP's first congestion window, in segments, 10 else"),
		kSegments.Opt(&r.Metrics.InitRwnd, "initrwnd", "TCP's first receive window, in segments"),
		kRouteMSS.Opt(&r.Metrics.AdvMSS, "advmss", "the MSS that TCP announces"),
		Bool.Def(&r.Metrics.QuickAck, "quickack", "false", "TCP delays no acknowledgement"),
		String.Opt(&r.Metrics.Congestion, "congestion", "TCP's congestion control, such as \"reno\""),
		Table32.Opt(&r.Table, "table", "routing table, by number; the main one by default"),
	}
}

var (
	kRouteKind = Enum("kind of route", "blackhole", "unreachable", "prohibit")
	kSegments  = Int("number of segments", 1, 1<<16-1, "a whole number from 1")
	kRouteMSS  = Int("MSS", 1, 1<<16-1, "1 to 65535 bytes")
	kRouteMTU  = Int("MTU", topology.MinMTU, topology.MaxMTU, "68 to 65535 bytes")
)

// kRTOMin is what the kernel counts in milliseconds.
var kRTOMin = vm.NewKind("duration", "Duration", func(c *vm.Call, x lua.LValue) (time.Duration, error) {
	d, err := Duration.Parse(c, x)
	if err != nil {
		return 0, err
	}
	if d := d.(time.Duration); d >= time.Millisecond && d <= time.Hour && d%time.Millisecond == 0 {
		return d, nil
	}
	return 0, Wrong(x, "a duration from 1ms to 1h", `write it like "1s"`)
})

// Table32 is the number of a routing table.
var Table32 = Int("table", 1, 1<<31-1, "write a number; 254 is the main table")

// Prefix is a prefix in CIDR form, an address, or "default".
var Prefix = vm.NewKind("prefix", "string", func(_ *vm.Call, x lua.LValue) (string, error) {
	s, ok := x.(lua.LString)
	if ok && s == "default" {
		return "default", nil
	}
	if a, err := netip.ParseAddr(string(s)); ok && err == nil {
		return netip.PrefixFrom(a, a.BitLen()).String(), nil
	}
	if _, err := netip.ParsePrefix(string(s)); !ok || err != nil {
		return "", Wrong(x, "a prefix", `write it like "198.51.100.0/24", or "default"`)
	}
	return string(s), nil
})

// via is who a route leads over.
type via struct {
	Names   []string
	Weights []int
}

var kVia = vm.NewKind("neighbour", "string|string[]|table<string,integer>",
	func(_ *vm.Call, x lua.LValue) (via, error) {
		const hint = `write "NODE", { "NODE", "NODE" } or { NODE = 2, OTHER = 1 }`
		v := via{}
		switch x := x.(type) {
		case lua.LString:
			v.Names = []string{string(x)}
		case *lua.LTable:
			for k, w := x.Next(lua.LNil); k != lua.LNil; k, w = x.Next(k) {
				name, weight := w.String(), 1
				if s, ok := k.(lua.LString); ok {
					n, ok := w.(lua.LNumber)
					if !ok || n < 1 || n > 256 || float64(n) != float64(int(n)) {
						return via{}, Wrong(w, "a weight", "a weight is 1 to 256")
					}
					name, weight = string(s), int(n)
				} else if w.Type() != lua.LTString {
					return via{}, Wrong(w, "a neighbour", hint)
				}
				v.Names, v.Weights = append(v.Names, name), append(v.Weights, weight)
			}
		}
		if len(v.Names) == 0 {
			return via{}, Wrong(x, "a neighbour", hint)
		}
		return v, nil
	})
