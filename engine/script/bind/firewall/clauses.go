//go:build linux

package firewall

import (
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/fault"
	"netrepro/engine/lab/firewall"
	"netrepro/engine/lab/firewall/nft"
	"netrepro/engine/match/value"
	"netrepro/engine/packet"
	"netrepro/engine/script/args"
	"netrepro/engine/script/matching"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// party is whom a rule is about: addresses and prefixes.
type party []netip.Prefix

// kParty is a host, an address or a prefix.
var kParty = &vm.Kind{Name: "host or prefix", Type: "Host|string", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	if n, ok := vm.As(x, session.Host, session.Router); ok {
		var p party
		for _, a := range n.(*session.Node).Addrs() {
			p = append(p, netip.PrefixFrom(a, a.BitLen()))
		}
		return p, nil
	}
	if s, ok := x.(lua.LString); ok {
		if a, err := netip.ParseAddr(string(s)); err == nil && a.Zone() == "" {
			return party{netip.PrefixFrom(a, a.BitLen())}, nil
		}
		if p, err := netip.ParsePrefix(string(s)); err == nil {
			return party{p.Masked()}, nil
		}
	}
	return nil, args.Wrong(x, "a host or a prefix", `write net.NAME, "192.0.2.1" or "192.0.2.0/24"`)
}}

// kPorts is a port, a range of ports, or true for all.
var kPorts = &vm.Kind{Name: "port", Type: "integer|string|boolean", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	if x == lua.LTrue {
		return "", nil
	}
	if s, ok := x.(lua.LString); ok {
		var a, b int
		if n, err := fmt.Sscanf(string(s), "%d-%d", &a, &b); err == nil && n == 2 && a >= 1 && a <= b && b <= 65535 && fmt.Sprintf("%d-%d", a, b) == string(s) {
			return string(s), nil
		}
		return nil, args.Wrong(x, "a port", `write 443, "5000-5010", or true for any`)
	}
	n, err := args.Port.Parse(c, x)
	if err != nil {
		return nil, err
	}
	return fmt.Sprint(n), nil
}}

// kWire is a wire of this topology.
var kWire = &vm.Kind{Name: "wire", Type: "Wire|string", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	if w, ok := vm.As(x, session.Wire); ok {
		return w.(*session.LiveWire).Plan.Name, nil
	}
	if s, ok := x.(lua.LString); ok {
		return string(s), nil
	}
	return nil, args.Wrong(x, "a wire", "write net.WIRE, or its name")
}}

// kStates is one state of connection tracking or several.
var kStates = &vm.Kind{Name: "state of connection tracking", Type: "string|string[]", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	one := args.Enum("state of connection tracking", "new", "established", "related", "invalid", "untracked")
	t, ok := x.(*lua.LTable)
	if !ok {
		return one.Parse(c, x)
	}
	items, err := args.List(t, `write { "new", "established" }`)
	if err != nil {
		return nil, err
	}
	if len(items) == 0 {
		return nil, args.Wrong(x, "a state of connection tracking", `write "invalid", or { "new", "established" }`)
	}
	var out []string
	for _, x := range items {
		s, err := one.Parse(c, x)
		if err != nil {
			return nil, err
		}
		out = append(out, s.(string))
	}
	return strings.Join(out, ","), nil
}}

// aboutOptions say which packets a rule is about.
var aboutOptions = []vm.Option{
	args.Opt("from", kParty, "the sender: a host, an address or a prefix"),
	args.Opt("tcp", kPorts, "TCP to this port, or true"),
	args.Opt("udp", kPorts, "UDP to this port, or true"),
	args.Opt("sport", kPorts, "from this port"),
	args.Opt("icmp", matching.KICMP, "an ICMP or ICMPv6 message"),
	args.Opt("flags", args.String, `exactly these TCP flags, as tcpdump writes them: "S", "R."`),
	args.Opt("iif", kWire, "what came by this wire"),
	args.Opt("oif", kWire, "what goes by this wire"),
	args.Opt("ct", kStates, "the state of its connection: new established related invalid untracked"),
	args.Opt("mark", args.Int("mark", 0, 1<<32-1, "a whole number"), "packets that a rule has marked"),
	args.Opt("size", matching.KLen, "bytes of the IP packet"),
	args.Opt("every", args.Int("number", 1, 1<<31, "write a whole number"), "every so many of them"),
	args.Opt("rate", args.String, `as long as there are fewer: "10/second"`),
	args.Opt("over", args.String, `as far as there are more: "10/second"`),
	session.OptName, session.OptOptional,
}

// clauses writes which packets a rule is about, for one IP version. specific
// says that the text is for that version alone; ok is false if no packet of it
// is meant.
func clauses(c *vm.Call, n *session.Node, six bool) (text string, specific, ok bool, err error) {
	var s []string
	add := func(format string, args ...any) { s = append(s, fmt.Sprintf(format, args...)) }
	for _, end := range []struct{ option, field string }{{"from", "saddr"}, {"to", "daddr"}, {"dst", "daddr"}} {
		p, given := c.Args[end.option].(party)
		if !given {
			continue
		}
		specific = true
		list := p.of(six)
		if len(list) == 0 {
			return "", true, false, nil
		}
		add("%s %s %s", version(six), end.field, oneOf(list))
	}
	if name, given := vm.Arg[string](c, "icmp"); given {
		specific = true
		proto, number := "icmp", uint8(packet.ProtoICMP)
		if six {
			proto, number = "icmpv6", packet.ProtoICMPv6
		}
		tc, known := packet.ICMPNames[name].Of(number)
		if !known {
			return "", true, false, nil
		}
		if tc[0] < 0 {
			add("meta l4proto %s", proto)
		} else {
			add("%s type %d", proto, tc[0])
		}
		if tc[1] >= 0 {
			add("%s code %d", proto, tc[1])
		}
	}
	if has := c.Args; has["tcp"] != nil && has["udp"] != nil {
		return "", false, false, c.Fail("udp", "write a rule for each", "no packet is TCP and UDP")
	}
	sport, fromPort := vm.Arg[string](c, "sport")
	ported := false
	for _, proto := range []string{"tcp", "udp"} {
		port, given := vm.Arg[string](c, proto)
		if !given {
			continue
		}
		ported = true
		if port == "" {
			add("meta l4proto %s", proto)
		} else {
			add("%s dport %s", proto, port)
		}
		if fromPort && sport != "" {
			add("%s sport %s", proto, sport)
		}
	}
	if fromPort && !ported {
		return "", false, false, c.Fail("sport", "write tcp = true or udp = true", "a port of what protocol?")
	}
	if f, given := vm.Arg[string](c, "flags"); given {
		flags, good := packet.ParseFlags(f)
		if !good || f == "" {
			return "", false, false, c.Fail(f, `write them as tcpdump does: "S", "P."`, "%q are not TCP flags", f)
		}
		add("tcp flags == %s", flagWords(flags))
	}
	for _, i := range []struct{ option, field string }{{"iif", "iifname"}, {"oif", "oifname"}} {
		if w, given := vm.Arg[string](c, i.option); given {
			dev, known := n.Dev(w)
			if !known {
				return "", false, false, c.Fail(w, `name a wire of the node; of one with a trunk, a VLAN: "WIRE.10"`, "%s has no device on wire %q", n.Name, w)
			}
			add("%s %q", i.field, dev)
		}
	}
	if states, given := vm.Arg[string](c, "ct"); given {
		add("ct state %s", states)
	}
	if m, given := vm.Arg[int](c, "mark"); given {
		add("meta mark %d", m)
	}
	if r, given := vm.Arg[value.Range](c, "size"); given {
		if r.Max < 0 {
			add("meta length >= %d", r.Min)
		} else {
			add("meta length %d-%d", r.Min, r.Max)
		}
	}
	if k, given := vm.Arg[int](c, "every"); given {
		add("numgen inc mod %d %d", k, k-1)
	}
	for option, over := range map[string]string{"rate": "", "over": "over "} {
		if rate, given := vm.Arg[string](c, option); given {
			add("limit rate %s%s", over, rate)
		}
	}
	return strings.Join(s, " "), specific, true, nil
}

// of are the prefixes of one IP version.
func (p party) of(six bool) []string {
	var out []string
	for _, x := range p {
		if x.Addr().Is6() != six {
			continue
		}
		if x.IsSingleIP() {
			out = append(out, x.Addr().String())
		} else {
			out = append(out, x.String())
		}
	}
	return out
}

func oneOf(list []string) string {
	if len(list) == 1 {
		return list[0]
	}
	return "{ " + strings.Join(list, ", ") + " }"
}

func version(six bool) string {
	if six {
		return "ip6"
	}
	return "ip"
}

func flagWords(f packet.TCPFlags) string {
	var out []string
	for i, name := range []string{"fin", "syn", "rst", "psh", "ack", "urg", "ecn", "cwr"} {
		if f&(1<<i) != 0 {
			out = append(out, name)
		}
	}
	if len(out) == 0 {
		return "0"
	}
	return "(" + strings.Join(out, "|") + ")"
}

// ruleVerb makes a verb that installs rules: one, or one for each IP version
// where they differ. write gives the chain and what the rule does for a version,
// a line a rule, an empty one if it does not apply there; specific says that the
// versions differ.
func ruleVerb(name, doc, example string, options []vm.Option, write func(c *vm.Call, six bool) (chain, act string, specific bool, err error)) *vm.Method {
	return &vm.Method{Name: name, Doc: doc, Example: example, Returns: "Fault", Phase: vm.Running, Options: options,
		Fn: func(c *vm.Call) error {
			n := c.Self.(*session.Node)
			var specs []firewall.Spec
			for _, six := range []bool{false, true} {
				if !n.Has(six) {
					continue
				}
				about, specific, ok, err := clauses(c, n, six)
				if err != nil {
					return err
				}
				chain, act, differs, err := write(c, six)
				if err != nil {
					return err
				}
				if !ok || act == "" {
					continue
				}
				for act := range strings.SplitSeq(act, "\n") {
					specs = append(specs, firewall.Spec{Chain: chain, Text: strings.TrimSpace(about + " " + act)})
				}
				if !specific && !differs {
					break
				}
			}
			if len(specs) == 0 {
				return c.Fail(name, "say what packets of the topology's IP version have", "no packet that %s handles can match", n.Name)
			}
			return install(c, n, name, specs)
		}}
}

// install adds rules to a node and makes them known as a fault.
func install(c *vm.Call, n *session.Node, verb string, specs []firewall.Spec) error {
	rule, err := n.Rules.Add(specs...)
	if err != nil {
		return refused(c, err)
	}
	h := &session.RuleHandle{Rule: rule, Name: vm.ArgOr(c, "name", fmt.Sprintf("%s:%s { %s: %s }", n.Name, verb, specs[0].Chain, specs[0].Text)),
		Optional: vm.ArgOr(c, "optional", false), At: c.Line}
	if breaks(verb, specs) && n.Run.Spare() {
		if err := h.Disarm(); err != nil {
			return err
		}
	}
	arm(c, n, h)
	return nil
}

// refused gives an error of a rule its place in the script.
func refused(c *vm.Call, err error) error {
	var ne *nft.Error
	if errors.As(err, &ne) {
		return c.Fail(ne.Word, "the words that are known are those of nft(8)", "%v", err)
	}
	return c.Fail("", `look at what the rule needs of the kernel; needs = { "nftables" } skips where it has none`, "%v", err)
}

// breaks reports whether a rule takes packets away; all else that rules do is
// how a network is meant to be.
func breaks(verb string, specs []firewall.Spec) bool {
	taken := func(s firewall.Spec) bool {
		return strings.HasSuffix(s.Text, "drop") || strings.Contains(s.Text, "reject")
	}
	return verb == "drop" || verb == "reject" || verb == "rule" && slices.ContainsFunc(specs, taken)
}

func arm(c *vm.Call, n *session.Node, h fault.Handle) {
	n.Run.Arm(h)
	c.Return(c.VM.New(session.Fault, h))
}

// with are options after those that say which packets are meant.
func with(more ...vm.Option) []vm.Option { return slices.Concat(more, aboutOptions) }
