//go:build linux

package firewall

import (
	"fmt"
	"slices"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/firewall"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

var kTo = args.Opt("to", kParty, "the receiver: a host, an address or a prefix")

// placeOptions say where on a node a filter looks.
var placeOptions = []vm.Option{
	args.OptDef("out", args.Bool, "false", "what this node sends"),
	args.OptDef("fwd", args.Bool, "false", "what it passes on"),
	args.OptDef("in", args.Bool, "false", "what is for itself"),
}

var places = []struct{ option, chain string }{{"out", "output"}, {"fwd", "forward"}, {"in", "input"}}

// place is the chain that a filter looks in.
func place(c *vm.Call, verb string) (string, error) {
	chain, option := "", ""
	for _, p := range places {
		if !vm.ArgOr(c, p.option, false) {
			continue
		}
		if chain != "" {
			return "", c.Fail(p.option, "write one "+verb+" for each", "%s looks in one place: %s or %s", verb, option, p.option)
		}
		chain, option = p.chain, p.option
	}
	if chain == "" {
		return "", c.Fail(verb, "write out = true for what the node sends, fwd = true for what it passes on, in = true for what is for itself", "%s does not say where to look", verb)
	}
	return chain, nil
}

// filter makes a verb that looks in one place and does one thing.
func filter(name, doc, example, act string) *vm.Method {
	return ruleVerb(name, doc, example, with(append(slices.Clone(placeOptions), kTo)...), func(c *vm.Call, _ bool) (string, string, bool, error) {
		chain, err := place(c, name)
		return chain, act, false, err
	})
}

// answers are what reject can say, by IP version.
var answers = map[string][2]string{
	"tcp-reset":         {"tcp reset", "tcp reset"},
	"net-unreachable":   {"icmp type net-unreachable", "icmpv6 type no-route"},
	"host-unreachable":  {"icmp type host-unreachable", "icmpv6 type addr-unreachable"},
	"proto-unreachable": {"icmp type prot-unreachable", ""},
	"port-unreachable":  {"icmp type port-unreachable", "icmpv6 type port-unreachable"},
	"net-prohibited":    {"icmp type net-prohibited", ""},
	"host-prohibited":   {"icmp type host-prohibited", ""},
	"admin-prohibited":  {"icmp type admin-prohibited", "icmpv6 type admin-prohibited"},
}

var filterVerbs = []*vm.Method{
	filter("drop", "Drops packets on this node, as a firewall does.", `edge:drop { out = true, icmp = "frag-needed" }`, "drop"),
	filter("accept", "Accepts packets on this node: rules after it do not see them.", `edge:accept { fwd = true, tcp = 443 }`, "accept"),
	ruleVerb("reject", "Drops packets on this node and answers them: with a TCP reset, or an ICMP error.",
		`edge:reject { fwd = true, tcp = 81, with = "tcp-reset" }`,
		with(append(slices.Clone(placeOptions), kTo,
			args.OptDef("with", args.Enum("answer", "tcp-reset", "net-unreachable", "host-unreachable", "proto-unreachable", "port-unreachable", "net-prohibited", "host-prohibited",
				"admin-prohibited"), `"port-unreachable"`, "what it says"))...),
		func(c *vm.Call, six bool) (string, string, bool, error) {
			chain, err := place(c, "reject")
			answer := vm.ArgOr(c, "with", "port-unreachable")
			a := answers[answer][0]
			if six {
				a = answers[answer][1]
			}
			if a == "" {
				return chain, "", true, err
			}
			return chain, "reject with " + a, answer != "tcp-reset", err
		}),
	ruleVerb("clamp_mss", "Rewrites the MSS of connections that pass: to a number, or to what the path takes.", `edge:clamp_mss "path"`,
		with(kTo, args.Need("mss", &vm.Kind{Name: "MSS", Type: `"path"|integer`, Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
			if x == lua.LString("path") {
				return 0, nil
			}
			if n, ok := x.(lua.LNumber); ok && n >= 48 && n <= 65495 && float64(n) == float64(int(n)) {
				return int(n), nil
			}
			return nil, args.Wrong(x, "an MSS", `write "path", or a number from 48 to 65495`)
		}}, `"path" or bytes`)),
		func(c *vm.Call, _ bool) (string, string, bool, error) {
			to := "rt mtu"
			if n := c.Args["mss"].(int); n > 0 {
				to = fmt.Sprint(n)
			}
			return "mangle", "tcp flags & syn == syn tcp option maxseg size set " + to, false, nil
		}),
	ruleVerb("notrack", "Packets pass without their connection being tracked.", `gateway:notrack { tcp = 443 }`, with(kTo, optOut),
		func(c *vm.Call, _ bool) (string, string, bool, error) { return rawChain(c), "notrack", false, nil }),
	ruleVerb("zone", "Packets are tracked in a zone of connection tracking of their own.", `gateway:zone { id = 5, iif = net.left }`,
		with(kTo, optOut, args.Need("id", args.Int("zone", 1, 65535, "1 to 65535"), "number of the zone")),
		func(c *vm.Call, _ bool) (string, string, bool, error) {
			return rawChain(c), fmt.Sprintf("ct zone set %d", c.Args["id"].(int)), false, nil
		}),
	ruleVerb("mark", "Marks packets before they are routed, for policies and other rules.", `edge:mark { set = 7, tcp = 443 }`,
		with(kTo, optOut, args.Need("set", args.Int("mark", 0, 1<<32-1, "a whole number"), "the mark they get")),
		func(c *vm.Call, _ bool) (string, string, bool, error) {
			chain := "mangle_prerouting"
			if vm.ArgOr(c, "out", false) {
				chain = "route_output"
			}
			return chain, fmt.Sprintf("meta mark set %d", c.Args["set"].(int)), false, nil
		}),
	{Name: "rule", Doc: "Installs a rule as nft(8) writes it, for what the other verbs do not reach. A counter is added.",
		Example: `edge:rule("forward", "tcp dport 443 ct state invalid drop")`, Returns: "Fault", Phase: vm.Running,
		Params: []vm.Param{{Name: "chain", Kind: args.Enum("chain", firewall.Chains()...), Doc: "where it stands"},
			{Name: "text", Kind: args.String, Doc: "what it matches and does"}},
		Options: []vm.Option{session.OptName, session.OptOptional},
		Fn: func(c *vm.Call) error {
			return install(c, c.Self.(*session.Node), "rule", []firewall.Spec{{Chain: c.Args["chain"].(string), Text: c.Args["text"].(string)}})
		}},
}

func init() { // a short form: clamp_mss "path"
	for _, m := range filterVerbs {
		if m.Name == "clamp_mss" {
			m.First = "mss"
		}
	}
}

var optOut = args.OptDef("out", args.Bool, "false", "what this node sends, instead of what reaches it")

func rawChain(c *vm.Call) string {
	if vm.ArgOr(c, "out", false) {
		return "raw_output"
	}
	return "raw"
}
