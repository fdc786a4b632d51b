//go:build linux

// Package path has the verbs that ask whether and how a node is reached: ping,
// traceroute, the path MTU, names; and the datagram sockets below them.
package path

import (
	"net/netip"
	"slices"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// Room is what this room adds to the language.
func Room() vm.Room {
	verbs := slices.Concat([]*vm.Method{pingVerb, traceVerb, mtuVerb, tcpPingVerb, dnsVerb, resolveVerb}, datagramVerbs)
	return vm.Room{Classes: []*vm.Class{dnsClass, datagramClass}, Members: session.OnNodes(verbs)}
}

// whom is a node or an address.
type whom struct {
	node *session.Node // nil of an address
	addr netip.Addr
}

// kWhom is a node or an address.
var kWhom = vm.NewKind("node or address", "Host|Router|string", func(_ *vm.Call, x lua.LValue) (whom, error) {
	if n, ok := vm.As(x, session.Host, session.Router); ok {
		return whom{node: n.(*session.Node)}, nil
	}
	if s, ok := x.(lua.LString); ok {
		if a, err := netip.ParseAddr(string(s)); err == nil {
			return whom{addr: a}, nil
		}
	}
	return whom{}, args.Wrong(x, "a node or an address", `write net.NAME or "192.0.2.1"`)
})

// address is the address that w means in an IP version, nil for its first; invalid
// if nobody is meant.
func (w whom) address(c *vm.Call, version *int) (netip.Addr, error) {
	switch {
	case w.node == nil:
		return w.addr, nil
	case version == nil:
		return w.node.Primary(), nil
	}
	a := w.node.Address(*version == 6)
	if !a.IsValid() {
		return a, c.Fail("ip", `write ip = "dual" in the topology to have both`, "%s has no IPv%d address",
			w.node.Name, *version)
	}
	return a, nil
}

// route is whom something is sent to, and where it is sent from.
type route struct {
	to   whom
	ip   *int
	from *string
}

func ipOption(to **int) vm.Argument {
	return args.IPVersion.Maybe(to, "ip", "the IP version, if there are two; 4 by default")
}

func fromOption(to **string) vm.Argument {
	return args.String.Maybe(to, "from_addr", "source address; the kernel's choice by default")
}

// toOption is whom a verb must be told.
func toOption(w *whom) vm.Argument { return kWhom.Need(w, "to", "a node or an address") }

// addresses are whom r is about and where it is sent from, invalid where it does
// not say.
func (r *route) addresses(c *vm.Call) (to, from netip.Addr, err error) {
	if to, err = r.to.address(c, r.ip); err != nil || r.from == nil {
		return to, from, err
	}
	if from, err = netip.ParseAddr(*r.from); err != nil {
		return to, from, c.Fail(*r.from, `write it like "192.0.2.1"`, "from_addr: %q is not an address", *r.from)
	}
	return to, from, nil
}
