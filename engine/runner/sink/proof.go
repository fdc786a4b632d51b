//go:build linux

package sink

import (
	"netrepro/engine/runner/task"
	"netrepro/engine/script/session"
)

// Proofs is a sink that turns the results of [task.Proofs] around and passes
// them on: a case that failed is as it should be.
type Proofs struct {
	task.Sink
	events map[*task.Task][]session.Event
}

// Event implements [task.Sink].
func (p *Proofs) Event(t *task.Task, e session.Event) {
	if p.events == nil {
		p.events = map[*task.Task][]session.Event{}
	}
	p.events[t] = append(p.events[t], e)
}

// End implements [task.Sink].
func (p *Proofs) End(t *task.Task, r session.Result) {
	switch r.Verdict {
	case session.Failed:
		r.Verdict = session.Passed
	case session.Passed:
		r.Verdict = session.Failed
		r.Why = "its expectations hold although the cure is applied: they do not show the failure"
		if t.Harmless {
			r.Why = "its expectations hold although no fault does anything: they do not show the failure"
		}
		if t.Harmless && r.Spared == 0 {
			r.Verdict, r.Why = session.Passed, "" // what fails is made without faults
		}
	}
	if r.Verdict != session.Passed {
		for _, e := range p.events[t] {
			p.Sink.Event(t, e)
		}
	}
	delete(p.events, t)
	p.Sink.End(t, r)
}
