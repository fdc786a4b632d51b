//go:build linux

package passing

import (
	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/packet"
	"netrepro/engine/script/vm"
	"netrepro/engine/tcp/payload"
	"netrepro/engine/trace"
)

// look makes a field of the packet that is not in its headers alone.
func look(name, typ, doc string, get func(x *Packet, p *trace.Packet) lua.LValue) *vm.Field {
	return &vm.Field{Name: name, Type: typ, Doc: doc, Get: func(_ *vm.VM, o any) (lua.LValue, error) {
		p, err := o.(*Packet).Live()
		if err != nil {
			return lua.LNil, err
		}
		return get(o.(*Packet), p), nil
	}}
}

// has makes a field that says whether a TCP flag is set.
func has(name, doc string, flag packet.TCPFlags) *vm.Field {
	return look(name, "boolean", doc,
		func(_ *Packet, p *trace.Packet) lua.LValue { return lua.LBool(p.Flags.Has(flag)) })
}

// number makes a field that is a number of TCP's, nil of other packets.
func number(name, doc string, get func(*trace.Packet) uint32) *vm.Field {
	return look(name, "integer?", doc, func(_ *Packet, p *trace.Packet) lua.LValue {
		if !p.IsTCP() {
			return lua.LNil
		}
		return lua.LNumber(get(p))
	})
}

var fields = []*vm.Field{
	look("time", "number", "Seconds since the trace began.",
		func(_ *Packet, p *trace.Packet) lua.LValue { return lua.LNumber(p.Time.Seconds()) }),
	look("at", "string", "Capture point, node/wire.",
		func(_ *Packet, p *trace.Packet) lua.LValue { return lua.LString(p.Point.Name()) }),
	look("wire", "string", "The wire it came by.",
		func(_ *Packet, p *trace.Packet) lua.LValue { return lua.LString(p.Point.Wire) }),
	look("from", "string", "Sender: a node, or an address.",
		func(x *Packet, p *trace.Packet) lua.LValue { return lua.LString(x.run.Lab.Trace.Name(p.Src)) }),
	look("to", "string", "Receiver: a node, or an address.",
		func(x *Packet, p *trace.Packet) lua.LValue { return lua.LString(x.run.Lab.Trace.Name(p.Dst)) }),
	look("is_tcp", "boolean", "It is a TCP segment.",
		func(_ *Packet, p *trace.Packet) lua.LValue { return lua.LBool(p.IsTCP()) }),
	look("is_udp", "boolean", "It is a UDP datagram.",
		func(_ *Packet, p *trace.Packet) lua.LValue { return lua.LBool(p.Proto == packet.ProtoUDP) }),
	look("icmp", "string?", "Of an ICMP message, its name.", func(_ *Packet, p *trace.Packet) lua.LValue {
		if m := p.ICMP(); m != nil {
			return lua.LString(m.Name(p.Proto))
		}
		return lua.LNil
	}),
	look("len", "integer", "Bytes of payload.",
		func(_ *Packet, p *trace.Packet) lua.LValue { return lua.LNumber(p.PayloadLen) }),
	look("size", "integer", "Bytes of the whole frame.",
		func(_ *Packet, p *trace.Packet) lua.LValue { return lua.LNumber(p.Length) }),
	look("payload", "string", "The payload.",
		func(x *Packet, _ *trace.Packet) lua.LValue { return lua.LString(payloadOf(x.frame())) }),
	has("syn", "SYN is set.", packet.SYN),
	has("has_ack", "ACK is set.", packet.ACK),
	has("fin", "FIN is set.", packet.FIN),
	has("rst", "RST is set.", packet.RST),
	look("rexmit", "integer", "How often its sequence space was sent before.",
		func(_ *Packet, p *trace.Packet) lua.LValue { return lua.LNumber(p.AtPoint.Resent) }),
	number("seq", "Relative sequence number.", func(p *trace.Packet) uint32 { return p.RelSeq }),
	number("ack", "Relative acknowledgement number.", func(p *trace.Packet) uint32 { return p.RelAck }),
	number("raw_seq", "Sequence number on the wire.", func(p *trace.Packet) uint32 { return p.Seq }),
	number("raw_ack", "Acknowledgement number on the wire.", func(p *trace.Packet) uint32 { return p.Ack }),
	number("next_seq", "Number on the wire of what follows it.",
		func(p *trace.Packet) uint32 { return p.Seq + p.SeqLen() }),
	look("server_name", "string?", "The server name in a TLS client hello that begins in it.", serverName),
}

func serverName(x *Packet, p *trace.Packet) lua.LValue {
	var s payload.Stream
	b := payloadOf(x.frame())
	for _, e := range s.Feed(p.Seq, len(b), b, nil) {
		if e.Proto == "tls" && e.Name == "client-hello" && e.Detail != "" {
			return lua.LString(e.Detail)
		}
	}
	return lua.LNil
}
