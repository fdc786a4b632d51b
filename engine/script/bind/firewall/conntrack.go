//go:build linux

package firewall

import (
	"fmt"
	"maps"
	"math"
	"net/netip"
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/firewall"
	"netrepro/engine/lab/sysctl"
	"netrepro/engine/lab/topology"
	"netrepro/engine/packet"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// entryOptions say which tracked connections are meant.
var entryOptions = []vm.Option{
	args.Opt("src", kParty, "where it came from"), args.Opt("dst", kParty, "where it went to"),
	args.Opt("sport", args.Port, "source port as it came"), args.Opt("dport", args.Port, "destination port as it came"),
	args.Opt("proto", args.Enum("protocol", "tcp", "udp", "icmp", "icmpv6"), "its protocol"),
	args.Opt("state", args.String, "of TCP, as the kernel names it: ESTABLISHED, TIME_WAIT"),
	args.Opt("zone", args.Int("zone", 0, 65535, "0 to 65535"), "its zone"),
	args.Opt("mark", args.Int("mark", 0, 1<<32-1, "a whole number"), "its mark"),
}

var protocolNames = map[uint8]string{packet.ProtoTCP: "tcp", packet.ProtoUDP: "udp", packet.ProtoICMP: "icmp", packet.ProtoICMPv6: "icmpv6"}

// meant makes a test of what c's options say.
func meant(c *vm.Call) func(*firewall.Entry) bool {
	has := func(option string, a netip.Addr) bool {
		p, ok := c.Args[option].(party)
		return !ok || slices.ContainsFunc(p, func(x netip.Prefix) bool { return x.Contains(a) })
	}
	return func(e *firewall.Entry) bool {
		return has("src", e.Orig.Src) && has("dst", e.Orig.Dst) &&
			vm.ArgOr(c, "sport", e.Orig.SPort) == e.Orig.SPort && vm.ArgOr(c, "dport", e.Orig.DPort) == e.Orig.DPort &&
			vm.ArgOr(c, "proto", protocolNames[e.Proto]) == protocolNames[e.Proto] &&
			vm.ArgOr(c, "state", e.State) == e.State && vm.ArgOr(c, "zone", int(e.Zone)) == int(e.Zone) && vm.ArgOr(c, "mark", int(e.Mark)) == int(e.Mark)
	}
}

// tracked lists the connections that c's options mean.
func tracked(c *vm.Call) ([]firewall.Entry, error) {
	all, err := firewall.Conntrack(c.Self.(*session.Node).NS)
	if err != nil {
		return nil, err
	}
	which := meant(c)
	return slices.DeleteFunc(all, func(e firewall.Entry) bool { return !which(&e) }), nil
}

var conntrackVerbs = []*vm.Method{
	{Name: "conntrack", Doc: "The first tracked connection that matches, nil if there is none.",
		Example: `gateway:conntrack { sport = 40000, dport = 443 }`, Returns: "Conntrack", Phase: vm.Running, Options: entryOptions,
		Fn: func(c *vm.Call) error {
			found, err := tracked(c)
			if err != nil {
				return err
			}
			c.Return(lua.LNil)
			if len(found) > 0 {
				c.Return(c.VM.New(conntrackClass, &found[0]))
			}
			return nil
		}},
	{Name: "tracked", Doc: "The tracked connections that match, as a list.", Example: `#gateway:tracked { proto = "tcp" }`, Returns: "Conntrack[]",
		Phase: vm.Running, Options: entryOptions,
		Fn: func(c *vm.Call) error {
			found, err := tracked(c)
			if err != nil {
				return err
			}
			t := c.L.NewTable()
			for i := range found {
				t.Append(c.VM.New(conntrackClass, &found[i]))
			}
			c.Return(t)
			return nil
		}},
	{Name: "forget", Doc: "Has the node forget the tracked connections that match, all without options. Returns how many they were.",
		Example: `gateway:forget { dport = 443 }`, Returns: "integer", Phase: vm.Running,
		Options: slices.DeleteFunc(slices.Clone(entryOptions), func(o vm.Option) bool { return o.Name == "state" }),
		Fn: func(c *vm.Call) error {
			n, err := firewall.Forget(c.Self.(*session.Node).NS, meant(c))
			c.Return(lua.LNumber(n))
			return err
		}},
	{Name: "track", Doc: "Has the node track connections, which it otherwise does only for rules that ask for it, and says how.",
		Example: `gateway:track { be_liberal = true, timeouts = { established = "10s", time_wait = "1s" } }`, Phase: vm.Running,
		Options: []vm.Option{
			args.Opt("be_liberal", args.Bool, "TCP segments out of the window are not invalid, but for resets"),
			args.Opt("loose", args.Bool, "connections are picked up in their middle"),
			args.Opt("ignore_invalid_rst", args.Bool, "resets out of the window are passed, not invalid"),
			args.Opt("timeouts", kTimeouts, "how long connections are remembered, by state: established, time_wait, …, udp, icmp"),
		},
		Fn: func(c *vm.Call) error {
			n := c.Self.(*session.Node)
			if _, err := n.Rules.Add(firewall.Spec{Chain: "prerouting", Text: "ct state new"}, firewall.Spec{Chain: "output", Text: "ct state new"}); err != nil {
				return refused(c, err)
			}
			var set []topology.Setting
			for _, name := range []string{"be_liberal", "loose", "ignore_invalid_rst"} {
				if on, ok := vm.Arg[bool](c, name); ok {
					value := "0"
					if on {
						value = "1"
					}
					set = append(set, topology.Setting{Name: "net.netfilter.nf_conntrack_tcp_" + name, Value: value})
				}
			}
			more, _ := c.Args["timeouts"].([]topology.Setting)
			for _, s := range append(set, more...) {
				if err := sysctl.Set(n.NS, s); err != nil {
					return c.Fail("track", "this kernel has no such setting", "%v", err)
				}
			}
			return nil
		}},
}

// timeouts are the settings of how long connections are remembered.
var timeouts = map[string]string{
	"syn_sent": "tcp_timeout_syn_sent", "syn_recv": "tcp_timeout_syn_recv", "established": "tcp_timeout_established", "fin_wait": "tcp_timeout_fin_wait",
	"close_wait": "tcp_timeout_close_wait", "last_ack": "tcp_timeout_last_ack", "time_wait": "tcp_timeout_time_wait", "close": "tcp_timeout_close",
	"max_retrans": "tcp_timeout_max_retrans", "unacknowledged": "tcp_timeout_unacknowledged",
	"udp": "udp_timeout", "udp_stream": "udp_timeout_stream", "icmp": "icmp_timeout", "icmpv6": "icmpv6_timeout", "generic": "generic_timeout",
}

var kTimeouts = &vm.Kind{Name: "table of timeouts", Type: "table<string,Duration>", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "a table of timeouts", `write { established = "10s" }`)
	}
	var out []topology.Setting
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		name, known := timeouts[k.String()]
		if !known {
			return nil, &vm.BadValue{Msg: fmt.Sprintf("%s is no state that has a timeout", vm.Show(k)), Word: k.String(),
				Hint: "the states are: " + strings.Join(slices.Sorted(maps.Keys(timeouts)), ", ")}
		}
		d, err := args.Duration.Parse(c, v)
		if err != nil {
			return nil, err
		}
		seconds := d.(time.Duration).Seconds()
		if seconds != math.Trunc(seconds) || seconds < 1 {
			return nil, args.Wrong(v, "a number of seconds", `the kernel counts whole ones: "10s"`)
		}
		out = append(out, topology.Setting{Name: "net.netfilter.nf_conntrack_" + name, Value: fmt.Sprint(int(seconds))})
	}
	return out, nil
}}

func entryField(name, typ, doc string, get func(*firewall.Entry) lua.LValue) *vm.Field {
	return &vm.Field{Name: name, Doc: doc, Type: typ, Get: func(_ *vm.VM, x any) (lua.LValue, error) { return get(x.(*firewall.Entry)), nil }}
}

func entryAddr(name, doc string, get func(*firewall.Entry) netip.Addr) *vm.Field {
	return entryField(name, "string", doc, func(e *firewall.Entry) lua.LValue { return lua.LString(get(e).String()) })
}

func entryNumber(name, doc string, get func(*firewall.Entry) int) *vm.Field {
	return entryField(name, "integer", doc, func(e *firewall.Entry) lua.LValue { return lua.LNumber(get(e)) })
}

var conntrackClass = &vm.Class{Name: "Conntrack", Doc: "A tracked connection: as it came, and as its answers come.",
	Fields: []*vm.Field{
		entryAddr("src", "Source address.", func(e *firewall.Entry) netip.Addr { return e.Orig.Src }),
		entryAddr("dst", "Destination address.", func(e *firewall.Entry) netip.Addr { return e.Orig.Dst }),
		entryNumber("sport", "Source port.", func(e *firewall.Entry) int { return e.Orig.SPort }),
		entryNumber("dport", "Destination port.", func(e *firewall.Entry) int { return e.Orig.DPort }),
		entryAddr("reply_src", "Source address of answers.", func(e *firewall.Entry) netip.Addr { return e.Reply.Src }),
		entryAddr("reply_dst", "Destination address of answers.", func(e *firewall.Entry) netip.Addr { return e.Reply.Dst }),
		entryNumber("reply_sport", "Source port of answers.", func(e *firewall.Entry) int { return e.Reply.SPort }),
		entryNumber("reply_dport", "Destination port of answers.", func(e *firewall.Entry) int { return e.Reply.DPort }),
		entryField("proto", "string", "Its protocol, by name or number.", func(e *firewall.Entry) lua.LValue {
			if name, ok := protocolNames[e.Proto]; ok {
				return lua.LString(name)
			}
			return lua.LString(fmt.Sprint(e.Proto))
		}),
		entryField("state", "string", "Of TCP, as the kernel names it; empty for others.", func(e *firewall.Entry) lua.LValue { return lua.LString(e.State) }),
		entryNumber("mark", "Its mark.", func(e *firewall.Entry) int { return int(e.Mark) }),
		entryNumber("zone", "Its zone.", func(e *firewall.Entry) int { return int(e.Zone) }),
		entryField("timeout", "number", "Seconds until it is forgotten.", func(e *firewall.Entry) lua.LValue { return lua.LNumber(e.Timeout.Seconds()) }),
	},
	String: func(x any) string {
		e := x.(*firewall.Entry)
		return strings.TrimSpace(fmt.Sprintf("%s %s:%d > %s:%d, answers %s:%d > %s:%d %s", protocolNames[e.Proto], e.Orig.Src, e.Orig.SPort, e.Orig.Dst, e.Orig.DPort,
			e.Reply.Src, e.Reply.SPort, e.Reply.Dst, e.Reply.DPort, e.State))
	}}
