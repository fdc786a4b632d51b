//go:build linux

// Package conntrack has the verbs of connection tracking: what a node has tracked,
// and how it tracks.
package conntrack

import (
	"slices"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/firewall"
	"netrepro/engine/packet"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// Room is what this room adds to the language.
func Room() vm.Room {
	return vm.Room{Classes: []*vm.Class{conntrackClass}, Members: session.OnNodes(verbs)}
}

// meant says which tracked connections are meant; nil are all.
type meant struct {
	src, dst     session.Party
	sport, dport *int
	proto, state *string
	zone, mark   *int
}

var (
	kProtocol = args.Enum("protocol", "tcp", "udp", "icmp", "icmpv6")
	kZone     = args.Int("zone", 0, 65535, "0 to 65535")
	kMark     = args.Int("mark", 0, 1<<32-1, "a whole number")
)

func entryOptions(a *meant) []vm.Argument {
	return []vm.Argument{
		session.KParty.Opt(&a.src, "src", "where it came from"), session.KParty.Opt(&a.dst, "dst", "where it went to"),
		args.Port.Maybe(&a.sport, "sport", "source port as it came"),
		args.Port.Maybe(&a.dport, "dport", "destination port as it came"),
		kProtocol.Maybe(&a.proto, "proto", "its protocol"),
		args.String.Maybe(&a.state, "state", "of TCP, as the kernel names it: ESTABLISHED, TIME_WAIT"),
		kZone.Maybe(&a.zone, "zone", "its zone"),
		kMark.Maybe(&a.mark, "mark", "its mark"),
	}
}

var protocolNames = map[uint8]string{packet.ProtoTCP: "tcp", packet.ProtoUDP: "udp", packet.ProtoICMP: "icmp",
	packet.ProtoICMPv6: "icmpv6"}

// has reports whether e is one of those that are meant.
func (a *meant) has(e *firewall.Entry) bool {
	o := e.Orig
	return a.src.Has(o.Src) && a.dst.Has(o.Dst) && is(a.sport, o.SPort) && is(a.dport, o.DPort) &&
		is(a.proto, protocolNames[e.Proto]) && is(a.state, e.State) && is(a.zone, int(e.Zone)) &&
		is(a.mark, int(e.Mark))
}

// is reports whether x is what was asked for, if anything was.
func is[T comparable](asked *T, x T) bool { return asked == nil || *asked == x }

// tracked lists the connections of the verb's node that a means.
func tracked(c *vm.Call, a *meant) ([]firewall.Entry, error) {
	all, err := firewall.Conntrack(c.Self.(*session.Node).NS)
	if err != nil {
		return nil, err
	}
	return slices.DeleteFunc(all, func(e firewall.Entry) bool { return !a.has(&e) }), nil
}

var verbs = []*vm.Method{
	vm.Verb(vm.Method{Name: "conntrack", Doc: "The first tracked connection that matches, nil if there is none.",
		Example: `gateway:conntrack { sport = 40000, dport = 443 }`, Returns: "Conntrack", Phase: vm.Running},
		entryOptions,
		func(c *vm.Call, a *meant) error {
			found, err := tracked(c, a)
			if err != nil {
				return err
			}
			c.Return(lua.LNil)
			if len(found) > 0 {
				c.Return(c.VM.New(conntrackClass, &found[0]))
			}
			return nil
		}),
	vm.Verb(vm.Method{Name: "tracked", Doc: "The tracked connections that match, as a list.",
		Example: `#gateway:tracked { proto = "tcp" }`, Returns: "Conntrack[]", Phase: vm.Running}, entryOptions,
		func(c *vm.Call, a *meant) error {
			found, err := tracked(c, a)
			if err != nil {
				return err
			}
			t := c.L.NewTable()
			for i := range found {
				t.Append(c.VM.New(conntrackClass, &found[i]))
			}
			c.Return(t)
			return nil
		}),
	vm.Verb(vm.Method{Name: "forget", Doc: "Makes the node forget the tracked connections that match, or " +
		"all of them without options. Returns how many there were.",
		Example: `gateway:forget { dport = 443 }`, Returns: "integer", Phase: vm.Running},
		func(a *meant) []vm.Argument { return vm.Without(entryOptions(a), "state") },
		func(c *vm.Call, a *meant) error {
			n, err := firewall.Forget(c.Self.(*session.Node).NS, a.has)
			c.Return(lua.LNumber(n))
			return err
		}),
	vm.Verb(vm.Method{Name: "track", Doc: "Makes the node track connections, and says how. Otherwise a " +
		"node tracks only if one of its rules needs it.",
		Example: `gateway:track { be_liberal = true, timeouts = { established = "10s", time_wait = "1s" } }`,
		Phase:   vm.Running}, trackOptions, track),
}
