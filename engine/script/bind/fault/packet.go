//go:build linux

package fault

import (
	"slices"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/packet"
	"netrepro/engine/packet/build"
	"netrepro/engine/script/args"
	"netrepro/engine/script/matching"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

var (
	kAddress = &vm.Kind{Name: "address", Type: "string|Host", Parse: func(_ *vm.Call, x lua.LValue) (any, error) { return matching.AddressOf(x) }}
	kWord32  = args.Int("number", 0, 1<<32-1, "a number on the wire is 0 to 4294967295")
	kWord16  = args.Int("number", 0, 1<<16-1, "0 to 65535")
	kByte    = args.Int("number", 0, 255, "0 to 255")
	// kNumberOf is a relative number or a word for one.
	kNumberOf = &vm.Kind{Name: "relative number", Type: `integer|"next"|"in window"|"blind"`, Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
		switch x := x.(type) {
		case lua.LString:
			if slices.Contains([]string{"next", "in window", "blind"}, string(x)) {
				return string(x), nil
			}
		case lua.LNumber:
			if n := int64(x); float64(n) == float64(x) && n > -1<<32 && n < 1<<32 {
				return n, nil
			}
		}
		return nil, args.Wrong(x, "a relative number", `write 1, conn.snd_next + 70000, "next", "in window" or "blind"`)
	}}
	kBlocks = &vm.Kind{Name: "list of SACK blocks", Type: "integer[][]", Parse: parseBlocks}
)

// block is a SACK block in relative numbers.
type block struct{ left, right int64 }

func parseBlocks(_ *vm.Call, x lua.LValue) (any, error) {
	const hint = "write { { 2897, 4345 } }"
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "a list of SACK blocks", hint)
	}
	items, err := args.List(t, hint)
	if err != nil {
		return nil, err
	}
	var out []block
	for _, x := range items {
		b, ok := x.(*lua.LTable)
		if !ok || b.Len() != 2 {
			return nil, args.Wrong(x, "a SACK block", hint)
		}
		l, lok := b.RawGetInt(1).(lua.LNumber)
		r, rok := b.RawGetInt(2).(lua.LNumber)
		whole := func(n lua.LNumber) bool { return float64(n) == float64(int64(n)) && n >= 0 && n < 1<<32 }
		if !lok || !rok || !whole(l) || !whole(r) {
			return nil, args.Wrong(x, "a SACK block", hint)
		}
		out = append(out, block{int64(l), int64(r)})
	}
	return out, nil
}

// packetOptions are what a packet is made of.
var packetOptions = []vm.Option{
	args.Opt("src", kAddress, "source address"),
	args.Opt("dst", kAddress, "destination address"),
	args.Opt("sport", kWord16, "source port"),
	args.Opt("dport", kWord16, "destination port"),
	args.Opt("flags", args.String, `of a TCP segment, its flags as tcpdump writes them: "R", "S."`),
	args.Opt("seq", kNumberOf, "relative sequence number"),
	args.Opt("ack", kNumberOf, "relative acknowledgement number"),
	args.Opt("raw_seq", kWord32, "sequence number on the wire"),
	args.Opt("raw_ack", kWord32, "acknowledgement number on the wire"),
	args.Opt("win", kWord16, "window as on the wire"),
	args.Opt("urgent", kWord16, "urgent pointer"),
	args.Opt("mss", args.Int("MSS", 0, 65535, "0 to 65535"), "MSS option"),
	args.Opt("wscale", args.Int("shift", 0, 255, "0 to 255"), "window scale option"),
	args.Opt("sack_permitted", args.Bool, "SACK-permitted option"),
	args.Opt("sack", kBlocks, "SACK option: blocks of relative numbers"),
	args.Opt("timestamps", args.Bool, "timestamp option; of a connection that has them, unless false"),
	args.Opt("tsval", kWord32, "timestamp option: the sender's clock"),
	args.Opt("tsecr", kWord32, "timestamp option: the clock it echoes"),
	args.Opt("udp", args.Bool, "a UDP datagram"),
	args.Opt("icmp", matching.KICMP, "an ICMP or ICMPv6 message"),
	args.Opt("icmp_code", kByte, "its code, where the name leaves it open"),
	args.Opt("icmp_id", kWord16, "identifier of an echo"),
	args.Opt("icmp_seq", kWord16, "sequence number of an echo"),
	args.Opt("mtu", kWord16, "what an ICMP message says the path takes"),
	args.Opt("proto", kByte, "another protocol, by number; payload is what is behind the IP header"),
	args.Opt("payload", args.String, "the payload"),
	args.Opt("ttl", kByte, "time to live, or hop limit"),
	args.Opt("tos", kByte, "type of service, or traffic class"),
	args.Opt("ip_id", kWord16, "IPv4 identification"),
	args.Opt("df", args.Bool, "don't fragment"),
	args.Opt("vlan", args.Int("VLAN", 1, 4094, "a VLAN is 1 to 4094"), "VLAN of its 802.1Q tag; that of the packets around it unless said"),
}

// base is what a packet is made from: what its options leave open, and how
// relative numbers are read.
type base struct {
	build.Packet
	// seq and ack turn numbers of the connection into those on the wire; nil
	// if there is no connection.
	seq, ack func(n any) uint32
}

func has(a map[string]any, names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { _, ok := a[n]; return ok })
}

// tcpKeys are options that make a packet a TCP segment.
var tcpKeys = []string{"flags", "seq", "ack", "raw_seq", "raw_ack", "win", "urgent", "mss", "wscale", "sack_permitted", "sack", "timestamps", "tsval", "tsecr"}

// fill gives p what the options a say.
func (b *base) fill(c *vm.Call, a map[string]any) (*build.Packet, error) {
	p := &b.Packet
	if err := b.protocol(c, a); err != nil {
		return nil, err
	}
	set8 := func(name string, to *uint8) {
		if n, ok := a[name].(int); ok {
			*to = uint8(n)
		}
	}
	set16 := func(name string, to *uint16) {
		if n, ok := a[name].(int); ok {
			*to = uint16(n)
		}
	}
	set8("ttl", &p.TTL)
	set8("tos", &p.TOS)
	set16("ip_id", &p.ID)
	set16("sport", &p.SrcPort)
	set16("dport", &p.DstPort)
	set16("win", &p.Window)
	set16("urgent", &p.Urgent)
	if d, ok := a["df"].(bool); ok {
		p.DF = d
	}
	if s, ok := a["payload"].(string); ok {
		p.Payload = []byte(s)
	}
	if isICMP := p.Proto == packet.ProtoICMP || p.Proto == packet.ProtoICMPv6; !isICMP {
		for _, name := range []string{"icmp_code", "icmp_id", "icmp_seq", "mtu"} {
			if has(a, name) {
				return nil, c.Fail(name, `write icmp = "frag-needed"`, "%s is of ICMP, and the packet is not", name)
			}
		}
	}
	switch p.Proto {
	case packet.ProtoTCP:
		return p, b.tcp(c, a)
	case packet.ProtoICMP, packet.ProtoICMPv6:
		return p, b.icmp(c, a)
	}
	return p, nil
}

// protocol finds out what kind of packet is meant.
func (b *base) protocol(c *vm.Call, a map[string]any) error {
	p := &b.Packet
	kinds := 0
	is := func(on bool, proto uint8) {
		if on {
			kinds++
			p.Proto = proto
		}
	}
	udp, _ := a["udp"].(bool)
	is(has(a, tcpKeys...), packet.ProtoTCP)
	is(udp, packet.ProtoUDP)
	icmp := uint8(packet.ProtoICMP)
	if p.Src.Is6() {
		icmp = packet.ProtoICMPv6
	}
	is(has(a, "icmp"), icmp)
	if n, ok := a["proto"].(int); ok {
		is(true, uint8(n))
	}
	if kinds > 1 {
		return c.Fail("", "leave the options of the others out", "a packet is one of TCP, UDP, ICMP and another protocol")
	}
	if kinds == 0 && p.Proto == 0 {
		return c.Fail("", `write flags = "R" for TCP, udp = true, icmp = "frag-needed", or proto = 47`, "what kind of packet is it?")
	}
	return nil
}

func (b *base) tcp(c *vm.Call, a map[string]any) error {
	p := &b.Packet
	if s, ok := a["flags"].(string); ok {
		f, good := packet.ParseFlags(s)
		if !good {
			return c.Fail(s, `write them as tcpdump does: "S", "P."`, "%q are not TCP flags", s)
		}
		p.Flags = f
	}
	for _, n := range []struct {
		name, raw string
		of        func(any) uint32
		to        *uint32
	}{{"seq", "raw_seq", b.seq, &p.Seq}, {"ack", "raw_ack", b.ack, &p.Ack}} {
		x, relative := a[n.name]
		raw, absolute := a[n.raw].(int)
		switch {
		case relative && absolute:
			return c.Fail(n.raw, "leave one of the two out", "%s and %s say the same", n.name, n.raw)
		case absolute:
			*n.to = uint32(raw)
		case relative && n.of == nil:
			return c.Fail(n.name, "say which connection: conn = …; or write "+n.raw, "%s is relative, and there is no connection", n.name)
		case relative:
			*n.to = n.of(x)
		}
	}
	o := &p.Options
	if n, ok := a["mss"].(int); ok {
		o.MSS = n
	}
	if n, ok := a["wscale"].(int); ok {
		o.WScale = n
	}
	if v, ok := a["sack_permitted"].(bool); ok {
		o.SACKPermitted = v
	}
	if v, ok := a["timestamps"].(bool); ok {
		o.HasTS = v
	}
	for name, to := range map[string]*uint32{"tsval": &o.TSVal, "tsecr": &o.TSEcr} {
		if n, ok := a[name].(int); ok {
			*to, o.HasTS = uint32(n), true
		}
	}
	if bs, ok := a["sack"].([]block); ok {
		if b.ack == nil {
			return c.Fail("sack", "say which connection: conn = …", "sack blocks are relative, and there is no connection")
		}
		o.SACK = nil
		for _, s := range bs {
			o.SACK = append(o.SACK, packet.Block{Left: b.ack(s.left), Right: b.ack(s.right)})
		}
	}
	return nil
}

func (b *base) icmp(c *vm.Call, a map[string]any) error {
	p := &b.Packet
	if name, ok := a["icmp"].(string); ok {
		tc, good := packet.ICMPNames[name].Of(p.Proto)
		if !good || tc[0] < 0 {
			return c.Fail(name, "name a message that this version of IP has", "%q cannot be sent from %s", name, p.Src)
		}
		p.ICMPType, p.ICMPCode = uint8(tc[0]), uint8(max(tc[1], 0))
	}
	if n, ok := a["icmp_code"].(int); ok {
		p.ICMPCode = uint8(n)
	}
	rest := func(name string, shift uint) {
		if n, ok := a[name].(int); ok {
			p.ICMPRest = p.ICMPRest&^(0xffff<<shift) | uint32(n)<<shift
		}
	}
	rest("icmp_id", 16)
	rest("icmp_seq", 0)
	rest("mtu", 0) // RFC 1191, section 4; RFC 4443, section 3.2 has four bytes for it
	return nil
}

// built is the frame of p.
func built(c *vm.Call, p *build.Packet) ([]byte, error) {
	b, err := p.Build()
	if err != nil {
		return nil, c.Fail("", "give it addresses of one IP version, and no more than fits", "build packet: %v", err)
	}
	return b, nil
}

// nearest is the side of a wire that leads to a node.
func nearest(w *session.LiveWire, n *session.Node) int { return w.Plan.Toward(n.Node.Node) }
