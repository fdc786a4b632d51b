//go:build linux

package firewall

import (
	"fmt"
	"net/netip"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// kTarget is where translated packets go.
var kTarget = vm.NewKind("target", "Host|string", func(_ *vm.Call, x lua.LValue) ([]netip.Addr, error) {
	if n, ok := vm.As(x, session.Host, session.Router); ok {
		return n.(*session.Node).Addrs(), nil
	}
	if s, ok := x.(lua.LString); ok {
		if a, err := netip.ParseAddr(string(s)); err == nil && a.Zone() == "" {
			return []netip.Addr{a}, nil
		}
	}
	return nil, args.Wrong(x, "a target", `write net.NAME or "192.0.2.1"`)
})

// translation is what packets get: an address, and a port if one is given.
type translation struct {
	out  bool
	to   []netip.Addr
	port *string
}

// write is a translation by that word of nft's in one IP version, nil if there is
// no address of it.
func (t *translation) write(word string, six bool) []string {
	for _, a := range t.to {
		if a.Is6() != six {
			continue
		}
		switch {
		case t.port != nil && six:
			return []string{fmt.Sprintf("%s ip6 to [%s]:%s", word, a, *t.port)}
		case t.port != nil:
			return []string{fmt.Sprintf("%s ip to %s:%s", word, a, *t.port)}
		}
		return []string{fmt.Sprintf("%s %s to %s", word, version(six), a)}
	}
	return nil
}

func natChain(out bool) string {
	if out {
		return "dstnat_output"
	}
	return "dstnat"
}

// masquerade are the arguments of masquerade.
type masquerade struct {
	port                *string
	random, fullyRandom bool
}

// flags are the words that say how source ports are drawn.
func (m *masquerade) flags() string {
	text := ""
	if m.random {
		text += " random"
	}
	if m.fullyRandom {
		text += " fully-random"
	}
	return text
}

// ported is masquerading to ports: source address translation to the address of
// each device of n, or of the one on the wire only.
func (m *masquerade) ported(n *session.Node, only *string, six bool) []string {
	var acts []string
	for _, f := range n.Devices() {
		a := f.Addr(six).Addr()
		if !a.IsValid() || only != nil && n.Iface(*only) != f {
			continue
		}
		to := strings.TrimSuffix(netip.AddrPortFrom(a, 0).String(), ":0")
		acts = append(acts, fmt.Sprintf("oifname %q snat %s to %s:%s%s", f.Dev, version(six), to, *m.port, m.flags()))
	}
	return acts
}

// redirected are the arguments of redirect.
type redirected struct {
	out bool
	to  int
}

var natVerbs = []*vm.Method{
	ruleVerb(vm.Method{Name: "redirect",
		Doc:     "Sends connections to one port on to another port of this node, as REDIRECT does.",
		Example: `gateway:redirect { tcp = 443, to = 8443 }`},
		func(a *redirected, p *about) []vm.Argument {
			return []vm.Argument{p.dstOption(), outOption(&a.out), args.Port.Need(&a.to, "to", "the port they get")}
		},
		func(c *vm.Call, a *redirected, p *about, _ bool) (effect, error) {
			if p.tcp == nil && p.udp == nil {
				return effect{}, c.Fail("redirect", "write tcp = 443", "redirect does not say which port")
			}
			return effect{chain: natChain(a.out), acts: []string{fmt.Sprintf("redirect to :%d", a.to)}}, nil
		}),
	ruleVerb(vm.Method{Name: "dnat", Doc: "Sends connections on to another address, and port if one is given.",
		Example: `gateway:dnat { tcp = 443, to = net.server, port = 8443 }`},
		func(a *translation, p *about) []vm.Argument {
			return []vm.Argument{
				p.dstOption(), outOption(&a.out),
				kTarget.Need(&a.to, "to", "the address they get: a host's first, or one as text"),
				kPorts.Maybe(&a.port, "port", "the port they get"),
			}
		},
		func(_ *vm.Call, a *translation, _ *about, six bool) (effect, error) {
			return effect{chain: natChain(a.out), acts: a.write("dnat", six), specific: true}, nil
		}),
	ruleVerb(vm.Method{Name: "snat", Doc: "Gives packets that leave another source address, and another " +
		"port if one is given.",
		Example: `gateway:snat { oif = net.wan, to = "203.0.113.7" }`},
		func(a *translation, p *about) []vm.Argument {
			return []vm.Argument{
				p.dstOption(),
				kTarget.Need(&a.to, "to", "the source address they get"),
				kPorts.Maybe(&a.port, "port", "the source port they get, or a range"),
			}
		},
		func(_ *vm.Call, a *translation, _ *about, six bool) (effect, error) {
			return effect{chain: "srcnat", acts: a.write("snat", six), specific: true}, nil
		}),
	ruleVerb(vm.Method{Name: "masquerade", Doc: "Gives packets that leave the address of the device that " +
		"they leave by.",
		Example: `gateway:masquerade { oif = net.wan, tcp = true, port = 5000 }`},
		func(a *masquerade, p *about) []vm.Argument {
			return []vm.Argument{
				p.dstOption(),
				kPorts.Maybe(&a.port, "port", "the source port they get, or a range; of TCP or UDP alone"),
				args.Bool.Def(&a.random, "random", "false", "source ports are drawn by chance"),
				args.Bool.Def(&a.fullyRandom, "fully_random", "false",
					"source ports are drawn by chance, by the kernel's best generator"),
			}
		},
		func(c *vm.Call, a *masquerade, p *about, six bool) (effect, error) {
			if a.port != nil {
				return effect{"srcnat", a.ported(c.Self.(*session.Node), p.oif, six), true}, nil
			}
			return effect{chain: "srcnat", acts: []string{"masquerade" + a.flags()}}, nil
		}),
}
