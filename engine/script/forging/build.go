//go:build linux

package forging

import (
	"netrepro/engine/packet"
	"netrepro/engine/packet/build"
	"netrepro/engine/script/vm"
)

// Base is what a packet is made from: what the script leaves open, and how
// relative numbers are read.
type Base struct {
	build.Packet
	// SeqOf and AckOf turn numbers of the connection into those on the wire; nil
	// if there is no connection.
	SeqOf, AckOf func(Number) uint32
}

// set gives a field of a header what is said of it, if anything is.
func set[T uint8 | uint16](to *T, n *int) {
	if n != nil {
		*to = T(*n)
	}
}

// Fill gives the packet what a says.
func (b *Base) Fill(c *vm.Call, a *Packet) (*build.Packet, error) {
	p := &b.Packet
	if err := b.protocol(c, a); err != nil {
		return nil, err
	}
	set(&p.TTL, a.ttl)
	set(&p.TOS, a.tos)
	set(&p.ID, a.ipID)
	set(&p.SrcPort, a.sport)
	set(&p.DstPort, a.dport)
	set(&p.Window, a.win)
	set(&p.Urgent, a.urgent)
	if a.df != nil {
		p.DF = *a.df
	}
	if a.Payload != nil {
		p.Payload = []byte(*a.Payload)
	}
	isICMP := p.Proto == packet.ProtoICMP || p.Proto == packet.ProtoICMPv6
	for _, o := range []struct {
		name string
		n    *int
	}{{"icmp_code", a.icmpCode}, {"icmp_id", a.icmpID}, {"icmp_seq", a.icmpSeq}, {"mtu", a.mtu}} {
		if o.n != nil && !isICMP {
			return nil, c.Fail(o.name, `write icmp = "frag-needed"`, "%s is of ICMP, and the packet is not", o.name)
		}
	}
	switch {
	case p.Proto == packet.ProtoTCP:
		return p, b.tcp(c, a)
	case isICMP:
		return p, b.icmp(c, a)
	}
	return p, nil
}

// protocol finds out what kind of packet is meant.
func (b *Base) protocol(c *vm.Call, a *Packet) error {
	p := &b.Packet
	kinds := 0
	is := func(on bool, proto uint8) {
		if on {
			kinds++
			p.Proto = proto
		}
	}
	is(a.IsTCP(), packet.ProtoTCP)
	is(a.udp != nil && *a.udp, packet.ProtoUDP)
	icmp := uint8(packet.ProtoICMP)
	if p.Src.Is6() {
		icmp = packet.ProtoICMPv6
	}
	is(a.ICMP != nil, icmp)
	if a.proto != nil {
		is(true, uint8(*a.proto))
	}
	if kinds > 1 {
		return c.Fail("", "leave the options of the others out",
			"a packet is one of TCP, UDP, ICMP and another protocol")
	}
	if kinds == 0 && p.Proto == 0 {
		return c.Fail("", `write flags = "R" for TCP, udp = true, icmp = "frag-needed", or proto = 47`,
			"what kind of packet is it?")
	}
	return nil
}

func (b *Base) tcp(c *vm.Call, a *Packet) error {
	p := &b.Packet
	if a.Flags != nil {
		f, good := packet.ParseFlags(*a.Flags)
		if !good {
			return c.Fail(*a.Flags, `write them as tcpdump does: "S", "P."`, "%q are not TCP flags", *a.Flags)
		}
		p.Flags = f
	}
	for _, n := range []struct {
		name     string
		relative *Number
		raw      *int
		of       func(Number) uint32
		to       *uint32
	}{{"seq", a.Seq, a.RawSeq, b.SeqOf, &p.Seq}, {"ack", a.Ack, a.RawAck, b.AckOf, &p.Ack}} {
		raw := "raw_" + n.name
		switch {
		case n.relative != nil && n.raw != nil:
			return c.Fail(raw, "leave one of the two out", "%s and %s say the same", n.name, raw)
		case n.raw != nil:
			*n.to = uint32(*n.raw)
		case n.relative != nil && n.of == nil:
			return c.Fail(n.name, "say which connection: conn = …; or write "+raw,
				"%s is relative, and there is no connection", n.name)
		case n.relative != nil:
			*n.to = n.of(*n.relative)
		}
	}
	return b.options(c, a)
}

// options gives a TCP segment its options.
func (b *Base) options(c *vm.Call, a *Packet) error {
	o := &b.Options
	if a.mss != nil {
		o.MSS = *a.mss
	}
	if a.wscale != nil {
		o.WScale = *a.wscale
	}
	if a.sackOK != nil {
		o.SACKPermitted = *a.sackOK
	}
	if a.timestamps != nil {
		o.HasTS = *a.timestamps
	}
	if a.tsval != nil {
		o.TSVal, o.HasTS = uint32(*a.tsval), true
	}
	if a.tsecr != nil {
		o.TSEcr, o.HasTS = uint32(*a.tsecr), true
	}
	if a.sack != nil {
		if b.AckOf == nil {
			return c.Fail("sack", "say which connection: conn = …",
				"sack blocks are relative, and there is no connection")
		}
		o.SACK = nil
		for _, s := range *a.sack {
			o.SACK = append(o.SACK, packet.Block{Left: b.AckOf(Number{N: s.left}), Right: b.AckOf(Number{N: s.right})})
		}
	}
	return nil
}

func (b *Base) icmp(c *vm.Call, a *Packet) error {
	p := &b.Packet
	if a.ICMP != nil {
		tc, good := packet.ICMPNames[*a.ICMP].Of(p.Proto)
		if !good || tc[0] < 0 {
			return c.Fail(*a.ICMP, "name a message that this version of IP has", "%q cannot be sent from %s", *a.ICMP,
				p.Src)
		}
		p.ICMPType, p.ICMPCode = uint8(tc[0]), uint8(max(tc[1], 0))
	}
	set(&p.ICMPCode, a.icmpCode)
	rest := func(n *int, shift uint) {
		if n != nil {
			p.ICMPRest = p.ICMPRest&^(0xffff<<shift) | uint32(*n)<<shift
		}
	}
	rest(a.icmpID, 16)
	rest(a.icmpSeq, 0)
	rest(a.mtu, 0) // RFC 1191, section 4; RFC 4443, section 3.2 has four bytes for it
	return nil
}

// Frame is the frame of p.
func Frame(c *vm.Call, p *build.Packet) ([]byte, error) {
	b, err := p.Build()
	if err != nil {
		return nil, c.Fail("", "give it addresses of one IP version, and no more than fits", "build packet: %v", err)
	}
	return b, nil
}
