//go:build linux

package wire

import (
	"netrepro/engine/lab/wire/ledger"
	"netrepro/engine/packet/header"
	"netrepro/engine/trace"
)

// arrival is a frame about to reach the end of a wire.
type arrival struct {
	ledger.Arrival
	boxed bool // a box of the node behind the wire made it
	cut   int  // how often the wire was cut before it entered
}

// deliver is where every frame arrives: it records the arrival at the node behind
// p and queues the frame for the kernel, once the boxes of the node have seen it.
// If full says why the frame was lost on its way, it is recorded as dropped.
func (p *port) deliver(a arrival, full string) {
	x := p.pipe
	q := x.ledger.Reaches(p.Point, &a.Arrival)
	if q.Dropped = full; full == "" {
		q.Dropped = p.stops(&a)
	}
	if q.Dropped != "" {
		x.ledger.Record(q, a.Data)
		return
	}
	if a.Made() && !a.boxed {
		x.tainted = true
	}
	if x.tainted || a.Made() {
		q.Dropped = p.unfit(q, a.Data)
	}
	if len(p.boxes) > 0 && !a.boxed {
		p.through(q, a.Data)
		return
	}
	x.ledger.Record(q, a.Data)
	p.transmit(a.Data)
}

// stops says why a frame does not reach the node behind p, empty if it does. What
// a box of the node made has not crossed the wire.
func (p *port) stops(a *arrival) string {
	w := p.wire
	switch {
	case !a.boxed && a.cut != w.cuts:
		return w.Name + " was cut while it was on its way"
	case !a.boxed && w.down != "" && a.Sent == nil:
		return w.down
	case a.Made():
		return p.tooLarge(a.Data)
	}
	return ""
}

// unfit says why the node behind p discards a frame, empty if it does not: it is
// for another, or a checksum that the node looks at is wrong. It gets the frame
// all the same.
func (p *port) unfit(q *trace.Packet, b []byte) string {
	net, trans := header.Valid(b)
	switch {
	case p.Point.Hub:
		return ""
	case p.another(b):
		return "by the receiver: for another MAC address"
	case header.Cut(b):
		return "by the receiver: shorter than its IP header says"
	case !net:
		return "by the receiver: wrong IPv4 header checksum"
	case !trans && p.pipe.ledger.Owns(p.Point, q):
		return "by the receiver: wrong checksum"
	}
	return ""
}

// another reports whether a frame is for another address than that of the node
// behind p.
func (p *port) another(b []byte) bool {
	if len(b) < header.EthernetSize {
		return false
	}
	to := header.EthernetDst.Get(b)
	return !header.Multicast(to) && to != p.Point.MAC
}

// through runs the boxes of the node behind p on a frame that reaches it.
func (p *port) through(q *trace.Packet, data []byte) {
	x := p.pipe
	var v Verdict
	v.reset(data, q.Fault)
	for _, b := range p.boxes {
		if b.Pass(q, &v); v.drop != "" {
			break
		}
	}
	if q.Fault = v.harmed; v.drop != "" {
		q.Dropped = v.drop
	}
	x.ledger.Record(q, data)
	if v.drop == "" {
		p.transmit(v.Frame())
	}
	for _, e := range v.emit {
		a := arrival{Arrival: ledger.Arrival{Data: e.frame, Fault: e.by}, boxed: true}
		if e.onward {
			p.deliver(a, "")
			continue
		}
		x.push(ledger.Clock(), p, a, true)
	}
}

// transmit queues a frame for the node behind p; data stays untouched until what
// is queued has been sent.
func (p *port) transmit(data []byte) {
	if p.Taps != nil {
		if tag, vlan := header.VLANOf(data); tag > 0 {
			p.pipe.out.Send(p.Taps[vlan], header.Untagged(data))
			return
		}
	}
	p.pipe.out.Send(p.Ifindex, data)
}
