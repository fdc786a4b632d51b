//go:build linux

package wire

import (
	"time"

	"netrepro/engine/trace"
)

// Held is a frame that a fault keeps back.
type Held struct {
	// Packet is the record where it left.
	Packet *trace.Packet

	flight
	delay    time.Duration // that faults gave it besides
	released bool
}

// Released reports whether it has been let go. It must be called as [Fault] is.
func (h *Held) Released() bool { return h.released }

// hold keeps a frame back as v says.
func (r *Relay) hold(x flight, v *Verdict) {
	x.first.data = r.keep(x.first.data)
	h := &Held{Packet: x.first.pkt, flight: x, delay: v.delay}
	if v.holdFor > 0 {
		// As if it were sent then: its delays come on top of that.
		r.queue.push(queued{due: x.due - int64(v.delay) + int64(v.holdFor), held: h})
	}
	v.hold(h)
}

// take ends the keeping of a held frame; ok is false if it ended before.
func (r *Relay) take(h *Held) (ok bool) {
	if h.released {
		return false
	}
	h.released = true
	r.queue.remove(h)
	r.keeping -= len(h.first.data)
	return true
}

// letGo has a held frame leave now, as if it were sent now: it takes the wire's
// rate and delay, and arrives neither before what is on its way nor before behind.
func (r *Relay) letGo(h *Held, now, behind int64) {
	if !r.take(h) {
		return
	}
	from := h.to.peer()
	last := from.last
	due, full := from.transit(len(h.first.data), now, nil)
	if full != "" {
		from.overflow(h.first.data, h.first.harmed, full)
		return
	}
	due = max(due, last, behind) + int64(h.delay)
	from.last = max(from.last, due-int64(h.delay))
	r.launch(h.flight, due, now)
}

// Release lets held frames go, in the order that take gives them once all is taken
// in that nodes have sent by now, as if each were sent now. With atOnce they arrive
// at once instead, and overtake what is on its way, but none that was let go so
// before. Releasing one twice is harmless.
func (r *Relay) Release(atOnce bool, take func() []*Held) {
	r.act(func(now int64) {
		for _, h := range take() {
			if !atOnce {
				r.letGo(h, now, now)
			} else if r.take(h) {
				h.to.released = max(now, h.to.released)
				r.launch(h.flight, h.to.released, now)
			}
		}
	})
}

// Inject makes a frame arrive at a side of the wire, as if from its other end.
// by says in the trace who made it. It is in the trace when Inject returns.
func (w *Wire) Inject(side int, frame []byte, by string) {
	w.relay.act(func(int64) { w.ports[side].send(arrival{data: frame, harmed: by, cut: w.cuts}) })
}

// mostPasses bounds how many passes are made for one act.
const mostPasses = 64

// act runs f, which may send, from outside the relay's goroutine. What nodes have
// sent by now is taken in first, and what was due by the time that f gets has gone
// before; by a later clock f could overtake it.
func (r *Relay) act(f func(now int64)) {
	r.Locked(func() {
		if r.stop {
			return
		}
		for n := 0; n < mostPasses && r.pass(); n++ {
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
