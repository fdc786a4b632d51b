//go:build linux

package session

import "time"

// Settle waits until the wires are idle and no task of the script goes on, which may
// send something yet.
func (r *Run) Settle() {
	r.VM.Block(func() {
		for awake := true; awake; awake = r.goesOn() {
			if r.Lab.Relay.WaitIdle(r.VM.Context(), Quiet) != nil {
				return
			}
		}
	})
}

// goesOn reports whether a task of the script goes on. Where the machine has just
// come back from a stall, one that is to be woken may not have been yet: it is given
// turns to.
func (r *Run) goesOn() bool {
	for range turns {
		if r.VM.Awake() {
			return true
		}
		select {
		case <-r.VM.Context().Done():
			return false
		case <-time.After(turn):
		}
	}
	return r.VM.Awake()
}

// Between two turns the process has nothing to do, so that it finds out which of its
// sockets have become ready.
const (
	turns = 3
	turn  = time.Millisecond
)

// Hear waits until the kernels have had the time to say what they may of the
// packets so far.
func (r *Run) Hear() { r.VM.Block(r.WaitHeard) }

// WaitHeard is [Run.Hear] for whoever does not hold the lock of the interpreter.
func (r *Run) WaitHeard() {
	for wait := r.Lab.Trace.Unheard(); wait > 0; wait = r.Lab.Trace.Unheard() {
		t := time.NewTimer(wait)
		select {
		case <-r.VM.Context().Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

// Late makes a pause where the script may be late on another machine, if the run
// is shaken.
func (r *Run) Late(place string) {
	if r.Shaker != nil {
		r.VM.Yield(func() { r.Shaker.Pause(r.VM.Context(), place) })
	}
}

// Passes is how often the relay has handled frames. It waits for a pass that is
// not over, which may need the interpreter for a box.
func (r *Run) Passes() (n uint64) {
	r.VM.Block(func() { n = r.Lab.Relay.Passes() })
	return n
}

// News waits until there was something on the wires after the relay's pass of
// the number seen, but for a pause at least, or until they are idle. It returns
// the number of the newest pass.
func (r *Run) News(seen uint64, pause time.Duration) (now uint64, idle bool) {
	r.VM.Block(func() {
		t := time.NewTimer(pause)
		defer t.Stop()
		select {
		case <-r.VM.Context().Done():
		case <-t.C:
		}
		var err error
		if now, idle, err = r.Lab.Relay.WaitNews(r.VM.Context(), Quiet, seen); err != nil {
			idle = true // the case is over
			return
		}
		idle = idle && !r.goesOn() // a task may send something yet
	})
	return now, idle
}
