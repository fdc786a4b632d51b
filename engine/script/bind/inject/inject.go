//go:build linux

// Package inject has the verb that has a forged packet arrive at an end of a wire.
package inject

import (
	"fmt"
	"net/netip"
	"slices"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/fault"
	"netrepro/engine/lab/topology"
	"netrepro/engine/lab/topology/plan"
	"netrepro/engine/packet/build"
	"netrepro/engine/packet/field"
	"netrepro/engine/packet/header"
	"netrepro/engine/script/args"
	"netrepro/engine/script/forging"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
	"netrepro/engine/trace"
)

// Room is what this room adds to the language.
func Room() vm.Room {
	return vm.Room{Members: []vm.Members{{Of: session.Wire, Methods: []*vm.Method{injectVerb}}}}
}

// kSeen is a packet of the trace.
var kSeen = vm.NewKind("packet", "Packet", func(_ *vm.Call, x lua.LValue) (*trace.Packet, error) {
	if p, ok := vm.Value(x).(interface{ Record() *trace.Packet }); ok {
		return p.Record(), nil
	}
	return nil, args.Wrong(x, "a packet", "give one of the trace: net.trace[1], or one of net.trace:packets { … }")
})

// quoted is what an ICMP error quotes: a packet, or the last one of a connection.
type quoted struct {
	packet *trace.Packet
	conn   *trace.Ends
}

var kQuoted = vm.NewKind("packet or connection", "Packet|Conn", func(c *vm.Call, x lua.LValue) (quoted, error) {
	if p, err := kSeen.Read(c, x); err == nil {
		return quoted{packet: p}, nil
	}
	if e, err := session.KEnds.Read(c, x); err == nil {
		return quoted{conn: e}, nil
	}
	return quoted{}, args.Wrong(x, "a packet or a connection",
		"give a packet of the trace, or a connection, whose last packet it quotes")
})

// injection is a forged packet in the making: what the script says of it, and what
// follows.
type injection struct {
	toward *session.Node // nil if not said
	from   *session.Node
	conn   *trace.Ends
	packet *trace.Packet
	set    *fault.Rewrite
	quote  *quoted
	ip     *string
	name   *string
	forging.Packet

	c    *vm.Call
	w    *session.LiveWire
	side int // of the wire, where it arrives
	base forging.Base
}

var injectVerb = vm.Verb(vm.Method{Name: "inject", Doc: "Makes a forged packet arrive at an end of the " +
	"wire, as if it came from the other end. With conn it fits that connection exactly, unless you say " +
	"otherwise. Returns its numbers.",
	Example: `net.wan:inject { conn = conn, toward = client, flags = "R" }`, Returns: "Injected", Phase: vm.Running},
	func(a *injection) []vm.Argument {
		return append([]vm.Argument{
			session.KHost.Opt(&a.toward, "toward", "who gets it; with conn, one end of it"),
			session.KHost.Opt(&a.from, "from", "who the packet pretends to be from; of an ICMP error, who complains"),
			session.KEnds.Opt(&a.conn, "conn", "the connection it pretends to belong to"),
			kSeen.Opt(&a.packet, "packet", "an earlier packet, sent again as it was"),
			forging.KSettings.Opt(&a.set, "set", "of an earlier packet: what is changed"),
			kQuoted.Maybe(&a.quote, "quote", "of an ICMP error: the packet it complains about, "+
				"or a connection whose last packet it is"),
			args.String.Maybe(&a.ip, "ip", "a whole IP packet, header and all, as it is given"),
			session.Named(&a.name),
		}, forging.Options(&a.Packet)...)
	}, inject)

func inject(c *vm.Call, in *injection) error {
	in.c, in.w = c, c.Self.(*session.LiveWire)
	live, err := in.w.Live(c)
	if err != nil {
		return err
	}
	in.base.Packet = build.Packet{DF: true, TTL: build.DefaultTTL, Options: build.NoOptions}
	frame, err := in.frame()
	if err != nil {
		return err
	}
	by := fmt.Sprintf("forged by %s", vm.Or(in.name, in.w.Plan.Name+":inject"))
	if !in.w.Run.Faults.Spare() {
		c.VM.Block(func() { live.Inject(in.side, frame, by) })
	}
	l := header.Parse(frame)
	t := c.L.NewTable()
	for _, name := range []string{"seq", "ack"} {
		if v, ok := field.Named(name).Get(frame, &l); ok {
			t.RawSetString("raw_"+name, lua.LNumber(v.N))
		}
	}
	c.Return(t)
	return nil
}

// frame makes the frame and finds out which side it arrives at.
func (in *injection) frame() ([]byte, error) {
	c := in.c
	switch {
	case in.packet != nil:
		return in.again(in.packet)
	case in.set != nil:
		return nil, c.Fail("set", "write what the packet is made of beside it: ttl = 3",
			"set changes an earlier packet, and there is none")
	case in.ip != nil:
		return in.whole(*in.ip)
	}
	if err := in.about(); err != nil {
		return nil, err
	}
	p, err := in.base.Fill(c, &in.Packet)
	if err != nil {
		return nil, err
	}
	if err := in.arrive("inject", p.Dst); err != nil {
		return nil, err
	}
	p.SrcMAC, p.DstMAC = in.macs(p.Dst)
	p.Tag = in.tag(p.Dst)
	return forging.Frame(c, p)
}

// arrive finds out at which side a packet for dst arrives; word is that of the
// message if the script does not say and nothing tells.
func (in *injection) arrive(word string, dst netip.Addr) error {
	if in.toward == nil {
		if in.toward = in.owner(dst); in.toward == nil {
			return in.c.Fail(word, "write toward = net.NAME", "to which end of %s? no node has the address %s",
				in.w.Plan.Name, dst)
		}
	}
	in.side = in.w.Plan.Toward(in.toward.Node.Node)
	return nil
}

// whole is a frame of an IP packet that is given as it is.
func (in *injection) whole(ip string) ([]byte, error) {
	c := in.c
	if other := c.Besides("ip", "toward", "name", "vlan"); other != "" {
		return nil, c.Fail(other, "leave it out, or make the packet of options",
			"ip is the whole packet: %s says nothing of it", other)
	}
	if in.toward == nil {
		return nil, c.Fail("ip", "write toward = net.NAME", "to which end of %s?", in.w.Plan.Name)
	}
	if v := header.Version([]byte(ip)); v != 4 && v != 6 {
		return nil, c.Fail("ip", `it begins with its version: hex "45 …"`, "these bytes are no IP packet")
	}
	in.side = in.w.Plan.Toward(in.toward.Node.Node)
	src, dst := in.macs(netip.Addr{})
	return build.Frame(dst, src, in.tag(netip.Addr{}), []byte(ip)), nil
}

// again is an earlier packet.
func (in *injection) again(p *trace.Packet) ([]byte, error) {
	c := in.c
	if len(p.Frame) < int(p.Length) {
		return nil, c.Fail("packet", "take an earlier one", "only the headers of packet %d were kept", p.N)
	}
	if other := c.Besides("packet", "set", "toward", "name"); other != "" {
		return nil, c.Fail(other, "write set = { … } to change it",
			"an earlier packet is sent again as it was: %s says nothing of it", other)
	}
	if err := in.arrive("packet", p.Dst); err != nil {
		return nil, err
	}
	frame := slices.Clone(p.Frame)
	src, dst := in.macs(p.Dst)
	header.EthernetDst.Put(frame, dst)
	header.EthernetSrc.Put(frame, src)
	if in.set == nil {
		return frame, nil
	}
	b, err := in.set.Edit(p, frame)
	if err != nil {
		return nil, c.Fail("set", "set what the packet has", "%v", err)
	}
	return b, nil
}

// owner is the node that has an address, nil if none has.
func (in *injection) owner(a netip.Addr) *session.Node {
	for _, n := range in.w.Run.Nodes {
		if slices.Contains(n.Addrs(), a) {
			return n
		}
	}
	return nil
}

// tag is the 802.1Q tag of the last packet for dst, or for anybody, on the wire:
// that of the VLAN that the script asks for, if it does.
func (in *injection) tag(dst netip.Addr) []byte {
	if tag := in.Tag(); tag != nil {
		return tag
	}
	for _, p := range slices.Backward(in.w.Run.Lab.Trace.Packets()) {
		if p.Point.Wire == in.w.Plan.Name && (p.Dst == dst || !dst.IsValid()) {
			return header.TagOf(p.Frame)
		}
	}
	return nil
}

// macs are the link addresses that a packet for dst has where it arrives.
func (in *injection) macs(dst netip.Addr) (src, to [6]byte) {
	end := in.w.Plan.Ends[in.side]
	here := func(p *trace.Packet) bool {
		return p.Dir == trace.In && p.Point.Wire == in.w.Plan.Name && p.Point.Node == end.Node.Name
	}
	for _, p := range slices.Backward(in.w.Run.Lab.Trace.Packets()) {
		if here(p) && p.Dst == dst && len(p.Frame) >= header.EthernetSize {
			return header.EthernetSrc.Get(p.Frame), header.EthernetDst.Get(p.Frame)
		}
	}
	src, to = plan.MACs(end, dst)
	n := in.owner(dst)
	if end.Node.Kind != topology.Switch || to != end.MAC || n == nil {
		return src, to
	}
	for _, f := range n.Ifaces { // a trunk is of no one segment
		if slices.ContainsFunc(f.Addrs, func(p netip.Prefix) bool { return p.Addr() == dst }) {
			to = f.MAC
		}
	}
	return src, to
}
