//go:build linux

package wire

import (
	"fmt"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"

	"netrepro/engine/packet"
)

const (
	// crowded is how many frames wait in the ring when it is looked at more
	// closely what they are.
	crowded = 512
	// maxWaiting is how many frames wait to enter a wire, in each direction:
	// those behind them find the queue full, as the one of a network card with
	// Linux's usual txqueuelen is.
	maxWaiting = 1000
)

// fate is what was decided about a frame in the ring before its turn came.
type fate uint8

const (
	undecided fate = iota
	waits
	refused
)

// waiting reports whether at least n frames wait: the kernel fills slots in
// order.
func (r *ring) waiting(n int) bool {
	return n <= r.slots-r.held && r.filled((r.next+n-1)%r.slots)
}

func (r *ring) filled(slot int) bool {
	return atomic.LoadUint32(&r.header(slot).Status)&unix.TP_STATUS_USER != 0
}

// survey decides about the frames in the ring that came since it was surveyed
// last, while more wait than the engine carries at once: as many as the queue of
// each wire holds will have their turn, the others are dropped then. So the nodes
// learn that they send too much while there is still room for what is on its way.
func (r *Relay) survey() {
	g := r.ring
	for ; g.surveyed < g.slots-g.held; g.surveyed++ {
		i := (g.next + g.surveyed) % g.slots
		if !g.filled(i) {
			return
		}
		p := r.ports[g.ifindex(i)]
		switch {
		case p == nil:
		case p.waiting >= maxWaiting || r.waiting >= g.slots/2:
			g.fates[i] = refused
		default:
			g.fates[i] = waits
			p.waiting++
			r.waiting++
		}
	}
}

// admit reports whether the frame at hand, whose fate may have been decided, enters
// its wire.
func (p *port) admit(f *frame) bool {
	if f.fate == waits {
		p.waiting--
		p.wire.relay.waiting--
	}
	return f.fate != refused
}

// refuse records a frame that finds the queue of its wire full.
func (p *port) refuse(f frame) {
	r := p.wire.relay
	r.frames++
	var d packet.Packet
	r.dec.Ethernet(f.data, f.length, &d)
	pkt := r.trace.Arrive(p.Point, time.Duration(f.arrival-r.start), &d, f.data, r.dec.Payload())
	pkt.Dropped = fmt.Sprintf("%s: queue full, %d packets wait for the engine", p.wire.Name, maxWaiting)
	r.trace.Record(pkt, f.data)
}

// hurry has the calling thread run before those of the nodes wherever it may: what
// sends waits then, as a program does whose network card is busy. Without root it
// may not, and wires fill up sooner. What else the process has to do, a function of
// a script's on this thread may keep from a part of the time only.
func hurry() { _ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), -10) }
