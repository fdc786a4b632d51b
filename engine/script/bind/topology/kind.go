//go:build linux

package topology

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/topology"
	"netrepro/engine/script/args"
	"netrepro/engine/script/vm"
)

// kMTUs are the MTUs of both ends.
var kMTUs = vm.NewKind("MTU", "integer|integer[]", func(_ *vm.Call, x lua.LValue) ([2]int, error) {
	t, ok := x.(*lua.LTable)
	if !ok || t.Len() != 2 {
		n, err := mtu(x)
		return [2]int{n, n}, err
	}
	if _, err := args.List(t, "write { 1500, 1400 }"); err != nil {
		return [2]int{}, err
	}
	a, err := mtu(t.RawGetInt(1))
	if err != nil {
		return [2]int{}, err
	}
	b, err := mtu(t.RawGetInt(2))
	return [2]int{a, b}, err
})

func mtu(x lua.LValue) (int, error) {
	n, ok := x.(lua.LNumber)
	if !ok || float64(n) != float64(int(n)) || int(n) < topology.MinMTU || int(n) > topology.MaxMTU {
		return 0, args.Wrong(x, "a possible MTU", fmt.Sprintf("an MTU is %d to %d bytes; the usual one is %d",
			topology.MinMTU, topology.MaxMTU, topology.DefaultMTU))
	}
	return int(n), nil
}

var kAddr = vm.NewKind("address", "string|string[]|table<string,string|string[]>", parseAddr)

func parseAddr(_ *vm.Call, x lua.LValue) (map[string][]string, error) {
	const hint = `write "192.0.2.10/24", { "192.0.2.10/24", "192.0.2.11/32" } or { WIRE = "192.0.2.10/24" }`
	out := map[string][]string{}
	add := func(wire string, x lua.LValue) error {
		s, ok := x.(lua.LString)
		if !ok {
			return args.Wrong(x, "an address", hint)
		}
		out[wire] = append(out[wire], string(s))
		return nil
	}
	t, ok := x.(*lua.LTable)
	if !ok {
		return out, add("", x)
	}
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		wire := ""
		if s, ok := k.(lua.LString); ok {
			wire = string(s)
		}
		several, ok := v.(*lua.LTable)
		if !ok {
			if err := add(wire, v); err != nil {
				return nil, err
			}
			continue
		}
		items, err := args.List(several, hint)
		if err != nil {
			return nil, err
		}
		for _, v := range items {
			if err := add(wire, v); err != nil {
				return nil, err
			}
		}
	}
	return out, nil
}

var routeTable = vm.NewTable("route", "", args.RouteOptions)

var kRoutes = vm.NewKind("list of routes", "Route[]", func(c *vm.Call, x lua.LValue) ([]topology.Route, error) {
	const hint = `write { { to = "198.51.100.0/24", via = "router" } }`
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "a list of routes", hint)
	}
	items, err := args.List(t, hint)
	if err != nil {
		return nil, err
	}
	var out []topology.Route
	for _, x := range items {
		rt, ok := x.(*lua.LTable)
		if !ok {
			return nil, args.Wrong(x, "a route", `write { to = "198.51.100.0/24", via = "router" }`)
		}
		r := routeTable.Read(c, rt)
		out = append(out, r.Spec())
	}
	return out, nil
}).Of(routeTable.Form())

var kSysctls = vm.NewKind("table of sysctls", "table<string,string|number>",
	func(_ *vm.Call, x lua.LValue) ([]topology.Setting, error) {
		t, ok := x.(*lua.LTable)
		if !ok {
			return nil, args.Wrong(x, "a table of sysctls", `write { ["net.ipv4.tcp_sack"] = 0 }`)
		}
		var out []topology.Setting
		for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
			out = append(out, topology.Setting{Name: k.String(), Value: v.String()})
		}
		return out, nil
	})

// kFamily says which IP versions there are.
var kFamily = vm.NewKind("IP version", `4|6|"dual"`, func(_ *vm.Call, x lua.LValue) (topology.Family, error) {
	switch f := topology.Family(x.String()); f {
	case topology.IPv4, topology.IPv6, topology.Dual:
		return f, nil
	}
	return "", args.Wrong(x, "an IP version", `write 4, 6 or "dual"`)
})

var kVLAN = args.Int("VLAN", 1, 4094, "a VLAN is 1 to 4094")

var kVLANs = vm.NewKind("list of VLANs", "integer[]", func(c *vm.Call, x lua.LValue) ([]int, error) {
	t, ok := x.(*lua.LTable)
	if !ok || t.Len() == 0 {
		return nil, args.Wrong(x, "a list of VLANs", "write { 10, 20 }")
	}
	items, err := args.List(t, "write { 10, 20 }")
	if err != nil {
		return nil, err
	}
	var out []int
	for _, x := range items {
		v, err := kVLAN.Read(c, x)
		if err != nil {
			return nil, err
		}
		out = append(out, v)
	}
	return out, nil
})

var kTunnels = vm.NewKind("list of tunnels", "Tunnel.Part[]",
	func(_ *vm.Call, x lua.LValue) ([]topology.Tunnel, error) {
		const hint = `write { tunnel { "gre", between = { "left", "right" } } }`
		t, ok := x.(*lua.LTable)
		if !ok {
			return nil, args.Wrong(x, "a list of tunnels", hint)
		}
		items, err := args.List(t, hint)
		if err != nil {
			return nil, err
		}
		var out []topology.Tunnel
		for _, x := range items {
			part, ok := vm.As(x, tunnelPart)
			if !ok {
				return nil, args.Wrong(x, "a tunnel", hint)
			}
			out = append(out, *part.(*topology.Tunnel))
		}
		return out, nil
	})
