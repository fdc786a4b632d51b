//go:build linux

package firewall

import (
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/match/value"
	"netrepro/engine/packet"
	"netrepro/engine/script/args"
	"netrepro/engine/script/matching"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// kPorts is a port, a range of ports, or true for all, which is empty.
var kPorts = vm.NewKind("port", "integer|string|boolean", func(c *vm.Call, x lua.LValue) (string, error) {
	if x == lua.LTrue {
		return "", nil
	}
	if s, ok := x.(lua.LString); ok {
		var a, b int
		n, err := fmt.Sscanf(string(s), "%d-%d", &a, &b)
		if err == nil && n == 2 && a >= 1 && a <= b && b <= 65535 && fmt.Sprintf("%d-%d", a, b) == string(s) {
			return string(s), nil
		}
		return "", args.Wrong(x, "a port", `write 443, "5000-5010", or true for any`)
	}
	n, err := args.Port.Read(c, x)
	if err != nil {
		return "", err
	}
	return fmt.Sprint(n), nil
})

var kState = args.Enum("state of connection tracking", "new", "established", "related", "invalid", "untracked")

// kStates is one state of connection tracking or several.
var kStates = vm.NewKind("state of connection tracking", "string|string[]",
	func(c *vm.Call, x lua.LValue) (string, error) {
		t, ok := x.(*lua.LTable)
		if !ok {
			return kState.Read(c, x)
		}
		items, err := args.List(t, `write { "new", "established" }`)
		if err != nil {
			return "", err
		}
		if len(items) == 0 {
			return "", args.Wrong(x, "a state of connection tracking", `write "invalid", or { "new", "established" }`)
		}
		var out []string
		for _, x := range items {
			s, err := kState.Read(c, x)
			if err != nil {
				return "", err
			}
			out = append(out, s)
		}
		return strings.Join(out, ","), nil
	})

var (
	kMark  = args.Int("mark", 0, 1<<32-1, "a whole number")
	kEvery = args.Int("number", 1, 1<<31, "write a whole number")
	kSize  = vm.KindOf[value.Range]{Kind: matching.KLen}
)

// about says which packets a rule is about; nil and empty are all.
type about struct {
	from, to, dst session.Party
	tcp, udp      *string // ports; empty for all
	sport         *string
	icmp          *string
	flags         *string
	iif, oif      *string
	ct            *string
	mark          *int
	size          *value.Range
	every         *int
	rate, over    *string
	name          *string
	optional      *bool
}

// aboutOptions are those that every rule takes, but for to and dst.
func aboutOptions(a *about) []vm.Argument {
	return []vm.Argument{
		session.KParty.Opt(&a.from, "from", "the sender: a host, an address or a prefix"),
		kPorts.Maybe(&a.tcp, "tcp", "TCP to this port, or true"),
		kPorts.Maybe(&a.udp, "udp", "UDP to this port, or true"),
		kPorts.Maybe(&a.sport, "sport", "from this port"),
		matching.KICMP.Maybe(&a.icmp, "icmp", "an ICMP or ICMPv6 message"),
		args.String.Maybe(&a.flags, "flags", `exactly these TCP flags, as tcpdump writes them: "S", "R."`),
		session.KWire.Maybe(&a.iif, "iif", "what came by this wire"),
		session.KWire.Maybe(&a.oif, "oif", "what goes by this wire"),
		kStates.Maybe(&a.ct, "ct", "the state of its connection: new established related invalid untracked"),
		kMark.Maybe(&a.mark, "mark", "packets that a rule has marked"),
		kSize.Maybe(&a.size, "size", "bytes of the IP packet"),
		kEvery.Maybe(&a.every, "every", "every n-th of them"),
		args.String.Maybe(&a.rate, "rate", `those up to this rate: "10/second"`),
		args.String.Maybe(&a.over, "over", `those beyond this rate: "10/second"`),
		session.Named(&a.name), session.Optional(&a.optional),
	}
}

// to is the receiver of filters, dst what translations call it.
func (a *about) toOption() vm.Argument {
	return session.KParty.Opt(&a.to, "to", "the receiver: a host, an address or a prefix")
}

func (a *about) dstOption() vm.Argument {
	return session.KParty.Opt(&a.dst, "dst", "whom they were sent to: a host, an address or a prefix")
}

// clauses are the words of a rule that say which packets it is about, for one IP
// version. Specific says that they are for that version alone; none, that no
// packet of it is meant.
type clauses struct {
	words          []string
	specific, none bool
}

func (s *clauses) add(format string, args ...any) {
	s.words = append(s.words, fmt.Sprintf(format, args...))
}

// clauses writes which packets a rule on n is about, for one IP version.
func (a *about) clauses(c *vm.Call, n *session.Node, six bool) (*clauses, error) {
	s := &clauses{}
	for _, end := range []struct {
		party session.Party
		field string
	}{{a.from, "saddr"}, {a.to, "daddr"}, {a.dst, "daddr"}} {
		if end.party == nil {
			continue
		}
		s.specific = true
		list := of(end.party, six)
		if len(list) == 0 {
			s.none = true
			return s, nil
		}
		s.add("%s %s %s", version(six), end.field, oneOf(list))
	}
	if a.icmp != nil {
		s.icmp(*a.icmp, six)
		if s.none {
			return s, nil
		}
	}
	if err := a.transport(c, s); err != nil {
		return nil, err
	}
	if err := a.devices(c, n, s); err != nil {
		return nil, err
	}
	a.rest(s)
	return s, nil
}

// icmp writes which ICMP message is meant.
func (s *clauses) icmp(name string, six bool) {
	s.specific = true
	proto, number := "icmp", uint8(packet.ProtoICMP)
	if six {
		proto, number = "icmpv6", packet.ProtoICMPv6
	}
	tc, known := packet.ICMPNames[name].Of(number)
	if !known {
		s.none = true
		return
	}
	if tc[0] < 0 {
		s.add("meta l4proto %s", proto)
	} else {
		s.add("%s type %d", proto, tc[0])
	}
	if tc[1] >= 0 {
		s.add("%s code %d", proto, tc[1])
	}
}

// transport writes which ports and flags are meant.
func (a *about) transport(c *vm.Call, s *clauses) error {
	if a.tcp != nil && a.udp != nil {
		return c.Fail("udp", "write a rule for each", "no packet is TCP and UDP")
	}
	for _, p := range []struct {
		proto string
		port  *string
	}{{"tcp", a.tcp}, {"udp", a.udp}} {
		if p.port == nil {
			continue
		}
		if *p.port == "" {
			s.add("meta l4proto %s", p.proto)
		} else {
			s.add("%s dport %s", p.proto, *p.port)
		}
		if from := vm.Or(a.sport, ""); from != "" {
			s.add("%s sport %s", p.proto, from)
		}
	}
	if a.sport != nil && a.tcp == nil && a.udp == nil {
		return c.Fail("sport", "write tcp = true or udp = true", "a port of what protocol?")
	}
	if f := a.flags; f != nil {
		flags, good := packet.ParseFlags(*f)
		if !good || *f == "" {
			return c.Fail(*f, `write them as tcpdump does: "S", "P."`, "%q are not TCP flags", *f)
		}
		s.add("tcp flags == %s", flagWords(flags))
	}
	return nil
}

// devices writes by which devices packets come and go.
func (a *about) devices(c *vm.Call, n *session.Node, s *clauses) error {
	for _, i := range []struct {
		wire  *string
		field string
	}{{a.iif, "iifname"}, {a.oif, "oifname"}} {
		if i.wire == nil {
			continue
		}
		dev, known := n.Dev(*i.wire)
		if !known {
			return c.Fail(*i.wire, `name a wire of the node; of one with a trunk, a VLAN: "WIRE.10"`,
				"%s has no device on wire %q", n.Name, *i.wire)
		}
		s.add("%s %q", i.field, dev)
	}
	return nil
}

// rest writes what is left.
func (a *about) rest(s *clauses) {
	if a.ct != nil {
		s.add("ct state %s", *a.ct)
	}
	if a.mark != nil {
		s.add("meta mark %d", *a.mark)
	}
	if r := a.size; r != nil {
		if r.Max < 0 {
			s.add("meta length >= %d", r.Min)
		} else {
			s.add("meta length %d-%d", r.Min, r.Max)
		}
	}
	if a.every != nil {
		s.add("numgen inc mod %d %d", *a.every, *a.every-1)
	}
	if a.rate != nil {
		s.add("limit rate %s", *a.rate)
	}
	if a.over != nil {
		s.add("limit rate over %s", *a.over)
	}
}

// of are the prefixes of one IP version.
func of(p session.Party, six bool) []string {
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
