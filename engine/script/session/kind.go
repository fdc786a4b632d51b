//go:build linux

package session

import (
	"errors"
	"net/netip"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/fault"
	"netrepro/engine/lab/firewall/nft"
	"netrepro/engine/script/args"
	"netrepro/engine/script/vm"
	"netrepro/engine/trace"
)

// KHost is a node.
var KHost = vm.NewKind("host", "Host|Router", func(_ *vm.Call, x lua.LValue) (*Node, error) {
	n, ok := vm.As(x, Host, Router, Switch)
	if !ok {
		return nil, args.Wrong(x, "a host", "write net.NAME")
	}
	return n.(*Node), nil
})

// KFault is a fault.
var KFault = vm.NewKind("fault", "Fault", func(_ *vm.Call, x lua.LValue) (fault.Handle, error) {
	f, ok := vm.As(x, Fault)
	if !ok {
		return nil, args.Wrong(x, "a fault", "give what wire:drop returned")
	}
	return f.(fault.Handle), nil
})

// Ended has two addresses, as a connection has.
type Ended interface {
	Local() netip.AddrPort
	Remote() netip.AddrPort
}

// KEnds is a connection: whatever has two addresses.
var KEnds = vm.NewKind("connection", "Conn|Call|Response", func(_ *vm.Call, x lua.LValue) (*trace.Ends, error) {
	if e, ok := vm.Value(x).(Ended); ok {
		return &trace.Ends{A: e.Local(), B: e.Remote()}, nil
	}
	return nil, args.Wrong(x, "a connection", "give what dial, tls or fetch returned")
})

// KWire is a wire of this topology, by its name.
var KWire = vm.NewKind("wire", "Wire|string", func(_ *vm.Call, x lua.LValue) (string, error) {
	if w, ok := vm.As(x, Wire); ok {
		return w.(*LiveWire).Plan.Name, nil
	}
	if s, ok := x.(lua.LString); ok {
		return string(s), nil
	}
	return "", args.Wrong(x, "a wire", "write net.WIRE, or its name")
})

// Party is whom a rule or a tracked connection is about: addresses and prefixes.
type Party []netip.Prefix

// Has reports whether a is one of p's; every address is where p is nil.
func (p Party) Has(a netip.Addr) bool {
	for _, x := range p {
		if x.Contains(a) {
			return true
		}
	}
	return p == nil
}

// KParty is a host, an address or a prefix.
var KParty = vm.NewKind("host or prefix", "Host|string", func(_ *vm.Call, x lua.LValue) (Party, error) {
	if n, ok := vm.As(x, Host, Router); ok {
		p := Party{}
		for _, a := range n.(*Node).Addrs() {
			p = append(p, netip.PrefixFrom(a, a.BitLen()))
		}
		return p, nil
	}
	if s, ok := x.(lua.LString); ok {
		if a, err := netip.ParseAddr(string(s)); err == nil && a.Zone() == "" {
			return Party{netip.PrefixFrom(a, a.BitLen())}, nil
		}
		if p, err := netip.ParsePrefix(string(s)); err == nil {
			return Party{p.Masked()}, nil
		}
	}
	return nil, args.Wrong(x, "a host or a prefix", `write net.NAME, "192.0.2.1" or "192.0.2.0/24"`)
})

// RefusedRule gives the error of a firewall rule its place in the script.
func RefusedRule(c *vm.Call, err error) error {
	var ne *nft.Error
	if errors.As(err, &ne) {
		return c.Fail(ne.Word, "the words that are known are those of nft(8)", "%v", err)
	}
	return c.Fail("", `look at what the rule needs of the kernel; needs = { "nftables" } skips where it has none`,
		"%v", err)
}
