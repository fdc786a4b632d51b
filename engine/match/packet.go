package match

import (
	"net/netip"
	"slices"

	"netrepro/engine/packet"
	"netrepro/engine/packet/header"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/payload"
	"netrepro/engine/tcp/sender"
	"netrepro/engine/trace"
)

// Packet is what a match is asked about: a packet that passes a wire, that a trace
// has recorded, or that stands in a capture file.
type Packet struct {
	*packet.Packet
	Seq, Ack uint32 // relative
	// Sending is what a segment was: to its sender, or, while it passes, as far as
	// its capture point has seen.
	Sending sender.Sending
	Frame   []byte // as an Ethernet frame, as far as it is kept
	Payload []byte
	Dropped string // what dropped it
	Fault   string // what faults did to it besides
	// Traced is the packet of a live trace, nil if it is of a capture file.
	Traced *trace.Packet
	// Record is what the analysis says of it, nil while it passes.
	Record *tcp.Record

	app    []payload.Event
	first  []*tcp.Record // records by frame number, to find first sightings
	layout header.Layout
	parsed bool
}

// isOf reports whether a packet is of a connection that has two addresses on one side of each NAT.
// Of one that passes it is known how it stands alone.
func isOf(v *trace.Ends, p *Packet) bool {
	if v.Has(p.Packet) || p.Record == nil || p.Record.Conn == nil {
		return v.Has(p.Packet)
	}
	return slices.ContainsFunc(p.Record.Root().Legs, func(c *tcp.Conn) bool {
		return c.Ends == [2]netip.AddrPort{v.A, v.B} || c.Ends == [2]netip.AddrPort{v.B, v.A}
	})
}

// Pass makes q of a packet that passes a wire and is not recorded yet.
func (q *Packet) Pass(p *trace.Packet) *Packet {
	*q = Packet{Packet: &p.Packet, Seq: p.RelSeq, Ack: p.RelAck, Sending: p.AtPoint, Frame: p.Frame, Payload: p.Payload,
		Dropped: p.Dropped, Fault: p.Fault, Traced: p, app: p.App}
	return q
}

// Recorded makes packets to ask about of those that a trace has recorded by now. A
// packet is good until the next is made.
func Recorded(t *trace.Trace) func(*trace.Packet) *Packet {
	all := t.Findings()
	q := &Packet{}
	return func(p *trace.Packet) *Packet {
		if p.N == 0 || p.N > len(all) {
			return q.Pass(p)
		}
		r := all[p.N-1]
		q.Pass(p)
		q.record(r, all)
		return q
	}
}

// Captured makes q of a packet of a capture file.
func (q *Packet) Captured(r *tcp.Record) *Packet {
	*q = Packet{Packet: r.Packet, Frame: r.Frame, Payload: r.Payload, Dropped: r.Dropped, Fault: r.Fault}
	q.record(r, nil)
	return q
}

func (q *Packet) record(r *tcp.Record, all []*tcp.Record) {
	q.Record, q.first, q.app = r, all, nil
	if r.Conn != nil {
		q.Seq, q.Ack, q.Sending = r.Seq, r.Ack, r.Sending
	}
}

// header is where the layers of the frame begin.
func (q *Packet) header() *header.Layout {
	if !q.parsed {
		q.layout, q.parsed = header.Parse(q.Frame), true
	}
	return &q.layout
}

// events are what the packet says in TLS and HTTP.
func (q *Packet) events() []payload.Event {
	r, p := q.Record, q.Traced
	switch {
	case r == nil:
		return q.app
	case p != nil && p.Sent != nil && p.Segment != p.Sent.Segment: // it was changed on the way
		var s payload.Stream
		return s.Feed(q.Packet.Seq, int(q.PayloadLen), q.Payload, nil)
	case r.Copy > 0 && r.Copy <= len(q.first): // the first sighting says it
		return q.first[r.Copy-1].App
	}
	return r.App
}
