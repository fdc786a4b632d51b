//go:build linux

package wire

import (
	"fmt"
	"time"

	"netrepro/engine/forge"
	"netrepro/engine/packet"
	"netrepro/engine/trace"
)

// receive handles one frame that enters the wire: the single pass that records,
// judges and forwards it. by says who made it, empty for what a device sent.
func (p *port) receive(f frame, by string) {
	r := p.wire.relay
	r.frames++
	r.stalls.Note(time.Duration(clock() - f.arrival))
	var d packet.Packet
	r.dec.Ethernet(f.data, f.length, &d)
	pkt := r.trace.Arrive(p.Point, time.Duration(f.arrival-r.start), &d, f.data, r.dec.Payload())
	v := &r.verdict
	v.reset(f.data, by)
	p.judge(pkt, v, f)
	due := f.arrival
	if v.drop == "" && v.hold == nil { // what is held leaves later
		due, v.drop = p.transit(len(v.Frame()), f.arrival, pkt)
	}
	due += int64(v.delay)
	pkt.Dropped, pkt.Harmed = v.drop, v.harmed
	r.trace.Record(pkt, f.data)
	if v.drop == "" {
		flight := p.flight(due, pkt, v, f.arrival)
		if v.hold != nil {
			r.hold(flight, v)
		} else {
			r.launch(flight, due, f.arrival)
		}
	}
	for _, h := range v.release {
		r.letGo(h, f.arrival, due)
	}
	for _, e := range v.emit {
		to, at := p, clock()
		if e.onward { // it crosses the wire, behind the frame if that does
			there, full := p.transit(len(e.frame), f.arrival, nil)
			if full != "" {
				p.overflow(e.frame, e.by, full)
				continue
			}
			to, at = p.peer(), max(due, there, at)
		}
		r.push(at, to, arrival{data: e.frame, harmed: e.by, cut: p.wire.cuts}, false)
	}
}

// judge decides about a frame: the limits of the engine and of the wire, then
// the faults in the order they were made.
func (p *port) judge(pkt *trace.Packet, v *Verdict, f frame) {
	r, w, to := p.wire.relay, p.wire, p.peer()
	large := ""
	if f.length-ethHeader > to.Point.MTU || to.Taps != nil {
		large = to.tooLarge(f.data)
	}
	switch {
	case len(f.data) < f.length:
		r.lose(1, fmt.Errorf("frame of %d bytes does not fit the ring of %s", f.length, p.Point.Name()))
		v.drop = "engine: frame larger than its buffer"
	case r.keeping+len(f.data) > queueBytes:
		r.lose(1, fmt.Errorf("more than %d MB on their way at once", queueBytes>>20))
		v.drop = "engine: too much on its way at once"
	case w.down != "":
		v.drop = w.down
	case large != "":
		v.drop = large
	default:
		if len(w.faults) > 0 {
			w.ask(pkt, v)
		}
		if v.drop == "" && v.altered {
			r.tainted = true
			v.drop = to.tooLarge(v.Frame())
		}
	}
}

// ask lets the faults judge a frame, in the order they were made, until one
// drops it or holds it back; those after that one only learn that it came.
func (w *Wire) ask(pkt *trace.Packet, v *Verdict) {
	k := pkt.Key()
	for i := range w.faults {
		a := &w.faults[i]
		if v.drop != "" || v.hold != nil {
			if a.witness != nil {
				a.witness.Witness(pkt, v)
			}
			continue
		}
		if !a.all && !a.quick.May(&k) {
			continue
		}
		a.fault.Apply(pkt, v)
	}
}

// tooLarge says why a frame cannot be sent to the node behind p, empty if it
// can.
func (p *port) tooLarge(b []byte) string {
	tag, vlan := vlanOf(b)
	switch {
	case len(b)-ethHeader-tag > p.Point.MTU:
		return fmt.Sprintf("larger than the MTU of %s, %d", p.Point.Name(), p.Point.MTU)
	case tag == 0 && p.Ifindex == 0:
		return "without a VLAN, which " + p.Point.Name() + " does not carry"
	case tag > 0 && p.Taps != nil && p.Taps[vlan] == 0:
		return fmt.Sprintf("VLAN %d is not carried to %s", vlan, p.Point.Name())
	}
	return ""
}

// flight is a frame on its way to the other end, with its copies: how long each
// comes after the one before.
type flight struct {
	to    *port
	due   int64 // of the first
	first arrival
	more  []copied
}

// flight is what a frame that passes becomes.
func (p *port) flight(due int64, pkt *trace.Packet, v *Verdict, now int64) flight {
	w := p.wire
	x := flight{to: p.peer(), due: due, first: arrival{pkt: pkt, data: v.Frame(), altered: v.altered, cut: w.cuts}}
	last := due
	for _, c := range v.copies {
		if w.Rate > 0 { // a copy waits its turn as any frame does
			at, full := p.transit(len(x.first.data), now, nil)
			if full != "" {
				p.overflow(x.first.data, c.why, full)
				continue
			}
			c.after = max(c.after, time.Duration(at+int64(v.delay)-last))
		}
		last += int64(c.after)
		x.more = append(x.more, c)
	}
	return x
}

// overflow records a frame of the engine's own that finds the queue of the wire
// full, where it would have arrived: nobody sent it.
func (p *port) overflow(data []byte, by, full string) {
	r := p.wire.relay
	var d packet.Packet
	r.dec.Ethernet(data, len(data), &d)
	q := r.trace.Reach(&trace.Arrival{Point: p.peer().Point, At: time.Duration(clock() - r.start), Data: data, Harmed: by, Decoded: &d, Payload: r.dec.Payload()})
	q.Dropped = full
	r.trace.Record(q, data)
}

// launch sends a frame and its copies on their way, the first to arrive when
// due.
func (r *Relay) launch(x flight, due, now int64) {
	a := x.first
	a.more = len(x.more) > 0
	r.sendAt(due, now, x.to, a)
	for i, c := range x.more {
		due += int64(c.after)
		a.harmed, a.more = c.why, i+1 < len(x.more)
		r.sendAt(due, now, x.to, a)
	}
}

// transit is when a frame of so many bytes that enters now is at the other end
// by the wire's own properties, or why it is dropped. pkt, if not nil, notes
// how much waited before it.
func (p *port) transit(size int, now int64, pkt *trace.Packet) (due int64, full string) {
	w := p.wire
	defer func() { p.last = max(p.last, due) }()
	due = now
	if w.Rate > 0 {
		var ahead int
		due, ahead, full = p.shaper.enter(now, size, &w.Props)
		if pkt != nil {
			pkt.Queued = int32(ahead)
		}
		if full != "" {
			return now, w.Name + ": " + full
		}
	}
	due += int64(w.Delay)
	if w.Jitter > 0 {
		due = max(due+p.rng.Int64N(2*int64(w.Jitter)+1)-int64(w.Jitter), p.latest, now)
		p.latest = due
	}
	return due, ""
}

// arrival is a frame about to reach the end of a wire.
type arrival struct {
	pkt     *trace.Packet // nil if the engine made it
	data    []byte
	altered bool // data is not what pkt says
	harmed  string
	more    bool
	cut     int // how often the wire was cut before it entered
}

// send records the arrival of a frame at the node behind p and queues it for
// the kernel, once the boxes of the node have seen it.
func (p *port) send(a arrival) {
	r := p.wire.relay
	t := trace.Arrival{Sent: a.pkt, Point: p.Point, At: time.Duration(clock() - r.start), Data: a.data, Harmed: a.harmed, More: a.more}
	var d packet.Packet
	if a.pkt == nil || a.altered {
		r.dec.Ethernet(a.data, len(a.data), &d)
		t.Decoded, t.Payload = &d, r.dec.Payload()
	}
	q := r.trace.Reach(&t)
	if why := p.stops(a); why != "" {
		q.Dropped = why
		r.trace.Record(q, a.data)
		return
	}
	if r.tainted || t.Decoded != nil {
		r.tainted = true
		q.Dropped = p.unfit(q, a.data)
	}
	if len(p.boxes) > 0 {
		p.through(q, a.data)
		return
	}
	r.trace.Record(q, a.data)
	p.transmit(a.data)
}

// stops says why a frame does not reach the node behind p, empty if it does.
func (p *port) stops(a arrival) string {
	w := p.wire
	switch {
	case a.cut != w.cuts:
		return w.Name + " was cut while it was on its way"
	case w.down != "" && a.pkt == nil:
		return w.down
	case a.pkt == nil || a.altered:
		return p.tooLarge(a.data)
	}
	return ""
}

// unfit says why the node behind p discards a frame, empty if it does not: it is
// for another, or a checksum that the node looks at is wrong. It gets the frame
// all the same.
func (p *port) unfit(q *trace.Packet, b []byte) string {
	const group = 1 // of MAC addresses: the first bit
	net, trans := forge.Valid(b)
	switch {
	case p.Point.Hub:
		return ""
	case len(b) >= 6 && b[0]&group == 0 && [6]byte(b[:6]) != p.Point.MAC:
		return "by the receiver: for another MAC address"
	case forge.Cut(b):
		return "by the receiver: shorter than its IP header says"
	case !net:
		return "by the receiver: wrong IPv4 header checksum"
	case !trans && p.wire.relay.trace.Owns(p.Point, q.Dst):
		return "by the receiver: wrong checksum"
	}
	return ""
}

// through runs the boxes of the node behind p on a frame that reaches it.
func (p *port) through(q *trace.Packet, data []byte) {
	r := p.wire.relay
	var v Verdict
	v.reset(data, q.Harmed)
	for _, b := range p.boxes {
		if b.Pass(q, &v); v.drop != "" {
			break
		}
	}
	if q.Harmed = v.harmed; v.drop != "" {
		q.Dropped = v.drop
	}
	r.trace.Record(q, data)
	if v.drop == "" {
		p.transmit(v.Frame())
	}
	for _, e := range v.emit {
		if e.onward {
			p.hand(e)
			continue
		}
		r.push(clock(), p, arrival{data: e.frame, harmed: e.by}, true)
	}
}

// hand gives the node behind p a frame that its own box has made.
func (p *port) hand(e emitted) {
	r := p.wire.relay
	var d packet.Packet
	r.dec.Ethernet(e.frame, len(e.frame), &d)
	q := r.trace.Reach(&trace.Arrival{Point: p.Point, At: time.Duration(clock() - r.start), Data: e.frame, Harmed: e.by, Decoded: &d, Payload: r.dec.Payload()})
	if q.Dropped = p.tooLarge(e.frame); q.Dropped != "" {
		r.trace.Record(q, e.frame)
		return
	}
	q.Dropped = p.unfit(q, e.frame)
	r.trace.Record(q, e.frame)
	p.transmit(e.frame)
}

// transmit queues a frame for the node behind p; data must stay untouched until
// the next flush.
func (p *port) transmit(data []byte) {
	r := p.wire.relay
	if r.out.full() {
		r.flush()
	}
	if p.Taps != nil {
		if tag, vlan := vlanOf(data); tag > 0 {
			r.out.add(p.Taps[vlan], untagged(data))
			return
		}
	}
	r.out.add(p.Ifindex, data)
}
