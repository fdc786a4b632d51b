//go:build linux

package play

import (
	"context"
	"errors"
	"fmt"
	"time"

	"netrepro/engine/lab/fault"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// overdue reports whether the case's time was up before it had ended.
func (r *run) overdue() bool { return errors.Is(context.Cause(r.VM.Context()), errOverdue) }

// errOverdue is what ends a case whose time is up.
var errOverdue = errors.New("scenario timed out")

// inTime reports whether a case whose time was up had not had that time: the host stalled for a good part
// of it.
func inTime(took, stalled, timeout time.Duration) bool {
	return stalled >= timeout/starves && took-stalled < timeout
}

// timedOut says why the case took too long.
func (r *run) timedOut() error {
	const loop = time.Second // is longer than an exchange goes on without a pause
	const dense = 100        // packets a second: more than what an exchange sends that waits for timers
	if since, pace := r.pace(); since >= min(loop, r.c.Timeout/2) && pace > dense {
		return fmt.Errorf("%w after %s: the wires never went idle, %d packets a second for the last %.1fs: look "+
			"for switches in a loop, or boxes that answer each other",
			errOverdue, r.c.Timeout, pace, since.Seconds())
	}
	for _, h := range r.Faults.Armed() {
		f, wired := h.(*fault.Fault)
		if !wired {
			continue
		}
		hold, holds := f.Action().(*fault.Hold)
		if !holds {
			continue
		}
		if n := len(hold.Held()); n > 0 {
			return fmt.Errorf("%w after %s: %s (%s:%d) holds %d packets that nobody released: call its release where they are to go on",
				errOverdue, r.c.Timeout, f, r.c.File, f.Line(), n)
		}
	}
	return fmt.Errorf("%w after %s: raise its timeout, or look for what it waits for", errOverdue, r.c.Timeout)
}

// pace is for how long the wires have not paused, and how many packets a second
// went over them. The relay cannot tell while it stands in a function of the
// script's, which nothing stops before the case is.
func (r *run) pace() (since time.Duration, perSecond int) {
	const most = time.Second
	told := make(chan struct{})
	var s time.Duration
	var n int
	go func() {
		s, n = r.Lab.Relay.Busy()
		close(told)
	}()
	select {
	case <-told:
		return s, n
	case <-time.After(most):
		return 0, 0
	}
}

// unended fails the case for a task that had not ended when its time was up.
func (r *run) unended(t *vm.Task) {
	at := fmt.Sprintf("%s:%d", t.AtFile, t.AtLine)
	if t.Verb != "" {
		at += ", in " + t.Verb
	}
	r.Fail(session.Failure{Since: r.Started})
	r.Event(session.Event{Kind: session.EventTask, Where: fmt.Sprintf("%s:%d", t.File, t.Line),
		Text: fmt.Sprintf("this %s had not ended when the case's time was up, after %s: it stands at %s", t.What,
			r.c.Timeout, at),
		Label: "raise the timeout, look for what it waits for, or say background = true if it need not end"})
}
