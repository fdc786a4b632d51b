//go:build linux

package kernel

import (
	"slices"
	"time"

	"netrepro/engine/kernel/bpf"
)

// heldBack is an event that is heard later than it was said.
type heldBack struct {
	event *Event
	until time.Time
}

// HoldBack has events be heard so much after they happened as late says: a test of
// whoever asks. What the kernel says before a packet is on its way is not late on
// any machine: why it answers with a reset.
func (w *Witness) HoldBack(late func(*Event) time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.late = late
}

// holdsBack reports whether an event is to be heard later.
func (w *Witness) holdsBack(e *Event) bool {
	if w.late == nil || e.Kind == bpf.SendReset && e.Passive() {
		return false
	}
	until := w.origin.Add(e.At + w.late(e))
	if !until.After(time.Now()) {
		return false
	}
	w.held = append(w.held, heldBack{e, until})
	return true
}

// untilDue is how long to wait for events, at most wait: one that was held back
// may be due before.
func (w *Witness) untilDue(wait time.Duration) time.Duration {
	for _, h := range w.held {
		wait = min(wait, max(time.Until(h.until), 0))
	}
	return wait
}

// letGo takes in the events whose time has come.
func (w *Witness) letGo() {
	now := time.Now()
	w.held = slices.DeleteFunc(w.held, func(h heldBack) bool {
		if h.until.After(now) {
			return false
		}
		w.hear(h.event)
		return true
	})
}
