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
func (x *Pipeline) hold(f flight, v *Verdict) {
	f.first.Data = x.store.keep(f.first.Data)
	h := &Held{Packet: f.first.Sent, flight: f, delay: v.delay}
	if v.holdFor > 0 {
		// As if it were sent then: its delays come on top of that.
		x.queue.Push(f.due-int64(v.delay)+int64(v.holdFor), pending{held: h})
	}
	v.hold(h)
}

// take ends the keeping of a held frame; ok is false if it ended before.
func (x *Pipeline) take(h *Held) (ok bool) {
	if h.released {
		return false
	}
	h.released = true
	x.queue.Remove(func(f *pending) bool { return f.held == h })
	x.store.bytes -= len(h.first.Data)
	return true
}

// letGo has a held frame leave now, as if it were sent now: it takes the wire's
// rate and delay, and arrives neither before what is on its way nor before behind.
func (x *Pipeline) letGo(h *Held, now, behind int64) {
	if !x.take(h) {
		return
	}
	from := h.to.peer
	last := from.last
	due, full := from.transit(len(h.first.Data), now, nil)
	if full != "" {
		from.overflow(h.first.Data, h.first.Fault, full)
		return
	}
	due = max(due, last, behind) + int64(h.delay)
	from.last = max(from.last, due-int64(h.delay))
	x.launch(h.flight, due, now)
}

// Release lets a held frame go, as if it were sent now. With atOnce it arrives at
// once instead, and overtakes what is on its way, but none that was let go so
// before. Releasing one twice is harmless.
func (x *Pipeline) Release(h *Held, now int64, atOnce bool) {
	if !atOnce {
		x.letGo(h, now, now)
	} else if x.take(h) {
		h.to.released = max(now, h.to.released)
		x.launch(h.flight, h.to.released, now)
	}
}
