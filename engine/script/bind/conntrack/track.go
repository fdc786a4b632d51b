//go:build linux

package conntrack

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/firewall"
	"netrepro/engine/lab/sysctl"
	"netrepro/engine/lab/topology"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// tracking is how a node tracks; nil is as it did.
type tracking struct {
	liberal, loose, ignoreInvalidRST *bool
	timeouts                         []topology.Setting
}

func trackOptions(a *tracking) []vm.Argument {
	return []vm.Argument{
		args.Bool.Maybe(&a.liberal, "be_liberal", "TCP segments out of the window are not invalid, but for resets"),
		args.Bool.Maybe(&a.loose, "loose", "connections are picked up in their middle"),
		args.Bool.Maybe(&a.ignoreInvalidRST, "ignore_invalid_rst", "resets out of the window are passed, not invalid"),
		kTimeouts.Opt(&a.timeouts, "timeouts",
			"how long connections are remembered, by state: established, time_wait, …, udp, icmp"),
	}
}

func track(c *vm.Call, a *tracking) error {
	n := c.Self.(*session.Node)
	_, err := n.Rules.Add(firewall.Spec{Chain: "prerouting", Text: "ct state new"},
		firewall.Spec{Chain: "output", Text: "ct state new"})
	if err != nil {
		return session.RefusedRule(c, err)
	}
	var set []topology.Setting
	for _, s := range []struct {
		name string
		on   *bool
	}{{"be_liberal", a.liberal}, {"loose", a.loose}, {"ignore_invalid_rst", a.ignoreInvalidRST}} {
		if s.on == nil {
			continue
		}
		value := "0"
		if *s.on {
			value = "1"
		}
		set = append(set, topology.Setting{Name: "net.netfilter.nf_conntrack_tcp_" + s.name, Value: value})
	}
	for _, s := range append(set, a.timeouts...) {
		if err := sysctl.Set(n.NS, s); err != nil {
			return c.Fail("track", "this kernel has no such setting", "%v", err)
		}
	}
	return nil
}

// timeouts are the settings of how long connections are remembered.
var timeouts = map[string]string{
	"syn_sent": "tcp_timeout_syn_sent", "syn_recv": "tcp_timeout_syn_recv", "established": "tcp_timeout_established",
	"fin_wait": "tcp_timeout_fin_wait", "close_wait": "tcp_timeout_close_wait", "last_ack": "tcp_timeout_last_ack",
	"time_wait": "tcp_timeout_time_wait", "close": "tcp_timeout_close", "max_retrans": "tcp_timeout_max_retrans",
	"unacknowledged": "tcp_timeout_unacknowledged",
	"udp":            "udp_timeout", "udp_stream": "udp_timeout_stream", "icmp": "icmp_timeout",
	"icmpv6":  "icmpv6_timeout",
	"generic": "generic_timeout",
}

var kTimeouts = vm.NewKind("table of timeouts", "table<string,Duration>", parseTimeouts)

func parseTimeouts(c *vm.Call, x lua.LValue) ([]topology.Setting, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "a table of timeouts", `write { established = "10s" }`)
	}
	var out []topology.Setting
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		name, known := timeouts[k.String()]
		if !known {
			return nil, &vm.BadValue{Msg: fmt.Sprintf("%s is no state that has a timeout", vm.Show(k)),
				Word: k.String(),
				Hint: "the states are: " + strings.Join(slices.Sorted(maps.Keys(timeouts)), ", ")}
		}
		d, err := args.Duration.Read(c, v)
		if err != nil {
			return nil, err
		}
		seconds := d.Seconds()
		if seconds != math.Trunc(seconds) || seconds < 1 {
			return nil, args.Wrong(v, "a number of seconds", `the kernel counts whole ones: "10s"`)
		}
		out = append(out, topology.Setting{Name: "net.netfilter.nf_conntrack_" + name, Value: fmt.Sprint(int(seconds))})
	}
	return out, nil
}
