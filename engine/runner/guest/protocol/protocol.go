//go:build linux

// Package protocol is what a virtual machine and the process that started it say to each
// other: the job that goes in, and the messages that come back.
//
// Invariant: both sides are one program, so that a job or message of another version is never read.
package protocol

import (
	"encoding/json"
	"slices"
	"time"

	"netrepro/engine/runner/discover"
	"netrepro/engine/runner/fingerprint"
	"netrepro/engine/runner/guest/carried"
	"netrepro/engine/runner/task"
	"netrepro/engine/script/session"
)

// Arg is the argument of process 1.
const Arg = "netrepro-guest"

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

	// Stops are where cases stand still for somebody to look into them.
	Stops []session.Stop `json:"stops,omitempty"`

	// Ended are results of tasks of machines before, which those of this one compare.
	Ended map[string]session.Result `json:"ended,omitempty"`

	Break string `json:"break,omitempty"` // one of [netrepro/engine/runner/guest/inside.Breaks]
}

// Compared has tasks compare those that run here or ran in a machine before, and returns
// the results of the latter.
func (j *Job) Compared(tasks []*task.Task, byName map[string]*task.Task) map[*task.Task]session.Result {
	before := map[*task.Task]session.Result{}
	for name, r := range j.Ended {
		if t := byName[name]; t != nil {
			before[t] = r
		}
	}
	for _, t := range tasks {
		t.Of = slices.DeleteFunc(t.Of, func(of *task.Task) bool {
			_, ended := before[of]
			return !ended && !slices.Contains(tasks, of)
		})
	}
	return before
}

// Kinds of what a machine says.
const (
	SaysUp    = 'u' // it is up, and begins
	SaysBegin = 'b'
	SaysEvent = 'e'
	SaysFile  = 'f'
	SaysEnd   = 'r' // of a task, with its result
	SaysText  = 's' // for people
	SaysLook  = 'l' // what happens in a case that somebody looks into, at once
	SaysWrote = 'w' // by a program that somebody ran on a node: as it is, without a Message
	SaysOver  = 'o' // all is done
)

// Message is what a record holds, as JSON; of a file, its data follows a line feed.
type Message struct {
	Task   int             `json:"task"`
	Event  *session.Event  `json:"event,omitempty"`
	Result *session.Result `json:"result,omitempty"`
	Text   string          `json:"text,omitempty"`
	Cannot bool            `json:"cannot,omitempty"`
	Uptime float64         `json:"uptime,omitempty"` // of the machine, in seconds

	Machine *fingerprint.Machine `json:"machine,omitempty"` // what it is
}

// Encode is a Message as bytes; it cannot fail, for all it holds is plain.
func (m Message) Encode() []byte {
	b, err := json.Marshal(m)
	if err != nil {
		b, _ = json.Marshal(Message{Task: m.Task, Text: err.Error()})
	}
	return b
}
