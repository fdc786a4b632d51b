//go:build linux

package relay

import (
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"

	"netrepro/engine/lab/relay/ring"
	"netrepro/engine/lab/wire"
	"netrepro/engine/lab/wire/ledger"
)

const (
	// passFrames bounds how many frames one pass takes before it sends.
	passFrames = 128
	// mostPasses bounds how many passes are made for one act.
	mostPasses = 64
)

// hurry has the calling thread run before those of the nodes wherever it may: what
// sends waits then, as a program does whose network card is busy. Without root it
// may not, and wires fill up sooner. What else the process has to do, a function of
// a script's on this thread may keep from a part of the time only.
func hurry() { _ = unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), -10) }

func (r *Relay) run() {
	// A thread of its own: the kernel then wakes the relay directly, without
	// a detour through the Go scheduler. It ends with the goroutine.
	runtime.LockOSThread()
	hurry()
	defer close(r.done)
	for {
		r.mu.Lock()
		if r.stop {
			r.countDrops()
			r.mu.Unlock()
			return
		}
		worked := r.pass()
		most := r.prepare()
		r.mu.Unlock()
		if worked {
			continue
		}
		if err := r.sleep.sleep(most); err != nil {
			r.Locked(func() { r.ledger.Lose(1, err) })
			return
		}
	}
}

// crowdedOut is what befalls a frame that finds the queue before its wire full.
var crowdedOut = fmt.Sprintf("queue full, %d packets wait for the engine", ring.MaxWaiting)

// pass handles the frames that wait, oldest first, and those whose delay is
// over. It reports whether there were any.
func (r *Relay) pass() bool {
	n := 0
	r.ring.Survey()
	for ; n < passFrames && r.ring.Ready(); n++ {
		f, refused := r.ring.Take(), ""
		if f.Refused {
			refused = crowdedOut
		}
		r.pipe.Enter(f.Ifindex, wire.Frame{Data: f.Data, Length: f.Length, Arrival: f.Arrival}, refused)
	}
	now := ledger.Clock()
	n += r.pipe.Settle(now)
	if n == 0 {
		return false
	}
	r.flush()
	r.ring.Release()
	r.ledger.Handled(now)
	return true
}

// flush hands over what the pipeline has sent.
func (r *Relay) flush() {
	if refused, err := r.out.Flush(); refused > 0 {
		r.ledger.Lose(uint64(refused), err)
	}
	r.pipe.Recycle()
}

// prepare sets the timer for the next frame that is due, writes what is due to the
// capture file, and returns for how many milliseconds the relay may sleep.
func (r *Relay) prepare() int {
	if due, ok := r.pipe.Due(); ok {
		r.sleep.arm(due)
	}
	return r.ledger.Flush()
}

// Act runs f, which may send, from outside the relay's goroutine. What nodes have
// sent by now is taken in first, and what was due by the time that f gets has gone
// before; by a later clock f could overtake it.
func (r *Relay) Act(f func(now int64)) {
	r.Locked(func() {
		if r.stop {
			return
		}
		for n := 0; n < mostPasses && r.pass(); n++ {
		}
		now := ledger.Clock()
		r.pipe.Settle(now)
		f(now)
		r.flush()
		r.ledger.Handled(ledger.Clock())
		_ = r.sleep.interrupt() // what is due first may be another now
	})
}

// Release lets held frames go, in the order that take gives them once all is taken
// in that nodes have sent by now, as if each were sent now. With atOnce they arrive
// at once instead, and overtake what is on its way, but none that was let go so
// before. Releasing one twice is harmless.
func (r *Relay) Release(atOnce bool, take func() []*wire.Held) {
	r.Act(func(now int64) {
		for _, h := range take() {
			r.pipe.Release(h, now, atOnce)
		}
	})
}
