//go:build linux

package runner

import (
	"errors"
	"fmt"
	"path/filepath"

	"netrepro/engine/script"
	"netrepro/engine/script/session"
)

// ProofTasks lists, for every case that shows a failure, the runs that it must
// not pass: with each cure of its scenario applied, and with every fault doing
// nothing. A scenario that passes them checks nothing.
func ProofTasks(files []*script.File, o Options) ([]*Task, error) {
	var out []*Task
	var errs []error
	for _, f := range files {
		for _, s := range f.Scenarios {
			for _, c := range s.Cases() {
				if !c.Reproduces() || o.Variant != "" && c.Variant.Name != o.Variant {
					continue
				}
				if c.Outcome() == "" {
					errs = append(errs, fmt.Errorf("%s:%d: variant %q does not say its outcome: a proof changes all else and must know what to keep", f.Name, s.Line, c.Variant.Name))
					continue
				}
				for _, cure := range cures(c) {
					out = append(out, &Task{Case: c, File: f, Cure: cure})
				}
				out = append(out, &Task{Case: c, File: f, Harmless: true})
			}
		}
	}
	for _, t := range out {
		t.Round, t.Rounds, t.Dir = 1, 1, filepath.Join(o.Out, fileName(t.Name()))
	}
	return out, errors.Join(errs...)
}

// cures are the variants of c's scenario that expect something else.
func cures(c *script.Case) []string {
	var out []string
	for _, v := range c.Variants {
		if o := (&script.Case{Scenario: c.Scenario, Variant: v}); !o.Reproduces() && o.Outcome() != c.Outcome() {
			out = append(out, v.Name)
		}
	}
	return out
}

// Proofs is a sink that turns the results of [ProofTasks] around and passes
// them on: a case that failed is as it should be.
type Proofs struct {
	Sink
	events map[*Task][]session.Event
}

// Event implements [Sink].
func (p *Proofs) Event(t *Task, e session.Event) {
	if p.events == nil {
		p.events = map[*Task][]session.Event{}
	}
	p.events[t] = append(p.events[t], e)
}

// End implements [Sink].
func (p *Proofs) End(t *Task, r session.Result) {
	switch r.Verdict {
	case session.Failed:
		r.Verdict = session.Passed
	case session.Passed:
		r.Verdict, r.Why = session.Failed, "its expectations hold although the cure is applied: they do not show the failure"
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
