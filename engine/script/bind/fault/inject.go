//go:build linux

package fault

import (
	"fmt"
	"maps"
	"net/netip"
	"slices"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/fault"
	"netrepro/engine/lab/topology"
	"netrepro/engine/lab/topology/plan"
	"netrepro/engine/packet"
	"netrepro/engine/packet/build"
	"netrepro/engine/packet/field"
	"netrepro/engine/packet/header"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
	"netrepro/engine/trace"
)

// kSeen is a packet of the trace.
var kSeen = &vm.Kind{Name: "packet", Type: "Packet", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	if p, ok := vm.Value(x).(interface{ Record() *trace.Packet }); ok {
		return p.Record(), nil
	}
	return nil, args.Wrong(x, "a packet", "give one of the trace: net.trace[1], or one of net.trace:packets { … }")
}}

// kQuoted is what an ICMP error quotes.
var kQuoted = &vm.Kind{Name: "packet or connection", Type: "Packet|Conn", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	if p, err := kSeen.Parse(c, x); err == nil {
		return p, nil
	}
	if e, err := session.KEnds.Parse(c, x); err == nil {
		return e, nil
	}
	return nil, args.Wrong(x, "a packet or a connection", "give a packet of the trace, or a connection, whose last packet it quotes")
}}

var injectVerb = &vm.Method{Name: "inject", Doc: "Has a forged packet arrive at an end of the wire, as if from its other end. With conn it is one of that connection, as exact as can be unless said otherwise. Returns its numbers.",
	Example: `net.wan:inject { conn = conn, toward = client, flags = "R" }`, Returns: "Injected", Phase: vm.Running,
	Options: slices.Concat([]vm.Option{
		args.Opt("toward", session.KHost, "who gets it; with conn, one end of it"),
		args.Opt("from", session.KHost, "whose packet it is said to be; of an ICMP error, who complains"),
		args.Opt("conn", session.KEnds, "the connection it is said to be of"),
		args.Opt("packet", kSeen, "an earlier packet, sent again as it was"),
		args.Opt("set", kSettings, "of an earlier packet: what is changed"),
		args.Opt("quote", kQuoted, "of an ICMP error: the packet it complains about, or a connection whose last packet it is"),
		args.Opt("ip", args.String, "a whole IP packet, header and all, as it is given"),
		session.OptName,
	}, packetOptions), Fn: inject}

// injection is a forged packet in the making.
type injection struct {
	c      *vm.Call
	w      *session.LiveWire
	toward *session.Node // nil if not said
	side   int           // of the wire, where it arrives
	base   base
}

func inject(c *vm.Call) error {
	w, live, err := liveOf(c)
	if err != nil {
		return err
	}
	in := &injection{c: c, w: w, base: base{Packet: build.Packet{DF: true, TTL: build.DefaultTTL, Options: build.NoOptions}}}
	in.toward, _ = vm.Arg[*session.Node](c, "toward")
	frame, err := in.frame()
	if err != nil {
		return err
	}
	by := fmt.Sprintf("forged by %s", vm.ArgOr(c, "name", w.Plan.Name+":inject"))
	if !w.Run.Spare() {
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
	if p, ok := vm.Arg[*trace.Packet](c, "packet"); ok {
		return in.again(p)
	}
	if has(c.Args, "set") {
		return nil, c.Fail("set", "write what the packet is made of beside it: ttl = 3", "set changes an earlier packet, and there is none")
	}
	if ip, ok := vm.Arg[string](c, "ip"); ok {
		if other := beside(c.Args, "ip", "toward", "name", "vlan"); other != "" {
			return nil, c.Fail(other, "leave it out, or make the packet of options", "ip is the whole packet: %s says nothing of it", other)
		}
		if in.toward == nil {
			return nil, c.Fail("ip", "write toward = net.NAME", "to which end of %s?", in.w.Plan.Name)
		}
		if v := header.Version([]byte(ip)); v != 4 && v != 6 {
			return nil, c.Fail("ip", `it begins with its version: hex "45 …"`, "these bytes are no IP packet")
		}
		in.side = nearest(in.w, in.toward)
		src, dst := in.macs(netip.Addr{})
		return build.Frame(dst, src, in.tag(netip.Addr{}), []byte(ip)), nil
	}
	if err := in.about(); err != nil {
		return nil, err
	}
	p, err := in.base.fill(c, c.Args)
	if err != nil {
		return nil, err
	}
	if in.toward == nil {
		if in.toward = in.owner(p.Dst); in.toward == nil {
			return nil, c.Fail("inject", "write toward = net.NAME", "to which end of %s? no node has the address %s", in.w.Plan.Name, p.Dst)
		}
	}
	in.side = nearest(in.w, in.toward)
	p.SrcMAC, p.DstMAC = in.macs(p.Dst)
	p.Tag = in.tag(p.Dst)
	return built(c, p)
}

// beside is an option that was given beside those that may be, empty if there is
// none.
func beside(a map[string]any, may ...string) string {
	for _, name := range slices.Sorted(maps.Keys(a)) {
		if !slices.Contains(may, name) {
			return name
		}
	}
	return ""
}

// again is an earlier packet.
func (in *injection) again(p *trace.Packet) ([]byte, error) {
	c := in.c
	if len(p.Frame) < int(p.Length) {
		return nil, c.Fail("packet", "take an earlier one", "only the headers of packet %d were kept", p.N)
	}
	if other := beside(c.Args, "packet", "set", "toward", "name"); other != "" {
		return nil, c.Fail(other, "write set = { … } to change it", "an earlier packet is sent again as it was: %s says nothing of it", other)
	}
	if in.toward == nil {
		if in.toward = in.owner(p.Dst); in.toward == nil {
			return nil, c.Fail("packet", "write toward = net.NAME", "to which end of %s? no node has the address %s", in.w.Plan.Name, p.Dst)
		}
	}
	in.side = nearest(in.w, in.toward)
	frame := slices.Clone(p.Frame)
	src, dst := in.macs(p.Dst)
	header.EthernetDst.Put(frame, dst)
	header.EthernetSrc.Put(frame, src)
	if r, ok := vm.Arg[*fault.Rewrite](c, "set"); ok {
		b, err := r.Edit(p, frame)
		if err != nil {
			return nil, c.Fail("set", "set what the packet has", "%v", err)
		}
		frame = b
	}
	return frame, nil
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
	if v, ok := vm.Arg[int](in.c, "vlan"); ok {
		return header.Tag(uint16(v))
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
	ps := in.w.Run.Lab.Trace.Packets()
	for _, p := range slices.Backward(ps) {
		if p.Dir == trace.In && p.Point.Wire == in.w.Plan.Name && p.Point.Node == end.Node.Name && p.Dst == dst && len(p.Frame) >= header.EthernetSize {
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

// about fills in what the connection, the quoted packet and the nodes say.
func (in *injection) about() error {
	c, p := in.c, &in.base.Packet
	if e, ok := vm.Arg[*trace.Ends](c, "conn"); ok {
		if has(c.Args, "src", "dst", "udp", "icmp", "proto") {
			return c.Fail("conn", "leave one of the two out", "a packet of a connection has its addresses and is TCP")
		}
		return in.connection(e)
	}
	if q, ok := c.Args["quote"]; ok {
		return in.complaint(q)
	}
	if name, _ := vm.Arg[string](c, "icmp"); icmpError(name) && !has(c.Args, "payload") {
		return c.Fail("inject", "write quote = PACKET, or a connection; or payload = what it quotes", "%s is an ICMP error, and quotes nothing: quote is not given, or nil", name)
	}
	from, _ := vm.Arg[*session.Node](c, "from")
	six := in.toward != nil && !in.toward.Primary().Is4()
	if from != nil {
		p.Src = from.Address(six)
	}
	if in.toward != nil {
		p.Dst = in.toward.Address(six)
	}
	if a, ok := vm.Arg[netip.Addr](c, "src"); ok {
		p.Src = a
	}
	if a, ok := vm.Arg[netip.Addr](c, "dst"); ok {
		p.Dst = a
	}
	if !p.Src.IsValid() || !p.Dst.IsValid() {
		return c.Fail("inject", "write from = net.NAME and toward = net.NAME, or src and dst, or conn", "a packet needs a source and a destination")
	}
	return nil
}

// icmpError reports whether an ICMP message of that name quotes the packet that it
// complains about (RFC 1122, section 3.2.2; RFC 4443, section 2.1).
func icmpError(name string) bool {
	t := packet.ICMPNames[name].V4[0]
	return slices.Contains([]int{3, 5, 11, 12}, t) && name != "redirect"
}

// connection makes the packet one of a live connection.
func (in *injection) connection(e *trace.Ends) error {
	c, w, p := in.c, in.w, &in.base.Packet
	src, dst := e.A, e.B
	from, said := vm.Arg[*session.Node](c, "from")
	switch {
	case said && slices.Contains(from.Addrs(), e.B.Addr()),
		!said && in.toward != nil && slices.Contains(in.toward.Addrs(), e.A.Addr()):
		src, dst = e.B, e.A
	case said && !slices.Contains(from.Addrs(), e.A.Addr()):
		return c.Fail("from", "name one of its ends", "%s is no end of the connection %s to %s", from.Name, e.A, e.B)
	case !said && in.toward == nil:
		return c.Fail("conn", "write from = net.NAME or toward = net.NAME", "toward which end of the connection?")
	case !said && !slices.Contains(in.toward.Addrs(), e.B.Addr()):
		return c.Fail("toward", "name one of its ends", "%s is no end of the connection %s to %s", in.toward.Name, e.A, e.B)
	}
	me, peer, ok := w.Run.Lab.Trace.Stands(&trace.Ends{A: src, B: dst}, src, func(pt *trace.Point) bool { return pt.Wire == w.Plan.Name })
	if !ok {
		return c.Fail("conn", "inject it once a packet of the connection has crossed the wire, on a wire that it crosses",
			"nothing that %s sent to %s has crossed %s", src, dst, w.Plan.Name)
	}
	p.Src, p.Dst, p.SrcPort, p.DstPort = src.Addr(), dst.Addr(), src.Port(), dst.Port()
	p.Proto, p.Flags, p.Window, p.TTL = packet.ProtoTCP, packet.ACK, me.RawWindow, me.Last.TTL
	if me.LastArrived != nil {
		p.TTL = me.LastArrived.TTL
	}
	if me.HasTS && peer.HasTS {
		p.Options.HasTS, p.Options.TSVal, p.Options.TSEcr = true, me.TSVal, peer.TSVal
	}
	next := me.Next
	if me.LastArrived != nil {
		next = me.Arrived
	}
	in.base.seq = in.number(me, next, peer.Window)
	in.base.ack = in.number(peer, me.Acked, me.Window)
	p.Seq, p.Ack = next, me.Acked
	if f, ok := vm.Arg[string](c, "flags"); ok && !slices.Contains([]byte(f), '.') {
		p.Ack = 0
	}
	if _, ok := c.Args["payload"]; ok {
		p.Flags |= packet.PSH
	}
	return nil
}

// number turns what a script says of one direction into a number on the wire.
func (in *injection) number(s trace.Stand, next, window uint32) func(any) uint32 {
	return func(x any) uint32 {
		switch x {
		case "next":
			return next
		case "in window":
			return next + max(window/2, 1)
		case "blind":
			return in.w.Run.RNG().Uint32()
		}
		n, _ := x.(int64)
		return s.First + uint32(n)
	}
}

// complaint makes the packet an ICMP error.
func (in *injection) complaint(quoted any) error {
	c, w, p := in.c, in.w, &in.base.Packet
	q, ok := quoted.(*trace.Packet)
	if e, isConn := quoted.(*trace.Ends); isConn {
		if in.toward == nil {
			return c.Fail("quote", "write toward = net.NAME: whose packet it quotes", "which end of the connection is told?")
		}
		src := e.A
		if slices.Contains(in.toward.Addrs(), e.B.Addr()) {
			src = e.B
		}
		me, _, known := w.Run.Lab.Trace.Stands(e, src, nil)
		if ok = known; ok {
			q = me.Last
		}
	}
	if !ok || q == nil {
		return c.Fail("quote", "inject it once a packet of the connection was sent", "there is no packet of %s to quote", in.toward.Name)
	}
	if !has(c.Args, "icmp") {
		return c.Fail("quote", `write icmp = "frag-needed"`, "only an ICMP message quotes a packet")
	}
	p.Payload = build.Quote(q.Frame)
	if p.Payload == nil {
		return c.Fail("quote", "quote an IP packet", "packet %d is no IP packet", q.N)
	}
	p.Src, p.Dst, p.DF = q.Dst, q.Src, false
	if from, ok := vm.Arg[*session.Node](c, "from"); ok {
		p.Src = from.Address(q.Src.Is6())
	}
	if a, ok := vm.Arg[netip.Addr](c, "src"); ok {
		p.Src = a
	}
	return nil
}
