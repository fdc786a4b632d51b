package match

import (
	"bytes"
	"fmt"
	"maps"
	"slices"
	"strings"

	"netrepro/engine/match/value"
	"netrepro/engine/packet"
	"netrepro/engine/packet/field"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/payload"
	"netrepro/engine/tcp/wireshark"
	"netrepro/engine/trace"
)

// Key is one thing that a packet can be asked for.
type Key struct {
	Name string
	Doc  string
	Kind *value.Kind
	// Proto is the transport protocol of packets that can have it: "TCP", "UDP" or
	// "ICMP", empty for any. Layer is that of a header field, which may tell more.
	Proto string
	Layer field.Layer
	// Recorded says that only a recorded packet can be asked: it is the analysis, or
	// the wire behind, that tells.
	Recorded bool
	// Live says that it is known while a case runs, and of no capture.
	Live bool
	// Hears says that kernels tell it, which may be late; Unsettled that packets which
	// come later may change it.
	Hears, Unsettled bool
	// Was is what the key was called in an earlier release.
	Was string

	test  func(v any, p *Packet) bool
	quick func(v any, q *Quick)
}

// print writes a term of k as a script would.
func (k *Key) print(v any) string {
	if f, ok := v.(value.Field); ok {
		return f.String()
	}
	if k.Kind == value.KindEnds {
		e := v.(*trace.Ends)
		return fmt.Sprintf("%s = %s-%s", k.Name, e.A, e.B)
	}
	return k.Name + " = " + k.Kind.Write(v)
}

// Passing reports whether k can be asked of a packet that passes a wire.
func (k *Key) Passing() bool { return !k.Recorded }

// of makes a test of what a packet must have, for keys whose value is of type T.
func of[T any](test func(v T, p *Packet) bool) func(any, *Packet) bool {
	return func(v any, p *Packet) bool { return test(v.(T), p) }
}

// tcpOf is as of, for what a TCP segment alone has.
func tcpOf[T any](test func(v T, p *Packet) bool) func(any, *Packet) bool {
	return func(v any, p *Packet) bool { return p.IsTCP() && test(v.(T), p) }
}

// recorded is as of, for what the analysis says of a packet.
func recorded[T any](test func(v T, r *tcp.Record) bool) func(any, *Packet) bool {
	return func(v any, p *Packet) bool { return p.Record != nil && test(v.(T), p.Record) }
}

// Keys are all keys, in the order in which they are written.
var Keys = slices.Concat([]*Key{
	{Name: "from", Doc: "the sender, by its addresses", Kind: value.KindParty,
		test: of(func(v *value.Party, p *Packet) bool { return v.Has(p.Src) })},
	{Name: "to", Doc: "the receiver, by its addresses", Kind: value.KindParty,
		test: of(func(v *value.Party, p *Packet) bool { return v.Has(p.Dst) })},
	{Name: "host", Doc: "either end, by its addresses", Kind: value.KindParty,
		test: of(func(v *value.Party, p *Packet) bool { return v.Has(p.Src) || v.Has(p.Dst) })},
	{Name: "tcp", Doc: `what a TCP segment is; "data" is new data only, "any" is data new or sent again`, Kind: kindTCP,
		Proto: "TCP", Was: "sent",
		test: tcpOf(func(v string, p *Packet) bool { return segments[v].test(p) }), quick: quickTCP},
	{Name: "icmp", Doc: "an ICMP message", Kind: kindICMP, Proto: "ICMP", test: of(isICMP)},
	{Name: "udp", Doc: "UDP datagrams only", Kind: value.KindTrue, Proto: "UDP",
		test: of(func(_ bool, p *Packet) bool { return p.Proto == packet.ProtoUDP })},
	{Name: "conn", Doc: "one connection, in a trace on both sides of a NAT", Kind: value.KindEnds, test: of(isOf)},
	{Name: "flow", Doc: "the number of a connection in the ladder, NAT or not", Kind: value.KindCount, Recorded: true,
		test: recorded(ofFlow)},
	{Name: "port", Doc: "either port", Kind: value.KindPort,
		test: of(func(v int, p *Packet) bool { return int(p.SrcPort) == v || int(p.DstPort) == v })},
	{Name: "sport", Doc: "source port", Kind: value.KindPort,
		test:  of(func(v int, p *Packet) bool { return int(p.SrcPort) == v }),
		quick: func(v any, q *Quick) { q.sport = uint16(v.(int)) }},
	{Name: "dport", Doc: "destination port", Kind: value.KindPort,
		test:  of(func(v int, p *Packet) bool { return int(p.DstPort) == v }),
		quick: func(v any, q *Quick) { q.dport = uint16(v.(int)) }},
	{Name: "seq", Doc: "relative sequence number", Kind: value.KindNumber, Proto: "TCP",
		test: tcpOf(func(v uint32, p *Packet) bool { return p.Seq == v })},
	{Name: "ack", Doc: "relative acknowledgement number", Kind: value.KindNumber, Proto: "TCP",
		test: tcpOf(func(v uint32, p *Packet) bool { return p.Ack == v && p.Flags.Has(packet.ACK) })},
	{Name: "len", Doc: "bytes of payload", Kind: value.KindRange,
		test: of(func(v value.Range, p *Packet) bool { return v.Has(int(p.PayloadLen)) }), quick: quickLen},
	{Name: "flags", Doc: `exactly these TCP flags, as tcpdump writes them: "S", "P."`, Kind: value.KindFlags,
		Proto: "TCP",
		test:  tcpOf(func(v packet.TCPFlags, p *Packet) bool { return p.Flags == v }),
		quick: func(v any, q *Quick) { q.flags(0xff, v.(packet.TCPFlags)&0xff) }},
	{Name: "sacks", Doc: "acknowledgements that report the segment this fault hit missing", Kind: KindHit, Proto: "TCP",
		test: tcpOf(func(v func() *Hit, p *Packet) bool { return sacks(v(), p) })},
	{Name: "covers", Doc: "acknowledgements that cover the segment this fault hit", Kind: KindHit, Proto: "TCP",
		test: tcpOf(func(v func() *Hit, p *Packet) bool { return covers(v(), p) })},
}, fieldKeys(), []*Key{
	{Name: "toward", Doc: "on its way to this end of a wire", Kind: value.KindNode, test: of(toward)},
	{Name: "payload", Doc: "bytes that the payload has in it", Kind: value.KindText,
		test: of(func(v string, p *Packet) bool { return bytes.Contains(p.Payload, []byte(v)) }), quick: quickPayload},
	{Name: "size", Doc: "bytes of the whole frame", Kind: value.KindRange,
		test: of(func(v value.Range, p *Packet) bool { return v.Has(int(p.Length)) })},
	{Name: "queued", Doc: "bytes that waited before it on a wire with a rate", Kind: value.KindRange, Recorded: true,
		Live: true,
		test: of(func(v value.Range, p *Packet) bool { return p.Traced != nil && v.Has(int(p.Traced.Queued)) })},
	{Name: "rexmit", Doc: "how often its bytes were sent before: 1 is the first retransmission",
		Kind: value.KindRange, Proto: "TCP",
		test: tcpOf(func(v value.Range, p *Packet) bool { return v.Has(int(p.Sending.Resent)) })},
	{Name: "in_flight", Doc: "bytes that its sender has in flight after it", Kind: value.KindRange, Proto: "TCP",
		Recorded: true,
		test:     recorded(func(v value.Range, r *tcp.Record) bool { return r.Conn != nil && v.Has(int(r.InFlight)) })},
	{Name: "where", Doc: "packets for which this function returns true", Kind: value.KindFunc,
		test: of(func(v func(*Packet) bool, p *Packet) bool { return v(p) })},
	{Name: "fault", Doc: "true: packets that a fault changed, delayed or forged; false: all others",
		Kind:     value.KindBool,
		Recorded: true, Was: "harmed", test: of(func(v bool, p *Packet) bool { return (p.Fault != "") == v })},
	{Name: "dropped", Doc: "true: packets that a fault, a box or a full wire dropped; false: all " +
		"others", Kind: value.KindBool,
		test: of(func(v bool, p *Packet) bool { return (p.Dropped != "") == v })},
	{Name: "tls", Doc: "a TLS record or handshake message that begins in it, as far as it is in the clear",
		Kind: kindTLS, Proto: "TCP",
		test: tcpOf(func(v string, p *Packet) bool {
			return says(p, "tls", func(e payload.Event) bool { return v == "any" || e.Name == v })
		}),
		quick: quickPayload},
	{Name: "http",
		Doc:  `the beginning of an HTTP start line in it: "GET /", "HTTP/1.1 200"; or "request", "response" or "any"`,
		Kind: kindHTTP, Proto: "TCP", test: tcpOf(isHTTP), quick: quickPayload},
	{Name: "original", Doc: "a retransmission: was what it sends again lost, or had it arrived",
		Kind: value.Words("fate", "lost", "arrived"), Proto: "TCP",
		Recorded: true, Hears: true, Unsettled: true,
		test: recorded(func(v string, r *tcp.Record) bool { return r.Original == v })},
	{Name: "kernel_drop",
		Doc:  `a packet that the kernel of the node it arrived at threw away, by the reason or the function: "NETFILTER_DROP"`,
		Kind: value.KindText, Recorded: true, Hears: true, Was: "refused",
		test: recorded(func(v string, r *tcp.Record) bool { return strings.Contains(r.KernelDrop, v) })},
	{Name: "timer", Doc: `a retransmission, by the kernel's function that sent it: "tcp_retransmit_timer"`,
		Kind: value.KindText, Proto: "TCP",
		Recorded: true, Hears: true, test: recorded(func(v string, r *tcp.Record) bool { return r.Timer == v })},
	{Name: "rst", Doc: "a reset, by who sent it and why; a text is its kind or its cause", Kind: value.KindReset,
		Proto:    "TCP",
		Recorded: true, Unsettled: true,
		test: recorded(func(v *value.Reset, r *tcp.Record) bool { return v.Has(r.Reset) })},
	{Name: "analysis", Doc: "one of Wireshark's tcp.analysis flags", Kind: kindAnalysis, Proto: "TCP", Recorded: true,
		test: recorded(isFlagged)},
	{Name: "frame", Doc: `the number of its frame: 7, "10..20"`, Kind: value.KindRange, Recorded: true,
		test: recorded(func(v value.Range, r *tcp.Record) bool { return v.Has(r.N) })},
})

// KeyNamed finds a key, nil if there is none of that name.
func KeyNamed(name string) *Key { return key(func(k *Key) bool { return k.Name == name }) }

// Renamed is the key that an earlier release called so, nil if there is none.
func Renamed(name string) *Key { return key(func(k *Key) bool { return k.Was != "" && k.Was == name }) }

// key is the first that is so, nil if none is.
func key(is func(*Key) bool) *Key {
	if i := slices.IndexFunc(Keys, is); i >= 0 {
		return Keys[i]
	}
	return nil
}

// Kinds of value that are words of the field.
var (
	kindICMP = value.Words("ICMP message",
		slices.Sorted(maps.Keys(packet.ICMPNames))...)
	kindTLS      = value.Words("TLS event", append([]string{"any"}, payload.Names()...)...)
	kindAnalysis = value.Words("Wireshark flag", append([]string{"any"}, wireshark.All.Names()...)...)
	kindHTTP     = &value.Kind{Name: value.KindText.Name, Type: value.KindText.Type, Hint: value.KindText.Hint,
		Parse: value.KindText.Parse, Write: value.KindText.Write, Bare: "any"}
)

func init() {
	for _, k := range []*value.Kind{kindICMP, kindTLS, kindAnalysis} {
		k.Bare = "any"
	}
}

func isICMP(v string, p *Packet) bool {
	m := p.ICMP()
	return m != nil && (v == "any" || m.Is(v, p.Proto))
}

func ofFlow(v int, r *tcp.Record) bool {
	c := r.Root()
	return c != nil && (c.ID == v || r.Conn != nil && r.Conn.ID == v)
}

func isFlagged(v string, r *tcp.Record) bool {
	if v == "any" {
		return r.Flags != 0
	}
	i := slices.Index(wireshark.All.Names(), v)
	return i >= 0 && r.Flags&(1<<i) != 0
}

// says reports whether p says something in a protocol that is so.
func says(p *Packet, proto string, is func(payload.Event) bool) bool {
	return slices.ContainsFunc(p.events(), func(e payload.Event) bool { return e.Proto == proto && is(e) })
}

func isHTTP(v string, p *Packet) bool {
	return says(p, "http", func(e payload.Event) bool {
		return v == "any" || v == e.Name ||
			strings.HasPrefix(e.Detail, v)
	})
}

// toward reports whether p is on its way to the node: it left the other end of a wire
// of the node's, or arrives there.
func toward(node string, p *Packet) bool {
	switch t := p.Traced; {
	case t == nil:
		return false
	case t.Dir == trace.In:
		return t.Point.Node == node
	default:
		return t.Point.Far == node
	}
}

// sacks reports whether p acknowledges up to the hole that h left and reports
// data beyond it.
func sacks(h *Hit, p *Packet) bool {
	return h != nil && p.Traced != nil && p.Traced.Conn == h.Conn && p.Ack == h.Seq && len(p.SACK()) > 0
}

func covers(h *Hit, p *Packet) bool {
	return h != nil && p.Traced != nil && p.Traced.Conn == h.Conn && p.Flags.Has(packet.ACK) &&
		!packet.Before(p.Ack, h.End)
}
