//go:build linux

package session

import "time"

// Kind of an event.
type Kind string

// Kinds of event.
const (
	EventUp     Kind = "up"     // the lab stands; the case's time begins
	EventStep   Kind = "step"   // a phase begins; Text is its name
	EventExpect Kind = "expect" // a judgement
	EventFault  Kind = "fault"  // a fault that never fired
	EventTask   Kind = "task"   // a task that did not end
	EventLog    Kind = "log"    // the script printed something
	EventJudged Kind = "judged" // the verdict stands, in Result; what is left is to clean up
	EventResult Kind = "result" // the case has ended
	EventKept   Kind = "kept"   // the lab stays up; Nodes says where
	EventGolden Kind = "golden" // a golden trace to be written; Label is its name, Text the file
	// EventStopped says that the case stands still, at Label because of Text, and waits for
	// a [Command]; EventReply what came of one: Pass that it worked.
	EventStopped Kind = "stopped"
	EventReply   Kind = "reply"
	EventForm    Kind = "form" // the normal form of the whole trace
)

// Event is something that happened in a case. It crosses the pipe from the
// worker as one line of JSON.
type Event struct {
	Kind    Kind          `json:"kind"`
	At      time.Duration `json:"at"` // since the case began
	Text    string        `json:"text,omitempty"`
	Label   string        `json:"label,omitempty"`
	Where   string        `json:"where,omitempty"`   // file:line
	Callers []string      `json:"callers,omitempty"` // of a failed judgement: what called that function
	Pass    bool          `json:"pass,omitempty"`
	Packets []string      `json:"packets,omitempty"`
	Frames  []int         `json:"frames,omitempty"`
	Result  *Result       `json:"result,omitempty"`
	// Began is when the case began, of EventUp, in nanoseconds since 1970.
	Began int64 `json:"began,omitempty"`

	// Of a kept lab: the worker's process, set by whoever started it, and by
	// node the worker's descriptor of its namespace.
	Pid   int        `json:"pid,omitempty"`
	Nodes []NodeDesc `json:"nodes,omitempty"`
}

// Asks reports whether the case stands still after it and waits for a [Command].
func (e Event) Asks() bool { return e.Kind == EventStopped || e.Kind == EventReply }

// NodeDesc is a node's namespace as a descriptor of the worker.
type NodeDesc struct {
	Name string `json:"name"`
	Fd   int    `json:"fd"`
}

// Verdict is how a case ended.
type Verdict string

// Verdicts.
const (
	Passed       Verdict = "passed"
	Failed       Verdict = "failed"
	Errored      Verdict = "error"        // the script, or the engine
	Skipped      Verdict = "skipped"      // the machine lacks something
	Inconclusive Verdict = "inconclusive" // the host stalled, or the engine lost a packet
)

// Result is the outcome of a case.
type Result struct {
	Verdict Verdict       `json:"verdict"`
	Why     string        `json:"why,omitempty"` // for all but passed
	Took    time.Duration `json:"took"`
	Stalled time.Duration `json:"stalled,omitempty"` // the longest stall of the host
	Packets int           `json:"packets"`
	Tries   int           `json:"tries,omitempty"` // runs until one was conclusive, set by whoever ran them
	// Paused are the places where there was a pause, of a run that was shaken.
	Paused []string `json:"paused,omitempty"`
	Spared int      `json:"spared,omitempty"` // faults that were to do nothing
	// Values are what the script's function returned, to be compared with those of other
	// cases.
	Values map[string]any `json:"values,omitempty"`
	// Machine says that an error is of the machine, such as a full disk, and not of the
	// script.
	Machine bool `json:"machine,omitempty"`
	Lost    int  `json:"lost,omitempty"` // runs that failed before this one, set by whoever ran them
	// Where the time went: until the lab was up, waiting with nothing else to do, and
	// judging what there was.
	SetUp    time.Duration `json:"set_up,omitempty"`
	Waited   time.Duration `json:"waited,omitempty"`
	Analysed time.Duration `json:"analysed,omitempty"`
}

// Bad reports whether the case did not do what it should.
func (r *Result) Bad() bool { return r.Verdict == Failed || r.Verdict == Errored }

// Flaky reports whether it passed after it had failed.
func (r *Result) Flaky() bool { return r.Verdict == Passed && r.Lost > 0 }

// Also adds what went wrong besides: a case that passed has not then.
func (r *Result) Also(why string) {
	if r.Verdict == Passed {
		r.Verdict = Errored
	}
	if r.Why != "" {
		r.Why += "\n"
	}
	r.Why += why
}
