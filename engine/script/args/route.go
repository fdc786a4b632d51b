//go:build linux

package args

import (
	"net/netip"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/topology"
	"netrepro/engine/script/vm"
)

// RouteOptions are what a route says.
var RouteOptions = []vm.Option{
	Need("to", Prefix, `a prefix, or "default"`),
	Opt("via", kVia, "the neighbour: a node or an address; or several, { node = weight } or a list, that share the traffic"),
	Opt("wire", String, "by which wire the neighbour is meant, where there are several"),
	Opt("kind", Enum("kind of route", "blackhole", "unreachable", "prohibit"), "it leads nowhere: packets vanish, or are answered"),
	Opt("mtu", Int("MTU", topology.MinMTU, topology.MaxMTU, "68 to 65535 bytes"), "of what is sent along it"),
	OptDef("lock", Bool, "false", "path MTU discovery does not change the MTU: DF is not set. In IPv6 the kernel does it all the same"),
	Opt("src", String, "address of this node that is preferred as source"),
	Opt("table", Table32, "routing table, by number; the main one unless said"),
}

// Table32 is the number of a routing table.
var Table32 = Int("table", 1, 1<<31-1, "write a number; 254 is the main table")

// Prefix is a prefix in CIDR form, an address, or "default".
var Prefix = &vm.Kind{Name: "prefix", Type: "string", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	s, ok := x.(lua.LString)
	if ok && s == "default" {
		return "default", nil
	}
	if a, err := netip.ParseAddr(string(s)); ok && err == nil {
		return netip.PrefixFrom(a, a.BitLen()).String(), nil
	}
	if _, err := netip.ParsePrefix(string(s)); !ok || err != nil {
		return nil, Wrong(x, "a prefix", `write it like "198.51.100.0/24", or "default"`)
	}
	return string(s), nil
}}

// Via is who a route leads over.
type Via struct {
	Names   []string
	Weights []int
}

var kVia = &vm.Kind{Name: "neighbour", Type: "string|string[]|table<string,integer>", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	const hint = `write "NODE", { "NODE", "NODE" } or { NODE = 2, OTHER = 1 }`
	v := Via{}
	switch x := x.(type) {
	case lua.LString:
		v.Names = []string{string(x)}
	case *lua.LTable:
		for k, w := x.Next(lua.LNil); k != lua.LNil; k, w = x.Next(k) {
			name, weight := w.String(), 1
			if s, ok := k.(lua.LString); ok {
				n, ok := w.(lua.LNumber)
				if !ok || n < 1 || n > 256 || float64(n) != float64(int(n)) {
					return nil, Wrong(w, "a weight", "a weight is 1 to 256")
				}
				name, weight = string(s), int(n)
			} else if w.Type() != lua.LTString {
				return nil, Wrong(w, "a neighbour", hint)
			}
			v.Names, v.Weights = append(v.Names, name), append(v.Weights, weight)
		}
	}
	if len(v.Names) == 0 {
		return nil, Wrong(x, "a neighbour", hint)
	}
	return v, nil
}}

// RouteOf is the route that options say.
func RouteOf(a map[string]any) topology.Route {
	r := topology.Route{}
	r.To, _ = a["to"].(string)
	if v, ok := a["via"].(Via); ok {
		r.Via, r.Weights = v.Names, v.Weights
	}
	r.Wire, _ = a["wire"].(string)
	r.Kind, _ = a["kind"].(string)
	r.MTU, _ = a["mtu"].(int)
	r.Lock, _ = a["lock"].(bool)
	r.Src, _ = a["src"].(string)
	r.Table, _ = a["table"].(int)
	return r
}
