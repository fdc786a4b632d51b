//go:build linux

package box

import (
	"netrepro/engine/lab/fault"
	"netrepro/engine/packet"
	"netrepro/engine/packet/build"
	"netrepro/engine/packet/header"
	"netrepro/engine/script/forging"
	"netrepro/engine/script/passing"
	"netrepro/engine/script/vm"
	"netrepro/engine/trace"
)

// verbs are those of a packet that passes.
var verbs = []*vm.Method{
	vm.Verb(vm.Method{Name: "rewrite",
		Doc:     "Changes header fields or the payload of what goes on, and mends its checksums.",
		Example: `pkt:rewrite { mss = 1200, ttl = "-1" }`},
		func(to **fault.Rewrite) []vm.Argument {
			return []vm.Argument{forging.KSettings.Param(to, "set", "fields and what they become")}
		},
		func(c *vm.Call, to **fault.Rewrite) error {
			x := c.Self.(*passing.Packet)
			p, v, err := x.Verdict()
			if err != nil {
				return err
			}
			b, err := (*to).Edit(p, v.Frame())
			if err != nil {
				return c.Fail("rewrite", "look at what the packet is before", "rewrite cannot apply: %v", err)
			}
			v.Alter(b, "rewritten by "+x.By)
			x.Made = true
			return nil
		}),
	vm.Verb(vm.Method{Name: "answer", Doc: "Sends a packet back to where this one came from: from its receiver, " +
		"unless said otherwise, with the numbers that answer it.",
		Example: `pkt:answer { flags = "R." }`}, forging.Options,
		func(c *vm.Call, a *forging.Packet) error { return emit(c, a, false) }),
	vm.Verb(vm.Method{Name: "send", Doc: "Sends another packet on in the direction of this one: " +
		"with its addresses, ports and numbers, unless said otherwise.",
		Example: `pkt:send { flags = "R", raw_seq = pkt.next_seq }`}, forging.Options,
		func(c *vm.Call, a *forging.Packet) error { return emit(c, a, true) }),
}

// emit makes a packet on the way.
func emit(c *vm.Call, a *forging.Packet, onward bool) error {
	x := c.Self.(*passing.Packet)
	from, v, err := x.Verdict()
	if err != nil {
		return err
	}
	for _, n := range []*forging.Number{a.Seq, a.Ack} {
		if n != nil && n.Word != "" {
			return c.Fail(n.Word, "write a number: pkt.seq + 1, or raw_seq = pkt.next_seq",
				"a box does not know what is %q", n.Word)
		}
	}
	b := like(from, onward)
	if tag := a.Tag(); tag != nil {
		b.Tag = tag
	}
	b.Src, b.Dst = vm.Or(a.Src, b.Src), vm.Or(a.Dst, b.Dst)
	if a.ICMP != nil && !onward {
		b.Payload = build.Quote(from.Frame)
		b.DF = false
		if x.Node != nil {
			if addr := x.Node.Address(from.Src.Is6()); addr.IsValid() {
				b.Src = addr
			}
		}
	}
	p, err := b.Fill(c, a)
	if err != nil {
		return err
	}
	if a.IsOther() && !a.IsTCP() {
		p.Options = build.NoOptions
	}
	frame, err := forging.Frame(c, p)
	if err != nil {
		return err
	}
	v.Emit(frame, onward, "made by "+x.By)
	x.Made = true
	return nil
}

// like is a packet made from p: in the same direction with its numbers, or
// answering it (RFC 9293, section 3.10.7.1).
func like(p *trace.Packet, onward bool) *forging.Base {
	f := build.Packet{Src: p.Src, Dst: p.Dst, SrcPort: p.SrcPort, DstPort: p.DstPort, TTL: build.DefaultTTL, DF: true,
		Tag: header.TagOf(p.Frame), Seq: p.Seq, Ack: p.Ack, Window: p.Window, Options: build.NoOptions}
	f.SrcMAC, f.DstMAC = header.EthernetSrc.Get(p.Frame), header.EthernetDst.Get(p.Frame)
	b := &forging.Base{Packet: f}
	if p.Conn != nil && p.IsTCP() {
		b.SeqOf = func(n forging.Number) uint32 { return p.Absolute(uint32(n.N), !onward) }
		b.AckOf = func(n forging.Number) uint32 { return p.Absolute(uint32(n.N), onward) }
	}
	if onward {
		return b
	}
	b.Src, b.Dst, b.SrcPort, b.DstPort, b.SrcMAC, b.DstMAC = f.Dst, f.Src, f.DstPort, f.SrcPort, f.DstMAC, f.SrcMAC
	b.Seq, b.Ack, b.Window = 0, p.Seq+p.SeqLen(), 0
	if p.Flags.Has(packet.ACK) {
		b.Seq = p.Ack
	}
	return b
}
