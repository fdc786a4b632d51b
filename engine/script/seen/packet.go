//go:build linux

// Package seen is a packet of a trace as scripts see it.
package seen

import (
	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/match"
	"netrepro/engine/packet"
	"netrepro/engine/script/matching"
	"netrepro/engine/script/vm"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/sender"
	"netrepro/engine/trace"
	"netrepro/engine/view"
)

// Packet is a packet with the trace that knows its names.
type Packet struct {
	Trace *trace.Trace
	*trace.Packet
}

// asked is the packet as a match is asked about it.
func (p Packet) asked() *match.Packet { return match.Recorded(p.Trace)(p.Packet) }

// Record is the packet as the trace has it.
func (p Packet) Record() *trace.Packet { return p.Packet }

func number[T int | int32 | uint8 | uint16 | uint32](name, doc string, get func(Packet) T) *vm.Field {
	return vm.NumberOf(name, "integer", doc, get)
}

func text(name, doc string, get func(Packet) string) *vm.Field {
	return vm.FieldOf(name, "string", doc, func(p Packet) lua.LValue { return lua.LString(get(p)) })
}

func yes(name, doc string, get func(Packet) bool) *vm.Field {
	return vm.FieldOf(name, "boolean", doc, func(p Packet) lua.LValue { return lua.LBool(get(p)) })
}

// perhaps is a text that is nil where it is empty.
func perhaps(name, doc string, get func(Packet) string) *vm.Field {
	return vm.FieldOf(name, "string?", doc, func(p Packet) lua.LValue {
		if s := get(p); s != "" {
			return lua.LString(s)
		}
		return lua.LNil
	})
}

// found is a text of what was found out about a packet, nil where it is empty.
func found(name, doc string, get func(*tcp.Record) string) *vm.Field {
	return perhaps(name, doc, func(p Packet) string {
		if r := p.Finding(); r != nil {
			return get(r)
		}
		return ""
	})
}

// was says what a field was called in an earlier release.
func was(old string, f *vm.Field) *vm.Field {
	f.Was = old
	return f
}

var fields = []*vm.Field{
	number("n", "Frame number in trace.pcapng.", func(p Packet) int { return p.N }),
	vm.FieldOf("time", "number", "Seconds since the trace began.",
		func(p Packet) lua.LValue { return lua.LNumber(p.Time.Seconds()) }),
	text("at", "Capture point, node/wire.", func(p Packet) string { return p.Point.Name() }),
	text("from", "Sender: a node, or an address.", func(p Packet) string { return p.Trace.Name(p.Src) }),
	text("to", "Receiver: a node, or an address.", func(p Packet) string { return p.Trace.Name(p.Dst) }),
	text("flags", "TCP flags as tcpdump writes them.", func(p Packet) string { return p.Flags.String() }),
	number("seq", "Relative sequence number.", func(p Packet) uint32 { return p.asked().Seq }),
	number("ack", "Relative acknowledgement number.", func(p Packet) uint32 { return p.asked().Ack }),
	number("len", "Bytes of payload.", func(p Packet) int32 { return p.PayloadLen }),
	number("win", "Window as on the wire, unscaled.", func(p Packet) uint16 { return p.Window }),
	number("mss", "MSS option, 0 if absent.", func(p Packet) uint16 { return p.MSS }),
	number("ttl", "Time to live.", func(p Packet) uint8 { return p.TTL }),
	number("ip_len", "Length of the IP packet.", func(p Packet) int32 { return p.IPLen }),
	number("sport", "Source port.", func(p Packet) uint16 { return p.SrcPort }),
	number("dport", "Destination port.", func(p Packet) uint16 { return p.DstPort }),
	vm.FieldOf("rexmit", "integer?", "How often its sequence space was sent before; nil if it never was.",
		func(p Packet) lua.LValue {
			if s := p.asked().Sending; s.Class&sender.Rexmit != 0 {
				return lua.LNumber(max(s.Resent, 1))
			}
			return lua.LNil
		}),
	yes("syn", "SYN is set.", func(p Packet) bool { return p.Flags.Has(packet.SYN) }),
	yes("rst", "RST is set.", func(p Packet) bool { return p.Flags.Has(packet.RST) }),
	vm.FieldOf("verdict", "string?", "Of a reset: who sent it and why, nil for all else.", func(p Packet) lua.LValue {
		if r := p.Finding(); r != nil && r.Reset != nil {
			return lua.LString(r.Reset.String())
		}
		return lua.LNil
	}),
	was("refused", found("kernel_drop", "Why the kernel of the node it arrived at threw it away; nil if it did not, or if "+
		"netrepro may not ask the kernel.",
		func(r *tcp.Record) string { return r.KernelDrop })),
	found("timer", "Of a retransmission: the function of its sender's kernel that sent it, where it was asked.",
		func(r *tcp.Record) string { return r.Timer }),
	found("original", "Of a retransmission: what became of what it sends again, lost or arrived, where that is known.",
		func(r *tcp.Record) string { return r.Original }),
	yes("left", "It left the node here; else it arrived.", func(p Packet) bool { return p.Dir == trace.Out }),
	perhaps("fault", "What a fault did to it besides dropping it, or who forged it; nil if nothing was done.",
		func(p Packet) string { return p.Fault }),
	number("queued", "Bytes that waited before it on a wire with a rate.", func(p Packet) int32 { return p.Queued }),
	perhaps("dropped", "What dropped it, nil if nothing did.",
		func(p Packet) string { return p.Dropped }),
	vm.FieldOf("payload", "string", "The payload, as far as the trace keeps it.",
		func(p Packet) lua.LValue { return lua.LString(p.Payload) }),
}

// Class is the class of recorded packets.
var Class = &vm.Class{Name: "Packet", Doc: "One packet at one capture point. Numbers are relative.",
	Fields: append(fields, matching.Headers(func(o any) ([]byte, error) { return o.(Packet).Frame, nil },
		"flags", "seq", "ack", "win", "mss", "ttl", "ip_len", "sport", "dport")...),
	String: func(x any) string {
		p := x.(Packet)
		r := p.Finding()
		if r == nil { // it is not recorded, so no script has it
			return p.Point.Name()
		}
		return view.Line(r, p.Trace.Hosts())
	}}
