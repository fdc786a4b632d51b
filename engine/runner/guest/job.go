//go:build linux

// Package guest runs cases in a virtual machine, whose process 1 is this program: one
// side of it starts the machine and passes on what it says, the other is that process and
// runs the cases as on any machine.
//
// Invariant: every task ends once, in order, whatever becomes of the machine.
package guest

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"

	"netrepro/engine/runner"
	"netrepro/engine/runner/discover"
	"netrepro/engine/runner/fingerprint"
	"netrepro/engine/runner/guest/carried"
	"netrepro/engine/runner/task"
	"netrepro/engine/script"
	"netrepro/engine/script/session"
)

// Job is what a machine is to do.
type Job struct {
	Dir     string            `json:"dir"` // names of files are seen from here
	Files   []carried.File    `json:"files"`
	Sources []discover.Source `json:"sources"`
	Names   []string          `json:"names"` // of the tasks to run, in order
	Proofs  bool              `json:"proofs,omitempty"`
	Variant string            `json:"variant,omitempty"`
	Repeat  int               `json:"repeat"`
	Seed    uint64            `json:"seed"`
	Lualib  string            `json:"lualib,omitempty"`
	Retries int               `json:"retries"`
	Retry   int               `json:"retry,omitempty"`
	Timeout time.Duration     `json:"timeout,omitempty"`

	Inferred bool `json:"inferred,omitempty"`
	Update   bool `json:"update,omitempty"`
	Form     bool `json:"form,omitempty"`
	Shake    bool `json:"shake,omitempty"`
	Check    bool `json:"check,omitempty"`
	Virtual  bool `json:"virtual,omitempty"`

	// Ended are results of tasks of machines before, which those of this one compare.
	Ended map[string]session.Result `json:"ended,omitempty"`

	Break string `json:"break,omitempty"` // one of [Breaks]
}

// Out is the directory for artifacts in the machine.
const outDir = "/out"

// options are those of the run in the machine.
func (j *Job) options() runner.Options {
	return runner.Options{
		Options:   script.Options{Lualib: j.Lualib, Seed: j.Seed},
		Selection: task.Selection{Repeat: j.Repeat, Variant: j.Variant, Out: outDir},
		Parallel:  1, Retries: j.Retries, Retry: j.Retry, Timeout: j.Timeout,
		Inferred: j.Inferred, Update: j.Update, Form: j.Form, Shake: j.Shake,
		Check: j.Check, Virtual: j.Virtual,
	}
}

// job is the job of running tasks, all of which are of one list. Where a case has a machine
// of its own, the job says nothing of the others, and not which round of the case it is.
func (h *host) job(tasks []*task.Task) (*Job, error) {
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
				j.ended(of, r)
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

func (j *Job) ended(t *task.Task, r session.Result) {
	if j.Ended == nil {
		j.Ended = map[string]session.Result{}
	}
	j.Ended[t.Name()] = r
}

// place is where a machine has its working directory: where it is here does not matter to
// files that are below it.
const place = "/netrepro"

// newJob is the job of running tasks.
func newJob(tasks []*task.Task, o runner.Options, virtual bool) (*Job, error) {
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
	j := &Job{Dir: dir, Variant: o.Variant, Repeat: o.Repeat, Seed: o.Seed, Lualib: o.Lualib, Retries: o.Retries,
		Retry: o.Retry, Timeout: o.Timeout,
		Inferred: o.Inferred, Update: o.Update, Form: o.Form, Shake: o.Shake, Check: o.Check, Virtual: virtual}
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

// Kinds of what a machine says.
const (
	saysUp    = 'u' // it is up, and begins
	saysBegin = 'b'
	saysEvent = 'e'
	saysFile  = 'f'
	saysEnd   = 'r' // of a task, with its result
	saysText  = 's' // for people
	saysOver  = 'o' // all is done
)

// message is what a record holds, as JSON; of a file, its data follows a line feed.
type message struct {
	Task   int             `json:"task"`
	Event  *session.Event  `json:"event,omitempty"`
	Result *session.Result `json:"result,omitempty"`
	Text   string          `json:"text,omitempty"`
	Cannot bool            `json:"cannot,omitempty"`
	Uptime float64         `json:"uptime,omitempty"` // of the machine, in seconds

	Machine *fingerprint.Machine `json:"machine,omitempty"` // what it is
}

// encode is a message as bytes; it cannot fail, for all it holds is plain.
func (m message) encode() []byte {
	b, err := json.Marshal(m)
	if err != nil {
		b, _ = json.Marshal(message{Task: m.Task, Text: err.Error()})
	}
	return b
}
