//go:build linux

package wire

import (
	"fmt"

	"netrepro/engine/lab/wire/ledger"
	"netrepro/engine/match"
	"netrepro/engine/packet/header"
	"netrepro/engine/trace"
)

// enter handles one frame that enters the wire: it records, judges and forwards it.
// by says who made it, empty for what a device sent.
func (p *port) enter(f Frame, by string) {
	x := p.pipe
	x.ledger.Late(ledger.Clock() - f.Arrival)
	pkt := x.ledger.Leaves(p.Point, f.Arrival, f.Data, f.Length)
	v := &x.verdict
	v.reset(f.Data, by)
	p.judge(pkt, v, f)
	due := f.Arrival
	if v.drop == "" && v.hold == nil { // what is held leaves later
		due, v.drop = p.transit(len(v.Frame()), f.Arrival, pkt)
	}
	due += int64(v.delay)
	pkt.Dropped, pkt.Fault = v.drop, v.harmed
	x.ledger.Record(pkt, f.Data)
	if v.drop == "" {
		flight := p.flight(due, pkt, v, f.Arrival)
		if v.hold != nil {
			x.hold(flight, v)
		} else {
			x.launch(flight, due, f.Arrival)
		}
	}
	for _, h := range v.release {
		x.letGo(h, f.Arrival, due)
	}
	for _, e := range v.emit {
		p.emit(e, due, f.Arrival)
	}
}

// emit sends a frame that a fault has made of one which entered at a time and is
// due at the other end.
func (p *port) emit(e emitted, due, entered int64) {
	to, at := p, ledger.Clock()
	if e.onward { // it crosses the wire, behind the frame if that does
		there, full := p.transit(len(e.frame), entered, nil)
		if full != "" {
			p.overflow(e.frame, e.by, full)
			return
		}
		to, at = p.peer, max(due, there, at)
	}
	p.pipe.push(at, to, arrival{Arrival: ledger.Arrival{Data: e.frame, Fault: e.by}, cut: p.wire.cuts}, false)
}

// refuse records a frame that finds the queue before the wire full.
func (p *port) refuse(f Frame, why string) {
	l := p.pipe.ledger
	pkt := l.Leaves(p.Point, f.Arrival, f.Data, f.Length)
	pkt.Dropped = p.wire.Name + ": " + why
	l.Record(pkt, f.Data)
}

// judge decides about a frame: the limits of the engine and of the wire, then
// the faults in the order they were made.
func (p *port) judge(pkt *trace.Packet, v *Verdict, f Frame) {
	x, w, to := p.pipe, p.wire, p.peer
	large := ""
	if f.Length-header.EthernetSize > to.Point.MTU || to.Taps != nil {
		large = to.tooLarge(f.Data)
	}
	switch {
	case len(f.Data) < f.Length:
		x.ledger.Lose(1, fmt.Errorf("frame of %d bytes does not fit the ring of %s", f.Length, p.Point.Name()))
		v.drop = "engine: frame larger than its buffer"
	case x.store.full(len(f.Data)):
		x.ledger.Lose(1, fmt.Errorf("more than %d MB on their way at once", maxStored>>20))
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
			x.tainted = true
			v.drop = to.tooLarge(v.Frame())
		}
	}
}

// ask lets the faults judge a frame, in the order they were made, until one
// drops it or holds it back; those after that one only learn that it came.
func (w *Wire) ask(pkt *trace.Packet, v *Verdict) {
	k := match.SummaryOf(pkt)
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
	tag, vlan := header.VLANOf(b)
	switch {
	case len(b)-header.EthernetSize-tag > p.Point.MTU:
		return fmt.Sprintf("larger than the MTU of %s, %d", p.Point.Name(), p.Point.MTU)
	case tag == 0 && p.Ifindex == 0:
		return "without a VLAN, which " + p.Point.Name() + " does not carry"
	case tag > 0 && p.Taps != nil && p.Taps[vlan] == 0:
		return fmt.Sprintf("VLAN %d is not carried to %s", vlan, p.Point.Name())
	}
	return ""
}
