//go:build linux

// Package guest runs cases in a virtual machine, whose process 1 is this program: it starts
// the machine, gives it the job and passes on what it says. Inside is that process, which runs
// the cases as on any machine.
//
// Invariant: every task ends once, in order, whatever becomes of the machine.
package guest

import (
	"fmt"
	"os"
	"path/filepath"
	"slices"

	"netrepro/engine/runner"
	"netrepro/engine/runner/discover"
	"netrepro/engine/runner/guest/carried"
	"netrepro/engine/runner/guest/protocol"
	"netrepro/engine/runner/task"
	"netrepro/engine/script/session"
)

// job is the job of running tasks, all of which are of one list. Where a case has a machine
// of its own, the job says nothing of the others, and not which round of the case it is.
func (h *host) job(tasks []*task.Task) (*protocol.Job, error) {
	o := h.o
	if h.machine.Exact {
		o.Variant = ""
		if !o.Shake { // its rounds differ
			o.Repeat = 1
			tasks = []*task.Task{once(tasks[0])}
		}
	}
	j, err := newJob(tasks, o, !h.machine.Real)
	if err != nil {
		return nil, err
	}
	for _, t := range tasks {
		for _, of := range t.Of {
			if r, ok := h.results[of]; ok && !slices.Contains(tasks, of) {
				ended(j, of, r)
			}
		}
	}
	return j, nil
}

// once is a task as it is where each case runs once.
func once(t *task.Task) *task.Task {
	out := *t
	out.Round, out.Rounds = 1, 1
	return &out
}

func ended(j *protocol.Job, t *task.Task, r session.Result) {
	if j.Ended == nil {
		j.Ended = map[string]session.Result{}
	}
	j.Ended[t.Name()] = r
}

// place is where a machine has its working directory: where it is here does not matter to
// files that are below it.
const place = "/netrepro"

// newJob is the job of running tasks.
func newJob(tasks []*task.Task, o runner.Options, virtual bool) (*protocol.Job, error) {
	dir, err := os.Getwd()
	if err != nil {
		return nil, fmt.Errorf("find the working directory: %w", err)
	}
	local := o.Lualib == "" || filepath.IsLocal(o.Lualib)
	for _, t := range tasks {
		local = local && filepath.IsLocal(t.File.Name)
	}
	if local {
		dir = place
	}
	j := &protocol.Job{Dir: dir, Variant: o.Variant, Repeat: o.Repeat, Seed: o.Seed, Lualib: o.Lualib, Retries: o.Retries,
		Retry: o.Retry, Timeout: o.Timeout,
		Inferred: o.Inferred, Update: o.Update, Form: o.Form, Shake: o.Shake, Check: o.Check, Virtual: virtual}
	if o.Look != nil {
		j.Stops = o.Look.At
	}
	seen := map[string]bool{}
	dirs := []string{}
	for _, t := range tasks {
		j.Names = append(j.Names, t.Name())
		j.Proofs = j.Proofs || t.Proof()
		if !seen[t.File.Name] {
			seen[t.File.Name] = true
			j.Sources = append(j.Sources, discover.Source{Name: t.File.Name, Text: t.File.Text})
			dirs = append(dirs, filepath.Dir(t.File.Name))
		}
	}
	if o.Lualib != "" {
		dirs = append(dirs, o.Lualib)
	}
	j.Files, err = carried.Scripts(dirs)
	return j, err
}
