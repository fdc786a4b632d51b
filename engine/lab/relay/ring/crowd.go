//go:build linux

package ring

import (
	"sync/atomic"

	"golang.org/x/sys/unix"
)

const (
	// crowded is how many frames wait in the ring when it is looked at more
	// closely what they are.
	crowded = 512
	// MaxWaiting is how many frames wait to enter a wire, in each direction:
	// those behind them find the queue full, as the one of a network card with
	// Linux's usual txqueuelen is.
	MaxWaiting = 1000
)

// fate is what was decided about a frame in the ring before its turn came.
type fate uint8

const (
	undecided fate = iota
	waits
	refused
)

// crowd is what waits in a ring while that is crowded.
type crowd struct {
	fates    []fate         // of the slots
	surveyed int            // of the slots from next on, how many have one
	queues   map[int32]*int // how many wait for each queue, by the devices that feed it
	waiting  int            // frames that will have their turn
}

// Queue says that the frames of these devices wait in one queue: one direction of
// a wire. What comes from a device without a queue is not counted.
func (r *Ring) Queue(ifindexes ...int) {
	waiting := new(int)
	for _, i := range ifindexes {
		r.queues[int32(i)] = waiting
	}
}

// holds reports whether at least n frames wait: the kernel fills slots in
// order.
func (r *Ring) holds(n int) bool {
	return n <= r.slots-r.held && r.filled((r.next+n-1)%r.slots)
}

func (r *Ring) filled(slot int) bool {
	return atomic.LoadUint32(&r.header(slot).Status)&unix.TP_STATUS_USER != 0
}

// Survey decides, if the ring is crowded, about the frames in it that came since
// it was surveyed last: as many as the queue of each wire holds will have their
// turn, the others are refused. So the nodes learn that they send too much while
// there is still room for what is on its way.
func (r *Ring) Survey() {
	if !r.holds(crowded) {
		return
	}
	for ; r.surveyed < r.slots-r.held; r.surveyed++ {
		i := (r.next + r.surveyed) % r.slots
		if !r.filled(i) {
			return
		}
		q := r.queues[r.ifindex(i)]
		switch {
		case q == nil:
		case *q >= MaxWaiting || r.waiting >= r.slots/2:
			r.fates[i] = refused
		default:
			r.fates[i] = waits
			*q++
			r.waiting++
		}
	}
}

// turn is the fate of the frame in the next slot, whose turn it is.
func (r *Ring) turn() fate {
	f := r.fates[r.next]
	r.fates[r.next] = undecided
	r.surveyed = max(r.surveyed-1, 0)
	if f == waits {
		*r.queues[r.ifindex(r.next)]--
		r.waiting--
	}
	return f
}
