//go:build linux

package wire

import "netrepro/engine/trace"

// Held is a frame that a fault keeps back.
type Held struct {
	// Packet is the record where it left.
	Packet *trace.Packet

	flight
	released bool
}

// Released reports whether it has been let go. It must be called as [Fault] is.
func (h *Held) Released() bool { return h.released }

// hold keeps a frame back as v says.
func (r *Relay) hold(x flight, v *Verdict) {
	x.first.data = r.keep(x.first.data)
	h := &Held{Packet: x.first.pkt, flight: x}
	if v.holdFor > 0 {
		r.queue.push(queued{due: x.due + int64(v.holdFor), held: h})
	}
	v.hold(h)
}

// letGo sends a held frame on its way, to arrive when due.
func (r *Relay) letGo(h *Held, due, now int64) {
	if h.released {
		return
	}
	h.released = true
	r.queue.remove(h)
	r.keeping -= len(h.first.data)
	r.launch(h.flight, due, now)
}

// Release lets held frames go, in this order, to arrive at once, or when they
// would have without being held. Releasing one twice is harmless.
func (r *Relay) Release(held ...*Held) {
	r.act(func(now int64) {
		for _, h := range held {
			// Never before another that was let go earlier.
			h.to.released = max(h.due, now, h.to.released)
			r.letGo(h, h.to.released, now)
		}
	})
}

// Inject makes a frame arrive at a side of the wire, as if from its other end.
// by says in the trace who made it. It is in the trace when Inject returns.
func (w *Wire) Inject(side int, frame []byte, by string) {
	w.relay.act(func(int64) { w.ports[side].send(arrival{data: frame, harmed: by, cut: w.cuts}) })
}

// act runs f, which may send, from outside the relay's goroutine. What was due by
// the time that f gets has gone before; by a later clock f could overtake it.
func (r *Relay) act(f func(now int64)) {
	r.Locked(func() {
		if r.stop {
			return
		}
		now := clock()
		r.settle(now)
		f(now)
		r.flush()
		r.handled(clock())
		_ = r.poke() // what is due first may be another now
	})
}

// sendAt sends a frame now, or keeps it until it is due.
func (r *Relay) sendAt(due, now int64, to *port, a arrival) {
	if due <= now {
		to.send(a)
		return
	}
	r.push(due, to, a, false)
}

// push keeps a frame until it is due: then it arrives at the node behind the
// port, or, if it enters, leaves that node.
func (r *Relay) push(due int64, to *port, a arrival, enters bool) {
	a.data = r.keep(a.data)
	r.queue.push(queued{due: due, port: to, a: a, enters: enters})
}
