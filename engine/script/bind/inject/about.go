//go:build linux

package inject

import (
	"net/netip"
	"slices"

	"netrepro/engine/packet"
	"netrepro/engine/packet/build"
	"netrepro/engine/script/forging"
	"netrepro/engine/script/vm"
	"netrepro/engine/trace"
)

// about fills in what the connection, the quoted packet and the nodes say.
func (in *injection) about() error {
	c, p := in.c, &in.base.Packet
	if in.conn != nil {
		if in.Src != nil || in.Dst != nil || in.IsOther() {
			return c.Fail("conn", "leave one of the two out", "a packet of a connection has its addresses and is TCP")
		}
		return in.connection(in.conn)
	}
	if in.quote != nil {
		return in.complaint(in.quote)
	}
	if name := vm.Or(in.ICMP, ""); icmpError(name) && in.Payload == nil {
		return c.Fail("inject", "write quote = PACKET, or a connection; or payload = what it quotes",
			"%s is an ICMP error, and quotes nothing: quote is not given, or nil", name)
	}
	six := in.toward != nil && !in.toward.Primary().Is4()
	if in.from != nil {
		p.Src = in.from.Address(six)
	}
	if in.toward != nil {
		p.Dst = in.toward.Address(six)
	}
	p.Src, p.Dst = vm.Or(in.Src, p.Src), vm.Or(in.Dst, p.Dst)
	if !p.Src.IsValid() || !p.Dst.IsValid() {
		return c.Fail("inject", "write from = net.NAME and toward = net.NAME, or src and dst, or conn",
			"a packet needs a source and a destination")
	}
	return nil
}

// icmpError reports whether an ICMP message of that name quotes the packet that it
// complains about (RFC 1122, section 3.2.2; RFC 4443, section 2.1).
func icmpError(name string) bool {
	t := packet.ICMPNames[name].V4[0]
	return slices.Contains([]int{3, 5, 11, 12}, t) && name != "redirect"
}

// direction says which end of a connection the packet is from.
func (in *injection) direction(e *trace.Ends) (src, dst netip.AddrPort, err error) {
	c, first := in.c, e.A.Addr()
	switch {
	case in.from != nil && slices.Contains(in.from.Addrs(), e.B.Addr()),
		in.from == nil && in.toward != nil && slices.Contains(in.toward.Addrs(), first):
		return e.B, e.A, nil
	case in.from != nil && !slices.Contains(in.from.Addrs(), first):
		return src, dst, c.Fail("from", "name one of its ends", "%s is no end of the connection %s to %s",
			in.from.Name, e.A, e.B)
	case in.from == nil && in.toward == nil:
		return src, dst, c.Fail("conn", "write from = net.NAME or toward = net.NAME",
			"toward which end of the connection?")
	case in.from == nil && !slices.Contains(in.toward.Addrs(), e.B.Addr()):
		return src, dst, c.Fail("toward", "name one of its ends", "%s is no end of the connection %s to %s",
			in.toward.Name, e.A, e.B)
	}
	return e.A, e.B, nil
}

// connection makes the packet one of a live connection.
func (in *injection) connection(e *trace.Ends) error {
	c, w, p := in.c, in.w, &in.base.Packet
	src, dst, err := in.direction(e)
	if err != nil {
		return err
	}
	me, peer, ok := w.Run.Lab.Trace.Stands(&trace.Ends{A: src, B: dst}, src,
		func(pt *trace.Point) bool { return pt.Wire == w.Plan.Name })
	if !ok {
		return c.Fail("conn",
			"inject it once a packet of the connection has crossed the wire, on a wire that it crosses",
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
	in.base.SeqOf = in.number(me, next, peer.Window)
	in.base.AckOf = in.number(peer, me.Acked, me.Window)
	p.Seq, p.Ack = next, me.Acked
	if in.Flags != nil && !slices.Contains([]byte(*in.Flags), '.') {
		p.Ack = 0
	}
	if in.Payload != nil {
		p.Flags |= packet.PSH
	}
	return nil
}

// number turns what a script says of one direction into a number on the wire.
func (in *injection) number(s trace.Stand, next, window uint32) func(forging.Number) uint32 {
	return func(n forging.Number) uint32 {
		switch n.Word {
		case "next":
			return next
		case "in window":
			return next + max(window/2, 1)
		case "blind":
			return in.w.Run.RNG().Uint32()
		}
		return s.First + uint32(n.N)
	}
}

// complaint makes the packet an ICMP error.
func (in *injection) complaint(quote *quoted) error {
	c, w, p := in.c, in.w, &in.base.Packet
	q := quote.packet
	if e := quote.conn; e != nil {
		if in.toward == nil {
			return c.Fail("quote", "write toward = net.NAME: whose packet it quotes",
				"which end of the connection is told?")
		}
		src := e.A
		if slices.Contains(in.toward.Addrs(), e.B.Addr()) {
			src = e.B
		}
		if me, _, known := w.Run.Lab.Trace.Stands(e, src, nil); known {
			q = me.Last
		}
		if q == nil {
			return c.Fail("quote", "inject it once a packet of the connection was sent",
				"there is no packet of %s to quote", in.toward.Name)
		}
	}
	if in.ICMP == nil {
		return c.Fail("quote", `write icmp = "frag-needed"`, "only an ICMP message quotes a packet")
	}
	p.Payload = build.Quote(q.Frame)
	if p.Payload == nil {
		return c.Fail("quote", "quote an IP packet", "packet %d is no IP packet", q.N)
	}
	p.Src, p.Dst, p.DF = q.Dst, q.Src, false
	if in.from != nil {
		p.Src = in.from.Address(q.Src.Is6())
	}
	p.Src = vm.Or(in.Src, p.Src)
	return nil
}
