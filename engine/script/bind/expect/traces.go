//go:build linux

package expect

import (
	"fmt"
	"net/netip"
	"slices"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/expect"
	"netrepro/engine/match"
	"netrepro/engine/packet"
	"netrepro/engine/script/matching"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
	"netrepro/engine/tcp/sender"
	"netrepro/engine/trace"
	"netrepro/engine/view"
)

// Trace is what the wires saw, or a part of it.
var Trace = &vm.Class{Name: "Trace", Doc: "What the wires saw: every packet where it left a node and where it arrived. :at(node) is one vantage point.",
	String: func(x any) string { return x.(*trace.View).Label }}

func init() { // the verbs refer to the class
	Trace.Len = func(x any) int { return len(x.(*trace.View).Packets()) }
	Trace.Item = func(v *vm.VM, x any, n int) lua.LValue {
		ps := x.(*trace.View).Packets()
		if n < 1 || n > len(ps) {
			return lua.LNil
		}
		return v.New(packetClass, seenPacket{x.(*trace.View).Trace, ps[n-1]})
	}
	Trace.Methods = []*vm.Method{
		{Name: "at", Doc: "What the devices of one node saw.", Example: `net.trace:at(net.server)`, Returns: "Trace", Phase: vm.Running,
			Params: []vm.Param{{Name: "node", Kind: session.KHost, Doc: "a node"}},
			Fn: func(c *vm.Call) error {
				c.Return(c.VM.New(Trace, c.Self.(*trace.View).At(c.Args["node"].(*session.Node).Name)))
				return nil
			}},
		{Name: "tcp", Doc: "The TCP segments among them that match.", Example: `net.trace:tcp { from = net.server }`, Returns: "Trace", Phase: vm.Running,
			Options: matching.Seen,
			Fn: func(c *vm.Call) error {
				m := matching.Of(c.Args)
				c.Return(c.VM.New(Trace, c.Self.(*trace.View).Where("", (*trace.Packet).IsTCP).With(":tcp"+m.String(), m.In)))
				return nil
			}},
		{Name: "between", Doc: "What two nodes said to each other.", Example: `net.trace:between(net.client, net.server)`, Returns: "Trace", Phase: vm.Running,
			Params: []vm.Param{{Name: "a", Kind: session.KHost, Doc: "a node"}, {Name: "b", Kind: session.KHost, Doc: "another"}},
			Fn: func(c *vm.Call) error {
				a, b := c.Args["a"].(*session.Node), c.Args["b"].(*session.Node)
				ends := [2][]netip.Addr{a.Addrs(), b.Addrs()}
				c.Return(c.VM.New(Trace, c.Self.(*trace.View).Where(fmt.Sprintf(":between(%s, %s)", a.Name, b.Name), func(p *trace.Packet) bool {
					return slices.Contains(ends[0], p.Src) && slices.Contains(ends[1], p.Dst) ||
						slices.Contains(ends[1], p.Src) && slices.Contains(ends[0], p.Dst)
				})))
				return nil
			}},
		{Name: "conn", Doc: "One connection.", Example: `net.trace:conn(call)`, Returns: "Trace", Phase: vm.Running,
			Params: []vm.Param{{Name: "conn", Kind: session.KEnds, Doc: "what dial, tls or fetch returned"}},
			Fn: func(c *vm.Call) error {
				ends := c.Args["conn"].(*trace.Ends)
				c.Return(c.VM.New(Trace, c.Self.(*trace.View).Where(":conn", func(p *trace.Packet) bool { return ends.Has(&p.Packet) })))
				return nil
			}},
		{Name: "connections", Doc: "Each TCP connection in it, in the order they began, once the wires are idle.", Example: `#net.trace:connections()`,
			Returns: "Trace[]", Phase: vm.Running,
			Fn: func(c *vm.Call) error {
				session.Of(c).Settle()
				t := c.L.NewTable()
				for _, v := range expect.Connections(c.Self.(*trace.View)) {
					t.Append(c.VM.New(Trace, v))
				}
				c.Return(t)
				return nil
			}},
		{Name: "packets", Doc: "The packets that match, as a list, once the wires are idle.", Example: `for _, p in ipairs(net.trace:packets { tcp = "rst" }) do print(p) end`,
			Returns: "Packet[]", Phase: vm.Running, Options: matching.Seen,
			Fn: func(c *vm.Call) error {
				t := c.L.NewTable()
				v := c.Self.(*trace.View)
				for _, p := range settled(c) {
					t.Append(c.VM.New(packetClass, seenPacket{v.Trace, p}))
				}
				c.Return(t)
				return nil
			}},
		{Name: "count", Doc: "How many packets match, once the wires are idle.", Example: `net.trace:count { tcp = "rexmit" }`, Returns: "integer",
			Phase: vm.Running, Options: matching.Seen,
			Fn: func(c *vm.Call) error {
				c.Return(lua.LNumber(len(settled(c))))
				return nil
			}},
		{Name: "differences", Doc: "How what it means differs from what another trace does, in words, once the wires are idle; empty if it does not.",
			Example: `for _, d in ipairs(b:differences(a)) do print(d) end`, Returns: "string[]", Phase: vm.Running,
			Params: []vm.Param{{Name: "trace", Kind: kTrace, Doc: "the other"}},
			Fn: func(c *vm.Call) error {
				session.Of(c).Settle()
				t := c.L.NewTable()
				for _, d := range expect.Differences(c.Args["trace"].(*trace.View), c.Self.(*trace.View)) {
					t.Append(lua.LString(d))
				}
				c.Return(t)
				return nil
			}},
	}
}

// settled are the packets of a trace that match c's options, once the wires
// are idle.
func settled(c *vm.Call) []*trace.Packet {
	session.Of(c).Settle()
	m := matching.Of(c.Args)
	return m.Find(c.Self.(*trace.View))
}

// seenPacket is a packet with the trace that knows its names.
type seenPacket struct {
	t *trace.Trace
	*trace.Packet
}

// asked is the packet as a match is asked about it.
func (p seenPacket) asked() *match.Packet { return match.Recorded(p.t)(p.Packet) }

// Record is the packet as the trace has it.
func (p seenPacket) Record() *trace.Packet { return p.Packet }

func packetField(name, typ, doc string, get func(seenPacket) lua.LValue) *vm.Field {
	return &vm.Field{Name: name, Type: typ, Doc: doc, Get: func(_ *vm.VM, x any) (lua.LValue, error) { return get(x.(seenPacket)), nil }}
}

func number[T int | int32 | uint8 | uint16 | uint32](name, doc string, get func(seenPacket) T) *vm.Field {
	return packetField(name, "integer", doc, func(p seenPacket) lua.LValue { return lua.LNumber(get(p)) })
}

func text(name, doc string, get func(seenPacket) string) *vm.Field {
	return packetField(name, "string", doc, func(p seenPacket) lua.LValue { return lua.LString(get(p)) })
}

var packetClass = &vm.Class{Name: "Packet", Doc: "One packet at one capture point. Numbers are relative.",
	Fields: append([]*vm.Field{
		number("n", "Frame number in trace.pcapng.", func(p seenPacket) int { return p.N }),
		packetField("time", "number", "Seconds since the trace began.", func(p seenPacket) lua.LValue { return lua.LNumber(p.Time.Seconds()) }),
		text("at", "Capture point, node/wire.", func(p seenPacket) string { return p.Point.Name() }),
		text("from", "Sender: a node, or an address.", func(p seenPacket) string { return p.t.Name(p.Src) }),
		text("to", "Receiver: a node, or an address.", func(p seenPacket) string { return p.t.Name(p.Dst) }),
		text("flags", "TCP flags as tcpdump writes them.", func(p seenPacket) string { return p.Flags.String() }),
		number("seq", "Relative sequence number.", func(p seenPacket) uint32 { return p.asked().Seq }),
		number("ack", "Relative acknowledgement number.", func(p seenPacket) uint32 { return p.asked().Ack }),
		number("len", "Bytes of payload.", func(p seenPacket) int32 { return p.PayloadLen }),
		number("win", "Window as on the wire, unscaled.", func(p seenPacket) uint16 { return p.Window }),
		number("mss", "MSS option, 0 if absent.", func(p seenPacket) uint16 { return p.MSS }),
		number("ttl", "Time to live.", func(p seenPacket) uint8 { return p.TTL }),
		number("ip_len", "Length of the IP packet.", func(p seenPacket) int32 { return p.IPLen }),
		number("sport", "Source port.", func(p seenPacket) uint16 { return p.SrcPort }),
		number("dport", "Destination port.", func(p seenPacket) uint16 { return p.DstPort }),
		packetField("rexmit", "integer?", "How often its sequence space was sent before; nil if it never was.", func(p seenPacket) lua.LValue {
			if s := p.asked().Sending; s.Class&sender.Rexmit != 0 {
				return lua.LNumber(max(s.Resent, 1))
			}
			return lua.LNil
		}),
		packetField("syn", "boolean", "SYN is set.", func(p seenPacket) lua.LValue { return lua.LBool(p.Flags.Has(packet.SYN)) }),
		packetField("rst", "boolean", "RST is set.", func(p seenPacket) lua.LValue { return lua.LBool(p.Flags.Has(packet.RST)) }),
		packetField("verdict", "string?", "Of a reset: who sent it and why, nil for all else.", func(p seenPacket) lua.LValue {
			if r := p.Finding(); r != nil && r.Reset != nil {
				return lua.LString(r.Reset.String())
			}
			return lua.LNil
		}),
		packetField("kernel_drop", "string?", "Why the kernel of the node it arrived at threw it away, where it was asked; nil if it did not.", func(p seenPacket) lua.LValue {
			if r := p.Finding(); r != nil && r.KernelDrop != "" {
				return lua.LString(r.KernelDrop)
			}
			return lua.LNil
		}),
		packetField("timer", "string?", "Of a retransmission: the function of its sender's kernel that sent it, where it was asked.", func(p seenPacket) lua.LValue {
			if r := p.Finding(); r != nil && r.Timer != "" {
				return lua.LString(r.Timer)
			}
			return lua.LNil
		}),
		packetField("original", "string?", "Of a retransmission: what became of what it sends again, lost or arrived, where that is known.", func(p seenPacket) lua.LValue {
			if r := p.Finding(); r != nil && r.Original != "" {
				return lua.LString(r.Original)
			}
			return lua.LNil
		}),
		packetField("left", "boolean", "It left the node here; else it arrived.", func(p seenPacket) lua.LValue { return lua.LBool(p.Dir == trace.Out) }),
		packetField("fault", "string?", "What a fault did to it besides dropping it, or who forged it; nil if nothing was done.", func(p seenPacket) lua.LValue {
			if p.Fault == "" {
				return lua.LNil
			}
			return lua.LString(p.Fault)
		}),
		number("queued", "Bytes that waited before it on a wire with a rate.", func(p seenPacket) int32 { return p.Queued }),
		packetField("dropped", "string?", "What dropped it, nil if nothing did.", func(p seenPacket) lua.LValue {
			if p.Dropped == "" {
				return lua.LNil
			}
			return lua.LString(p.Dropped)
		}),
		packetField("payload", "string", "The payload, as far as the trace keeps it.", func(p seenPacket) lua.LValue { return lua.LString(p.Payload) }),
	}, matching.Headers(func(o any) ([]byte, error) { return o.(seenPacket).Frame, nil },
		"flags", "seq", "ack", "win", "mss", "ttl", "ip_len", "sport", "dport")...),
	String: func(x any) string {
		p := x.(seenPacket)
		r := p.Finding()
		if r == nil { // it is not recorded, so no script has it
			return p.Point.Name()
		}
		return view.Line(r, p.t.Hosts())
	}}
