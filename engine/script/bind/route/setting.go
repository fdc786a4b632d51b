//go:build linux

package route

import (
	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/sysctl"
	"netrepro/engine/lab/topology"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// setting are the arguments of sysctl.
type setting struct {
	name  string
	value lua.LValue // nil to read it
}

var sysctlVerb = vm.Verb(vm.Method{Name: "sysctl", Doc: "Reads a kernel setting of this node, or sets it.",
	Example: `server:sysctl("net.ipv4.tcp_mtu_probing", 1)`, Returns: "string", Phase: vm.Running},
	func(a *setting) []vm.Argument {
		return []vm.Argument{
			args.String.Param(&a.name, "name", "dotted, below net."),
			args.Any.OptParam(&a.value, "value", "a string or a number"),
		}
	},
	func(c *vm.Call, a *setting) error {
		n := c.Self.(*session.Node)
		if x := a.value; x != nil {
			if x.Type() != lua.LTString && x.Type() != lua.LTNumber {
				return c.Fail(a.name, "write it in quotes, or as a number", "%s is not a value of a kernel setting",
					vm.Show(x))
			}
			if err := sysctl.Set(n.NS, topology.Setting{Name: a.name, Value: x.String()}); err != nil {
				return c.Fail(a.name, "the name and value must be ones this kernel has for a network namespace", "%v",
					err)
			}
		}
		v, err := sysctl.Get(n.NS, a.name)
		if err != nil {
			return c.Fail(a.name, "the name must be one this kernel has for a network namespace", "%v", err)
		}
		c.Return(lua.LString(v))
		return nil
	})

// switchVerbs are those of switches.
var switchVerbs = []*vm.Method{
	{Name: "fdb", Doc: "Where the switch has learned that MAC addresses are: a list of { mac, wire, vlan }.",
		Example: `#net.lan:fdb()`, Returns: "LearnedAddress[]", Phase: vm.Running,
		Fn: func(c *vm.Call) error {
			entries, err := c.Self.(*session.Node).FDB()
			if err != nil {
				return err
			}
			t := c.L.NewTable()
			for _, e := range entries {
				row := c.L.NewTable()
				row.RawSetString("mac", lua.LString(e.MAC.String()))
				row.RawSetString("wire", lua.LString(e.Wire))
				row.RawSetString("vlan", lua.LNumber(e.VLAN))
				t.Append(row)
			}
			c.Return(t)
			return nil
		}},
	{Name: "forget", Doc: "Makes the switch forget where MAC addresses are. Frames for them are flooded again.",
		Example: `net.lan:forget()`, Phase: vm.Running,
		Fn: func(c *vm.Call) error { return c.Self.(*session.Node).ForgetFDB() }},
}
