//go:build linux

package firewall

import (
	"errors"
	"fmt"
	"maps"
	"slices"

	lua "github.com/yuin/gopher-lua"
	"golang.org/x/sys/unix"

	"netrepro/engine/lab/firewall"
	"netrepro/engine/lab/sysctl"
	"netrepro/engine/lab/topology"
	"netrepro/engine/lab/topology/plan"
	"netrepro/engine/script/args"
	"netrepro/engine/script/diag"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// hashPolicy are the values of fib_multipath_hash_policy by what shares the hops
// of a route.
var hashPolicy = map[string]string{"address": "0", "flow": "1"}

var routeVerbs = []*vm.Method{
	{Name: "route", Doc: "Adds a route, or replaces the one to the same prefix. Over several neighbours it shares the traffic between them.",
		Example: `edge:route { to = "default", via = { "left", "right" }, spread = "flow" }`, Phase: vm.Running,
		Options: append(slices.Clone(args.RouteOptions),
			args.OptDef("delete", args.Bool, "false", "takes the route away"),
			args.Opt("spread", args.Enum("way to share", "address", "flow", "packet"), "what goes together over one of several neighbours: what has the same addresses, the same ports too, or each packet by itself")),
		Fn: func(c *vm.Call) error {
			n := c.Self.(*session.Node)
			r := args.RouteOf(c.Args)
			if vm.ArgOr(c, "delete", false) {
				if len(r.Via) == 0 && r.Kind == "" {
					r.Kind = "blackhole" // what it was does not matter
				}
			}
			plans, err := n.Run.Plan.Resolve(n.Node.Node, r)
			if err != nil {
				return placed(c, err)
			}
			old := map[string][]func() error{}
			for _, p := range plans {
				old[turnKey(p)] = n.Turns[turnKey(p)]
				delete(n.Turns, turnKey(p))
			}
			if vm.ArgOr(c, "delete", false) {
				err = placed(c, n.DelRoute(plans...))
			} else {
				err = placed(c, spread(c, n, plans))
			}
			if err != nil { // what was there stays
				maps.Copy(n.Turns, old)
				return err
			}
			return undoAll(old)
		}},
	{Name: "policy", Doc: "Adds a rule that says which routing table is asked (ip-rule(8)).", Example: `edge:policy { from = "10.0.1.0/24", table = 100 }`, Phase: vm.Running,
		Options: []vm.Option{
			args.Need("table", args.Table32, "the table that is asked"),
			args.Opt("from", args.Prefix, "of packets from here"), args.Opt("to", args.Prefix, "of packets to here"),
			args.Opt("mark", args.Int("mark", 1, 1<<31-1, "a whole number from 1"), "of packets that a rule has marked"),
			args.Opt("iif", kWire, "of packets that came by this wire"),
			args.Opt("priority", args.Int("priority", 1, 32765, "1 to 32765, before the main table"), "rules with lower ones are asked first"),
		},
		Fn: func(c *vm.Call) error {
			p := topology.Policy{From: vm.ArgOr(c, "from", ""), To: vm.ArgOr(c, "to", ""), Mark: vm.ArgOr(c, "mark", 0), Wire: vm.ArgOr(c, "iif", ""),
				Table: c.Args["table"].(int), Priority: vm.ArgOr(c, "priority", 0)}
			return placed(c, c.Self.(*session.Node).AddPolicy(p))
		}},
}

// placed gives an error of the topology its place in the script.
func placed(c *vm.Call, err error) error {
	var de *diag.Error
	if errors.As(err, &de) {
		return err // it has its place
	}
	var te *topology.Error
	if errors.As(err, &te) {
		return c.Fail(te.Word, te.Hint, "%s", te.Msg)
	}
	hint := "the kernel must be able to reach what the route leads over"
	switch {
	case errors.Is(err, unix.EEXIST):
		hint = "there is one like it already"
	case errors.Is(err, unix.ESRCH), errors.Is(err, unix.ENOENT):
		hint = "there is none like it"
	}
	if err != nil {
		return c.Fail("", hint, "%v", err)
	}
	return nil
}

// firstTable and firstMark are where the tables and marks begin that send each
// packet of a route by itself.
const firstTable, firstMark, mainTable = 7000, 0x4000, 254

// spread installs a route that shares its traffic as asked.
func spread(c *vm.Call, n *session.Node, plans []plan.Route) error {
	how, asked := vm.Arg[string](c, "spread")
	if asked && len(plans[0].Hops) < 2 {
		return c.Fail("spread", `write via = { "left", "right" }`, "a route over one neighbour shares nothing")
	}
	if !asked || how != "packet" {
		if asked {
			for _, route := range plans {
				name := "net.ipv4.fib_multipath_hash_policy"
				if route.To.Addr().Is6() {
					name = "net.ipv6.fib_multipath_hash_policy"
				}
				if err := sysctl.Set(n.NS, topology.Setting{Name: name, Value: hashPolicy[how]}); err != nil {
					return err
				}
			}
		}
		return n.AddRoute(plans...)
	}
	// Kernels have not done it by themselves since 3.6: packets are marked in
	// turn, and each mark has a table of its own.
	for _, route := range plans {
		if err := turns(c, n, route); err != nil {
			return err
		}
	}
	return nil
}

// turns installs a route over whose neighbours packets go in turn, as often as
// their weights say.
func turns(c *vm.Call, n *session.Node, route plan.Route) (err error) {
	var hops []plan.Hop
	for _, h := range route.Hops {
		for range max(h.Weight, 1) {
			hops = append(hops, h)
		}
	}
	base := n.Run.Tables
	n.Run.Tables += len(hops)
	only, field, proto := topology.IPv4, "ip daddr", "ipv4"
	if route.To.Addr().Is6() {
		only, field, proto = topology.IPv6, "ip6 daddr", "ipv6"
	}
	var undo []func() error
	defer func() {
		if err != nil { // nothing stays half made
			_ = undoAll(map[string][]func() error{"": undo})
		}
	}()
	for i, hop := range hops {
		one := route
		one.Hops, one.Table = []plan.Hop{hop}, firstTable+base+i
		if err := n.AddRoute(one); err != nil {
			return err
		}
		undo = append(undo, func() error { return n.DelRoute(one) })
		// What the main table knows better comes first.
		for _, p := range []topology.Policy{
			{Mark: firstMark + base + i, Table: mainTable, Priority: firstMark + 2*(base+i), LongerThan: route.To.Bits() + 1, Only: only},
			{Mark: firstMark + base + i, Table: one.Table, Priority: firstMark + 2*(base+i) + 1, Only: only},
		} {
			if err := n.AddPolicy(p); err != nil {
				return err
			}
			undo = append(undo, func() error { return n.DelPolicy(p) })
		}
	}
	about := "meta nfproto " + proto
	if route.To.Bits() > 0 {
		about = fmt.Sprintf("%s %s", field, route.To)
	}
	text := fmt.Sprintf("%s meta mark set numgen inc mod %d offset %d", about, len(hops), firstMark+base)
	rule, err := n.Rules.Add(firewall.Spec{Chain: "mangle_prerouting", Text: text}, firewall.Spec{Chain: "route_output", Text: text})
	if err != nil {
		return refused(c, err)
	}
	undo = append(undo, rule.Delete)
	if err := n.AddRoute(route); err != nil {
		return err
	}
	n.Turns[turnKey(route)] = undo
	return nil
}

// turnKey names the routes that replace each other.
func turnKey(p plan.Route) string { return fmt.Sprint(p.To, " ", p.Table) }

// undoAll takes out what had packets to prefixes go in turn.
func undoAll(turns map[string][]func() error) error {
	var errs []error
	for _, undo := range turns {
		for _, f := range slices.Backward(undo) {
			errs = append(errs, f())
		}
	}
	return errors.Join(errs...)
}

var sysctlVerb = &vm.Method{Name: "sysctl", Doc: "Reads a kernel setting of this node, or sets it.", Example: `server:sysctl("net.ipv4.tcp_mtu_probing", 1)`,
	Returns: "string", Phase: vm.Running,
	Params: []vm.Param{{Name: "name", Kind: args.String, Doc: "dotted, below net."}, {Name: "value", Kind: args.Any, Optional: true, Doc: "a string or a number"}},
	Fn: func(c *vm.Call) error {
		n := c.Self.(*session.Node)
		name := c.Args["name"].(string)
		if x, ok := vm.Arg[lua.LValue](c, "value"); ok {
			if x.Type() != lua.LTString && x.Type() != lua.LTNumber {
				return c.Fail(name, "write it in quotes, or as a number", "%s is not a value of a kernel setting", vm.Show(x))
			}
			if err := sysctl.Set(n.NS, topology.Setting{Name: name, Value: x.String()}); err != nil {
				return c.Fail(name, "the name and value must be ones this kernel has for a network namespace", "%v", err)
			}
		}
		v, err := sysctl.Get(n.NS, name)
		if err != nil {
			return c.Fail(name, "the name must be one this kernel has for a network namespace", "%v", err)
		}
		c.Return(lua.LString(v))
		return nil
	}}

// SwitchVerbs are those of switches.
var SwitchVerbs = []*vm.Method{
	{Name: "fdb", Doc: "Where the switch has learned that MAC addresses are: a list of { mac, wire, vlan }.", Example: `#net.lan:fdb()`, Returns: "LearnedAddress[]", Phase: vm.Running,
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
	{Name: "forget", Doc: "Has the switch forget where MAC addresses are: what is for them is flooded again.", Example: `net.lan:forget()`, Phase: vm.Running,
		Fn: func(c *vm.Call) error { return c.Self.(*session.Node).ForgetFDB() }},
}

// Verbs are those of hosts and routers, and Classes those of what they return.
var (
	Verbs   = append(slices.Concat(filterVerbs, natVerbs, conntrackVerbs, routeVerbs), sysctlVerb)
	Classes = []*vm.Class{conntrackClass}
)
