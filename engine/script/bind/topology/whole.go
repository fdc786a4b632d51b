//go:build linux

package topology

import (
	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/topology"
	"netrepro/engine/script/args"
	"netrepro/engine/script/vm"
)

// split takes the elements of a list from a table that has names too.
func split(c *vm.Call, t *lua.LTable) (items []lua.LValue, named *lua.LTable) {
	named = c.L.NewTable()
	for i := 1; i <= t.Len(); i++ {
		items = append(items, t.RawGetInt(i))
	}
	for k, x := t.Next(lua.LNil); k != lua.LNil; k, x = t.Next(k) {
		if n, ok := k.(lua.LNumber); !ok || n < 1 || int(n) > len(items) {
			named.RawSet(k, x)
		}
	}
	return items, named
}

// kFamily says which IP versions there are.
var kFamily = &vm.Kind{Name: "IP version", Type: `4|6|"dual"`, Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	switch f := topology.Family(x.String()); f {
	case topology.IPv4, topology.IPv6, topology.Dual:
		return f, nil
	}
	return nil, args.Wrong(x, "an IP version", `write 4, 6 or "dual"`)
}}

var (
	kVLAN  = args.Int("VLAN", 1, 4094, "a VLAN is 1 to 4094")
	kVLANs = &vm.Kind{Name: "list of VLANs", Type: "integer[]", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
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
			v, err := kVLAN.Parse(c, x)
			if err != nil {
				return nil, err
			}
			out = append(out, v.(int))
		}
		return out, nil
	}}
)

// TunnelPart is a tunnel, before it is put in a topology.
var TunnelPart = &vm.Class{Name: "Tunnel.Part", Doc: "A tunnel, before it is put in a topology."}

var tunnelVerb = &vm.Method{Name: "tunnel", Doc: "A link between two nodes through the network between them. Traffic takes it where it is the shortest way.",
	Example: `tunnel { "gre", between = { "left", "right" } }`, Returns: "Tunnel.Part", Phase: vm.Loading, First: "kind",
	Options: []vm.Option{
		args.Need("kind", args.Enum("kind of tunnel", topology.TunnelKinds...), "where the kernel has it"),
		args.Need("between", args.Strings, "the two nodes"),
		args.Opt("name", args.String, "its name, as in addr = { NAME = … }"),
		args.Opt("mtu", args.Int("MTU", topology.MinMTU, topology.MaxMTU, "68 to 65535 bytes"), "bytes; what fits a path of 1500 unless said"),
		args.Opt("id", args.Int("number", 1, 1<<24-1, "a whole number"), "VXLAN network identifier, or GRE key"),
	},
	Fn: func(c *vm.Call) error {
		between := c.Args["between"].([]string)
		if len(between) != 2 {
			return c.Fail("between", `write between = { "left", "right" }`, "a tunnel is between two nodes, not %d", len(between))
		}
		c.Return(c.VM.New(TunnelPart, &topology.Tunnel{Line: c.Line, Kind: c.Args["kind"].(string), Between: [2]string(between), Name: vm.ArgOr(c, "name", ""),
			MTU: vm.ArgOr(c, "mtu", 0), ID: vm.ArgOr(c, "id", 0)}))
		return nil
	}}

var kTunnels = &vm.Kind{Name: "list of tunnels", Type: "Tunnel.Part[]", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
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
		part, ok := vm.As(x, TunnelPart)
		if !ok {
			return nil, args.Wrong(x, "a tunnel", hint)
		}
		out = append(out, *part.(*topology.Tunnel))
	}
	return out, nil
}}
