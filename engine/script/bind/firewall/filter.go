//go:build linux

package firewall

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/script/args"
	"netrepro/engine/script/vm"
)

// place says where on a node a filter looks.
type place struct{ out, fwd, in bool }

func placeOptions(a *place) []vm.Argument {
	return []vm.Argument{
		args.Bool.Def(&a.out, "out", "false", "what this node sends"),
		args.Bool.Def(&a.fwd, "fwd", "false", "what it passes on"),
		args.Bool.Def(&a.in, "in", "false", "what is for itself"),
	}
}

// chain is the chain that a filter looks in.
func (a *place) chain(c *vm.Call, verb string) (string, error) {
	chain, option := "", ""
	for _, p := range []struct {
		on            bool
		option, chain string
	}{{a.out, "out", "output"}, {a.fwd, "fwd", "forward"}, {a.in, "in", "input"}} {
		if !p.on {
			continue
		}
		if chain != "" {
			return "", c.Fail(p.option, "write one "+verb+" for each", "%s looks in one place: %s or %s",
				verb, option, p.option)
		}
		chain, option = p.chain, p.option
	}
	if chain == "" {
		return "", c.Fail(verb, "write out = true for what the node sends, fwd = true for what it passes on, "+
			"in = true for what is for itself", "%s does not say where to look", verb)
	}
	return chain, nil
}

// filter makes a verb that looks in one place and does one thing.
func filter(name, doc, example, act string) *vm.Method {
	return ruleVerb(vm.Method{Name: name, Doc: doc, Example: example},
		func(a *place, p *about) []vm.Argument { return append(placeOptions(a), p.toOption()) },
		func(c *vm.Call, a *place, _ *about, _ bool) (effect, error) {
			chain, err := a.chain(c, name)
			return effect{chain: chain, acts: []string{act}}, err
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

var (
	kAnswer = args.Enum("answer", "tcp-reset", "net-unreachable", "host-unreachable", "proto-unreachable",
		"port-unreachable", "net-prohibited", "host-prohibited", "admin-prohibited")
	kZone = args.Int("zone", 1, 65535, "1 to 65535")
	// kMSS is an MSS, 0 for what the path takes.
	kMSS = vm.NewKind("MSS", `"path"|integer`, func(_ *vm.Call, x lua.LValue) (int, error) {
		if x == lua.LString("path") {
			return 0, nil
		}
		if n, ok := x.(lua.LNumber); ok && n >= 48 && n <= 65495 && float64(n) == float64(int(n)) {
			return int(n), nil
		}
		return 0, args.Wrong(x, "an MSS", `write "path", or a number from 48 to 65495`)
	})
)

// rejected are the arguments of reject.
type rejected struct {
	place
	with string
}

// early are the arguments of what is done before the rest: to what reaches the
// node, or to what it sends.
type early struct {
	out    bool
	number int
}

func outOption(to *bool) vm.Argument {
	return args.Bool.Def(to, "out", "false", "what this node sends, instead of what reaches it")
}

func rawChain(out bool) string {
	if out {
		return "raw_output"
	}
	return "raw"
}

var filterVerbs = []*vm.Method{
	filter("drop", "Drops packets on this node, as a firewall does.",
		`edge:drop { out = true, icmp = "frag-needed" }`, "drop"),
	filter("accept", "Accepts packets on this node: rules after it do not see them.",
		`edge:accept { fwd = true, tcp = 443 }`, "accept"),
	ruleVerb(vm.Method{Name: "reject",
		Doc:     "Drops packets on this node and answers them: with a TCP reset, or an ICMP error.",
		Example: `edge:reject { fwd = true, tcp = 81, with = "tcp-reset" }`},
		func(a *rejected, p *about) []vm.Argument {
			return append(placeOptions(&a.place), p.toOption(),
				kAnswer.Def(&a.with, "with", `"port-unreachable"`, "what it says"))
		},
		func(c *vm.Call, a *rejected, _ *about, six bool) (effect, error) {
			chain, err := a.chain(c, "reject")
			say := answers[a.with][0]
			if six {
				say = answers[a.with][1]
			}
			if say == "" {
				return effect{}, err
			}
			return effect{chain, []string{"reject with " + say}, a.with != "tcp-reset"}, err
		}),
	ruleVerb(vm.Method{Name: "clamp_mss",
		Doc:     "Rewrites the MSS of connections that pass: to a number, or to what the path takes.",
		Example: `edge:clamp_mss "path"`, First: "mss"},
		func(mss *int, p *about) []vm.Argument {
			return []vm.Argument{p.toOption(), kMSS.Need(mss, "mss", `"path" or bytes`)}
		},
		func(_ *vm.Call, mss *int, _ *about, _ bool) (effect, error) {
			to := "rt mtu"
			if *mss > 0 {
				to = fmt.Sprint(*mss)
			}
			return effect{chain: "mangle", acts: []string{"tcp flags & syn == syn tcp option maxseg size set " + to}},
				nil
		}),
	ruleVerb(vm.Method{Name: "notrack", Doc: "Packets pass without their connection being tracked.",
		Example: `gateway:notrack { tcp = 443 }`},
		func(a *early, p *about) []vm.Argument { return []vm.Argument{p.toOption(), outOption(&a.out)} },
		func(_ *vm.Call, a *early, _ *about, _ bool) (effect, error) {
			return effect{chain: rawChain(a.out), acts: []string{"notrack"}}, nil
		}),
	ruleVerb(vm.Method{Name: "zone", Doc: "Packets are tracked in a zone of connection tracking of their own.",
		Example: `gateway:zone { id = 5, iif = net.left }`},
		func(a *early, p *about) []vm.Argument {
			return []vm.Argument{p.toOption(), outOption(&a.out), kZone.Need(&a.number, "id", "number of the zone")}
		},
		func(_ *vm.Call, a *early, _ *about, _ bool) (effect, error) {
			return effect{chain: rawChain(a.out), acts: []string{fmt.Sprintf("ct zone set %d", a.number)}}, nil
		}),
	ruleVerb(vm.Method{Name: "mark", Doc: "Marks packets before they are routed, for policies and other rules.",
		Example: `edge:mark { set = 7, tcp = 443 }`},
		func(a *early, p *about) []vm.Argument {
			return []vm.Argument{p.toOption(), outOption(&a.out), kMark.Need(&a.number, "set", "the mark they get")}
		},
		func(_ *vm.Call, a *early, _ *about, _ bool) (effect, error) {
			chain := "mangle_prerouting"
			if a.out {
				chain = "route_output"
			}
			return effect{chain: chain, acts: []string{fmt.Sprintf("meta mark set %d", a.number)}}, nil
		}),
	writtenVerb,
}
