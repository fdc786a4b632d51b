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

var (
	kDst = args.Opt("dst", kParty, "whom they were sent to: a host, an address or a prefix")
	// kTarget is where translated packets go.
	kTarget = &vm.Kind{Name: "target", Type: "Host|string", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
		if n, ok := vm.As(x, session.Host, session.Router); ok {
			return n.(*session.Node).Addrs(), nil
		}
		if s, ok := x.(lua.LString); ok {
			if a, err := netip.ParseAddr(string(s)); err == nil && a.Zone() == "" {
				return []netip.Addr{a}, nil
			}
		}
		return nil, args.Wrong(x, "a target", `write net.NAME or "192.0.2.1"`)
	}}
)

// to writes the target of one IP version, empty if there is none.
func to(c *vm.Call, six bool) string {
	for _, a := range c.Args["to"].([]netip.Addr) {
		if a.Is6() != six {
			continue
		}
		port, given := vm.Arg[string](c, "port")
		switch {
		case given && six:
			return fmt.Sprintf("ip6 to [%s]:%s", a, port)
		case given:
			return fmt.Sprintf("ip to %s:%s", a, port)
		}
		return fmt.Sprintf("%s to %s", version(six), a)
	}
	return ""
}

func natChain(c *vm.Call) string {
	if vm.ArgOr(c, "out", false) {
		return "dstnat_output"
	}
	return "dstnat"
}

// ported is masquerading to ports: source address translation to the address of
// each device.
func ported(c *vm.Call, six bool, port string) string {
	var acts []string
	only, given := vm.Arg[string](c, "oif")
	n := c.Self.(*session.Node)
	flags := ""
	for _, name := range []string{"random", "fully_random"} {
		if vm.ArgOr(c, name, false) {
			flags += " " + strings.ReplaceAll(name, "_", "-")
		}
	}
	for _, f := range n.Devices() {
		a := f.Addr(six).Addr()
		if !a.IsValid() || given && n.Iface(only) != f {
			continue
		}
		to := strings.TrimSuffix(netip.AddrPortFrom(a, 0).String(), ":0")
		acts = append(acts, fmt.Sprintf("oifname %q snat %s to %s:%s%s", f.Dev, version(six), to, port, flags))
	}
	return strings.Join(acts, "\n")
}

var natVerbs = []*vm.Method{
	ruleVerb("redirect", "Sends connections to one port on to another port of this node, as REDIRECT does.", `gateway:redirect { tcp = 443, to = 8443 }`,
		with(kDst, optOut, args.Need("to", args.Port, "the port they get")),
		func(c *vm.Call, _ bool) (string, string, bool, error) {
			if _, tcp := c.Args["tcp"]; !tcp && c.Args["udp"] == nil {
				return "", "", false, c.Fail("redirect", "write tcp = 443", "redirect does not say which port")
			}
			return natChain(c), fmt.Sprintf("redirect to :%d", c.Args["to"].(int)), false, nil
		}),
	ruleVerb("dnat", "Sends connections on to another address, and port if one is given.", `gateway:dnat { tcp = 443, to = net.server, port = 8443 }`,
		with(kDst, optOut, args.Need("to", kTarget, "the address they get: a host's first, or one as text"), args.Opt("port", kPorts, "the port they get")),
		func(c *vm.Call, six bool) (string, string, bool, error) {
			t := to(c, six)
			if t == "" {
				return "", "", true, nil
			}
			return natChain(c), "dnat " + t, true, nil
		}),
	ruleVerb("snat", "Gives what leaves another source address, and port if one is given.", `gateway:snat { oif = net.wan, to = "203.0.113.7" }`,
		with(kDst, args.Need("to", kTarget, "the source address they get"), args.Opt("port", kPorts, "the source port they get, or a range")),
		func(c *vm.Call, six bool) (string, string, bool, error) {
			t := to(c, six)
			if t == "" {
				return "", "", true, nil
			}
			return "srcnat", "snat " + t, true, nil
		}),
	ruleVerb("masquerade", "Gives what leaves the address of the device that it leaves by.", `gateway:masquerade { oif = net.wan, tcp = true, port = 5000 }`,
		with(kDst, args.Opt("port", kPorts, "the source port they get, or a range; of TCP or UDP alone"),
			args.OptDef("random", args.Bool, "false", "source ports are drawn by chance"),
			args.OptDef("fully_random", args.Bool, "false", "source ports are drawn by chance, by the kernel's best generator")),
		func(c *vm.Call, six bool) (string, string, bool, error) {
			act := "masquerade"
			if port, ok := vm.Arg[string](c, "port"); ok {
				return "srcnat", ported(c, six, port), true, nil
			}
			if vm.ArgOr(c, "random", false) {
				act += " random"
			}
			if vm.ArgOr(c, "fully_random", false) {
				act += " fully-random"
			}
			return "srcnat", act, false, nil
		}),
}
