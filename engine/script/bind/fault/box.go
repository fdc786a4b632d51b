//go:build linux

package fault

import (
	"fmt"
	"net/netip"
	"slices"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/fault"
	"netrepro/engine/lab/topology/plan"
	"netrepro/engine/lab/wire"
	"netrepro/engine/packet"
	"netrepro/engine/packet/build"
	"netrepro/engine/packet/header"
	"netrepro/engine/script/args"
	"netrepro/engine/script/matching"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
	"netrepro/engine/tcp/payload"
	"netrepro/engine/trace"
)

// passing is a packet while it passes a function of the script's.
type passing struct {
	run   *session.Run
	p     *trace.Packet // nil once it has passed
	v     *wire.Verdict // nil where the function only looks
	name  string        // of the box
	node  *session.Node // that the box is on, nil on a wire
	spare bool          // what it made goes first, so that it is not sent on itself
}

var boxOptions = []vm.Option{session.OptName}

var boxParams = []vm.Param{{Name: "body", Kind: args.Func, Doc: "function(pkt): false drops the packet, anything else lets it pass"}}

const boxDoc = " It may drop, change and answer packets, make new ones, and keep state in locals. Return false to drop."

var wireBoxVerb = &vm.Method{Name: "box", Doc: "Runs a function on every packet that enters the wire." + boxDoc,
	Example: `net.wan:box(function(pkt) if pkt.ttl == 1 then return false end end)`, Returns: "Fault", Phase: vm.Running,
	Params: boxParams, Options: boxOptions,
	Fn: func(c *vm.Call) error {
		w, live, err := liveOf(c)
		if err != nil {
			return err
		}
		b := newBox(c, w.Plan.Name, nil)
		c.VM.Block(func() { live.AddFault(b) })
		return nil
	}}

// nodeBox is the verb of routers and hosts.
var nodeBox = &vm.Method{Name: "box", Doc: "Runs a function on every packet that reaches this node." + boxDoc,
	Example: `edge:box(function(pkt) if pkt.dport == 81 then pkt:answer { flags = "R." } return false end end)`, Returns: "Fault", Phase: vm.Running,
	Params: boxParams, Options: boxOptions,
	Fn: func(c *vm.Call) error {
		n := c.Self.(*session.Node)
		if !slices.ContainsFunc(n.Ifaces, func(f *plan.Iface) bool { return !f.Wire.Direct }) {
			return c.Fail("box", "leave direct out of a wire", "every wire of %s is direct: its frames do not pass through the engine", n.Name)
		}
		b := newBox(c, n.Name, n)
		c.VM.Block(func() {
			for _, f := range n.Ifaces {
				if live := n.Run.Lab.Relay.Wire(f.Wire.Name); live != nil {
					live.AddBox(f.Side, b)
				}
			}
		})
		return nil
	}}

// box is a function of the script's that packets pass.
type box struct {
	fault.Counter
	run  *session.Run
	node *session.Node
	call *vm.Inline
}

func newBox(c *vm.Call, where string, n *session.Node) *box {
	run := session.Of(c)
	b := &box{run: run, node: n, call: c.VM.Inline(c.Args["body"].(*lua.LFunction))}
	b.Named(vm.ArgOr(c, "name", where+":box"), c.Line)
	if run.Spare() {
		b.Disarm()
	}
	run.Arm(b)
	c.Return(c.VM.New(session.Fault, b))
	return b
}

// Idle implements [fault.Handle]: a box may see nothing.
func (b *box) Idle() (bool, error) { return false, nil }

// Apply implements [wire.Fault].
func (b *box) Apply(p *trace.Packet, v *wire.Verdict) { b.Pass(p, v) }

// Pass implements [wire.Box].
func (b *box) Pass(p *trace.Packet, v *wire.Verdict) {
	if b.Off() {
		return
	}
	pkt := &passing{run: b.run, p: p, v: v, name: b.String(), node: b.node}
	x, err := b.call.Call(func() []lua.LValue { return []lua.LValue{b.run.VM.New(passingClass, pkt)} })
	pkt.p = nil
	if err != nil {
		if b.run.VM.Context().Err() == nil { // else the case is over, for another reason
			b.Fail(err)
		}
		return
	}
	if x == lua.LFalse {
		v.Drop(b.String())
	}
	if x == lua.LFalse || pkt.spare {
		b.Hit(p)
	}
}

// live returns the packet, or an error once it has passed.
func (x *passing) live() (*trace.Packet, error) {
	if x.p == nil {
		return nil, fmt.Errorf("this packet has passed: keep what is needed of it in locals")
	}
	return x.p, nil
}

// acts returns what decides about the packet, or an error where the function
// only looks.
func (x *passing) acts() (*wire.Verdict, error) {
	if _, err := x.live(); err != nil {
		return nil, err
	}
	if x.v == nil {
		return nil, fmt.Errorf("where only looks at packets: use a box to change or answer them")
	}
	return x.v, nil
}

func (x *passing) frame() []byte {
	if x.v != nil {
		return x.v.Frame()
	}
	return x.p.Frame
}

// look makes a field of the packet that is not in its headers alone.
func look(name, typ, doc string, get func(x *passing, p *trace.Packet) lua.LValue) *vm.Field {
	return &vm.Field{Name: name, Type: typ, Doc: doc, Get: func(_ *vm.VM, o any) (lua.LValue, error) {
		p, err := o.(*passing).live()
		if err != nil {
			return lua.LNil, err
		}
		return get(o.(*passing), p), nil
	}}
}

// payloadOf is the transport payload of a frame.
func payloadOf(b []byte) []byte {
	l := header.Parse(b)
	if l.Payload < 0 {
		return nil
	}
	return b[l.Payload:l.End]
}

func tcpOnly(p *trace.Packet, x lua.LValue) lua.LValue {
	if !p.IsTCP() {
		return lua.LNil
	}
	return x
}

// Classes are those of what functions of a script see.
var Classes = []*vm.Class{passingClass}

// passingClass is what functions of the script's see of a packet.
var passingClass = &vm.Class{Name: "Passing", What: "a packet that passes", Doc: "A packet while it passes: every header field by name, nil where it has none, and what is said here. It is gone when the function returns.",
	Fields: append([]*vm.Field{
		look("time", "number", "Seconds since the trace began.", func(_ *passing, p *trace.Packet) lua.LValue { return lua.LNumber(p.Time.Seconds()) }),
		look("at", "string", "Capture point, node/wire.", func(_ *passing, p *trace.Packet) lua.LValue { return lua.LString(p.Point.Name()) }),
		look("wire", "string", "The wire it came by.", func(_ *passing, p *trace.Packet) lua.LValue { return lua.LString(p.Point.Wire) }),
		look("from", "string", "Sender: a node, or an address.", func(x *passing, p *trace.Packet) lua.LValue {
			return lua.LString(x.run.Lab.Trace.Name(p.Src))
		}),
		look("to", "string", "Receiver: a node, or an address.", func(x *passing, p *trace.Packet) lua.LValue {
			return lua.LString(x.run.Lab.Trace.Name(p.Dst))
		}),
		look("is_tcp", "boolean", "It is a TCP segment.", func(_ *passing, p *trace.Packet) lua.LValue { return lua.LBool(p.IsTCP()) }),
		look("is_udp", "boolean", "It is a UDP datagram.", func(_ *passing, p *trace.Packet) lua.LValue { return lua.LBool(p.Proto == packet.ProtoUDP) }),
		look("icmp", "string?", "Of an ICMP message, its name.", func(_ *passing, p *trace.Packet) lua.LValue {
			if m := p.ICMP(); m != nil {
				return lua.LString(m.Name(p.Proto))
			}
			return lua.LNil
		}),
		look("len", "integer", "Bytes of payload.", func(_ *passing, p *trace.Packet) lua.LValue { return lua.LNumber(p.PayloadLen) }),
		look("size", "integer", "Bytes of the whole frame.", func(_ *passing, p *trace.Packet) lua.LValue { return lua.LNumber(p.Length) }),
		look("payload", "string", "The payload.", func(x *passing, _ *trace.Packet) lua.LValue { return lua.LString(payloadOf(x.frame())) }),
		look("syn", "boolean", "SYN is set.", func(_ *passing, p *trace.Packet) lua.LValue { return lua.LBool(p.Flags.Has(packet.SYN)) }),
		look("has_ack", "boolean", "ACK is set.", func(_ *passing, p *trace.Packet) lua.LValue { return lua.LBool(p.Flags.Has(packet.ACK)) }),
		look("fin", "boolean", "FIN is set.", func(_ *passing, p *trace.Packet) lua.LValue { return lua.LBool(p.Flags.Has(packet.FIN)) }),
		look("rst", "boolean", "RST is set.", func(_ *passing, p *trace.Packet) lua.LValue { return lua.LBool(p.Flags.Has(packet.RST)) }),
		look("rexmit", "integer", "How often its sequence space was sent before.", func(_ *passing, p *trace.Packet) lua.LValue { return lua.LNumber(p.AtPoint.Resent) }),
		look("seq", "integer?", "Relative sequence number.", func(_ *passing, p *trace.Packet) lua.LValue { return tcpOnly(p, lua.LNumber(p.RelSeq)) }),
		look("ack", "integer?", "Relative acknowledgement number.", func(_ *passing, p *trace.Packet) lua.LValue { return tcpOnly(p, lua.LNumber(p.RelAck)) }),
		look("raw_seq", "integer?", "Sequence number on the wire.", func(_ *passing, p *trace.Packet) lua.LValue { return tcpOnly(p, lua.LNumber(p.Seq)) }),
		look("raw_ack", "integer?", "Acknowledgement number on the wire.", func(_ *passing, p *trace.Packet) lua.LValue { return tcpOnly(p, lua.LNumber(p.Ack)) }),
		look("next_seq", "integer?", "Number on the wire of what follows it.", func(_ *passing, p *trace.Packet) lua.LValue {
			return tcpOnly(p, lua.LNumber(p.Seq+p.SeqLen()))
		}),
		look("server_name", "string?", "The server name in a TLS client hello that begins in it.", func(x *passing, p *trace.Packet) lua.LValue {
			var s payload.Stream
			b := payloadOf(x.frame())
			for _, e := range s.Feed(p.Seq, len(b), b, nil) {
				if e.Proto == "tls" && e.Name == "client-hello" && e.Detail != "" {
					return lua.LString(e.Detail)
				}
			}
			return lua.LNil
		}),
	}, headerFields()...),
	Methods: []*vm.Method{
		{Name: "rewrite", Doc: "Changes header fields or the payload of what goes on, and mends its checksums.", Example: `pkt:rewrite { mss = 1200, ttl = "-1" }`,
			Params: []vm.Param{{Name: "set", Kind: kSettings, Doc: "fields and what they become"}},
			Fn: func(c *vm.Call) error {
				x := c.Self.(*passing)
				v, err := x.acts()
				if err != nil {
					return err
				}
				b, err := c.Args["set"].(*fault.Rewrite).Edit(x.p, v.Frame())
				if err != nil {
					return c.Fail("rewrite", "look at what the packet is before", "rewrite cannot apply: %v", err)
				}
				v.Alter(b, "rewritten by "+x.name)
				x.spare = true
				return nil
			}},
		{Name: "answer", Doc: "Sends a packet back to where this one came from: from its receiver, unless said otherwise, with the numbers that answer it.",
			Example: `pkt:answer { flags = "R." }`, Options: packetOptions, Fn: func(c *vm.Call) error { return emit(c, false) }},
		{Name: "send", Doc: "Sends another packet on in the direction of this one: with its addresses, ports and numbers, unless said otherwise.",
			Example: `pkt:send { flags = "R", raw_seq = pkt.next_seq }`, Options: packetOptions, Fn: func(c *vm.Call) error { return emit(c, true) }},
	},
	String: func(o any) string {
		x := o.(*passing)
		if x.p == nil {
			return "a packet that has passed"
		}
		return fmt.Sprintf("%s > %s %s", x.run.Lab.Trace.Name(x.p.Src), x.run.Lab.Trace.Name(x.p.Dst), x.p.Flags)
	}}

// headerFields are those of the table of fields that have no name of their own
// above. They are read from the frame as boxes and faults so far have left it.
func headerFields() []*vm.Field {
	return matching.Headers(func(o any) ([]byte, error) {
		x := o.(*passing)
		if _, err := x.live(); err != nil {
			return nil, err
		}
		return x.frame(), nil
	}, "seq", "ack")
}

// emit makes a packet on the way.
func emit(c *vm.Call, onward bool) error {
	x := c.Self.(*passing)
	v, err := x.acts()
	if err != nil {
		return err
	}
	for _, name := range []string{"seq", "ack"} {
		if word, ok := c.Args[name].(string); ok {
			return c.Fail(word, "write a number: pkt.seq + 1, or raw_seq = pkt.next_seq", "a box does not know what is %q", word)
		}
	}
	b := x.like(onward)
	if v, ok := vm.Arg[int](c, "vlan"); ok {
		b.Tag = header.Tag(uint16(v))
	}
	if a, ok := c.Args["src"].(netip.Addr); ok {
		b.Src = a
	}
	if a, ok := c.Args["dst"].(netip.Addr); ok {
		b.Dst = a
	}
	if has(c.Args, "icmp") && !onward {
		b.Payload = build.Quote(x.p.Frame)
		b.DF = false
		if x.node != nil {
			if a := x.node.Address(x.p.Src.Is6()); a.IsValid() {
				b.Src = a
			}
		}
	}
	p, err := b.fill(c, c.Args)
	if err != nil {
		return err
	}
	if has(c.Args, "icmp", "udp", "proto") && !has(c.Args, tcpKeys...) {
		p.Options = build.NoOptions
	}
	frame, err := built(c, p)
	if err != nil {
		return err
	}
	v.Emit(frame, onward, "made by "+x.name)
	x.spare = true
	return nil
}

// like is a packet made from this one: in the same direction with its numbers,
// or answering it (RFC 9293, section 3.10.7.1).
func (x *passing) like(onward bool) *base {
	p := x.p
	f := build.Packet{Src: p.Src, Dst: p.Dst, SrcPort: p.SrcPort, DstPort: p.DstPort, TTL: build.DefaultTTL, DF: true, Tag: header.TagOf(p.Frame),
		Seq: p.Seq, Ack: p.Ack, Window: p.Window, Options: build.NoOptions}
	f.SrcMAC, f.DstMAC = header.EthernetSrc.Get(p.Frame), header.EthernetDst.Get(p.Frame)
	b := &base{Packet: f}
	if p.Conn != nil && p.IsTCP() {
		b.seq = func(n any) uint32 { return x.absolute(n, onward, false) }
		b.ack = func(n any) uint32 { return x.absolute(n, onward, true) }
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

// absolute is the number on the wire of a relative one in a packet made from
// this.
func (x *passing) absolute(n any, onward, ack bool) uint32 {
	rel, _ := n.(int64)
	return x.p.Absolute(uint32(rel), onward == ack)
}
