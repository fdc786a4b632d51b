//go:build linux

// Package task makes tasks of scenario files: a task is a case to run, with the
// folder of its artifacts. It runs none.
//
// Invariant: no two tasks of a run share a name or a folder.
package task

import (
	"fmt"
	"path/filepath"
	"slices"

	"netrepro/engine/script"
	"netrepro/engine/script/session"
)

// Task is a case to run.
type Task struct {
	Case   *script.Case
	File   *script.File
	Round  int // from 1
	Rounds int
	Dir    string // its artifacts
	// Of a proof (see [Proofs]): the variant whose parameters are used instead
	// of the case's own, or that faults do nothing.
	Cure     string
	Harmless bool
	// Of are the tasks whose results the task compares, nil if it runs a case.
	Of []*Task
	// Shaken is the seed of the pauses of a run that is shaken, 0 if it is not.
	Shaken uint64
}

// Proof reports whether the task is one of [Proofs].
func (t *Task) Proof() bool { return t.Cure != "" || t.Harmless }

// Name is the case's ID, with what is done to it in a proof, and the round if
// there are several.
func (t *Task) Name() string {
	switch {
	case t.Of != nil:
		return t.Case.ID() + " compared"
	case t.Cure != "":
		return t.Case.ID() + " with " + t.Cure
	case t.Harmless:
		return t.Case.ID() + " without faults"
	}
	if t.Rounds > 1 {
		return fmt.Sprintf("%s#%d", t.Case.ID(), t.Round)
	}
	return t.Case.ID()
}

// Capture is where its trace is.
func (t *Task) Capture() string { return filepath.Join(t.Dir, "trace.pcapng") }

// FailedCapture is where the trace is of the run that failed, if it is run again.
func (t *Task) FailedCapture() string { return filepath.Join(t.Dir, "failed.pcapng") }

// Sink is told what happens. Calls come one at a time.
type Sink interface {
	Begin(t *Task)
	Event(t *Task, e session.Event)
	End(t *Task, r session.Result)
}

// Selection is which cases of scenario files become tasks.
type Selection struct {
	Repeat  int    // times each case runs, at least 1
	Variant string // only cases of this variant; empty for all
	Out     string // directory for artifacts
	// Wants reports whether a case is selected; nil selects all.
	Wants func(*script.File, *script.Case) bool
}

// comparisons are the tasks that compare the results of scenarios of which several cases
// are selected, each once.
func comparisons(tasks []*Task, sel Selection) (out []*Task) {
	of := map[*script.Scenario]*Task{}
	for _, t := range tasks {
		if s := t.Case.Scenario; s.Compares() && t.Rounds <= 1 {
			if of[s] == nil {
				of[s] = &Task{Case: &script.Case{Scenario: s}, File: t.File, Round: 1, Rounds: 1}
				of[s].Of = []*Task{}
				of[s].Dir = filepath.Join(sel.Out, fileName(s.Name+"/ compared"))
				out = append(out, of[s])
			}
			of[s].Of = append(of[s].Of, t)
		}
	}
	return slices.DeleteFunc(out, func(t *Task) bool { return len(t.Of) < 2 })
}

func (s Selection) wants(f *script.File, c *script.Case) bool {
	return (s.Variant == "" || c.Variant.Name == s.Variant) && (s.Wants == nil || s.Wants(f, c))
}

// most is how many runs one call of the program may have.
const most = 100_000

// List lists what sel selects from files, in order. Two cases of the same name
// are an error: they would write over each other.
func List(files []*script.File, sel Selection) ([]*Task, error) {
	var out []*Task
	from := map[string]string{}
	for round := 1; round <= max(sel.Repeat, 1); round++ {
		for _, f := range files {
			for _, s := range f.Scenarios {
				for _, c := range s.Cases() {
					if !sel.wants(f, c) {
						continue
					}
					t := &Task{Case: c, File: f, Round: round, Rounds: sel.Repeat}
					t.Dir = filepath.Join(sel.Out, fileName(t.Name()))
					if other, ok := from[t.Name()]; ok {
						return nil, fmt.Errorf("%s and %s both have a case %q: name each scenario once",
							other, f.Name, t.Name())
					}
					if len(out) == most {
						return nil, fmt.Errorf("these are more than %d runs: lower --repeat", most)
					}
					from[t.Name()] = f.Name
					out = append(out, t)
				}
			}
		}
	}
	return append(out, comparisons(out, sel)...), nil
}
