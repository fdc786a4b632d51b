package stream

import "netrepro/engine/runner/fingerprint"

// Version of the form of events. A reader of version 1 may meet keys that it does not
// know, and leaves them aside; a key never changes its meaning.
const Version = 1

// File is the name of the record in the folder of a run's output.
const File = "events.jsonl"

// Kinds of event.
const (
	Start  = "start"  // the run begins: [Started]
	Begin  = "begin"  // a case begins: [Began]
	Say    = "say"    // something happened in it: [Said]
	End    = "end"    // it has ended: [Ended]
	Finish = "finish" // the run has ended: [Finished]
)

// Event is a line of the record. Which of the parts it has, its kind says.
type Event struct {
	Event string  `json:"event"`
	At    float64 `json:"at"` // seconds since the run began
	Case  string  `json:"case,omitempty"`
	*Started
	*Began
	*Said
	*Ended
	*Finished
}

// Started is how a run began.
type Started struct {
	Version int      `json:"version"`
	Time    string   `json:"time"` // RFC 3339
	Seed    uint64   `json:"seed"`
	Shard   string   `json:"shard,omitempty"` // "1/3"
	Cases   []string `json:"cases"`           // that this run is to run, in order
	All     []string `json:"all,omitempty"`   // of all shards, in order
	Machine Machine  `json:"machine"`
}

// Machine is what a run depends on and a script does not say.
type Machine = fingerprint.Machine

// Began is a case that begins.
type Began struct {
	Scenario string   `json:"scenario"`
	Variant  string   `json:"variant,omitempty"`
	File     string   `json:"file"`
	Line     int      `json:"line"`
	Tags     []string `json:"tags,omitempty"`
	Source   string   `json:"source"`          // a hash of the file
	Again    string   `json:"again,omitempty"` // the command that runs it again, without other options of the run
}

// Said is something that happened in a case: a step, an expectation that was judged,
// what a script printed.
type Said struct {
	Kind    string   `json:"kind"` // up, step, expect, fault, task, log
	Try     int      `json:"try"`
	Into    float64  `json:"into"`            // seconds since the case began
	Began   string   `json:"began,omitempty"` // of up: when the case began, RFC 3339
	Text    string   `json:"text,omitempty"`
	Label   string   `json:"label,omitempty"`
	Where   string   `json:"where,omitempty"` // file:line
	Callers []string `json:"callers,omitempty"`
	Pass    *bool    `json:"pass,omitempty"` // of what was judged
	Packets []string `json:"saw,omitempty"`  // what was looked at
	Frames  []int    `json:"frames,omitempty"`
}

// Failed reports whether something was judged, and was not as it should be.
func (s *Said) Failed() bool { return s.Pass != nil && !*s.Pass }

// Verdicts.
const (
	Passed       = "passed"
	Failed       = "failed"
	Errored      = "error"
	Skipped      = "skipped"
	Inconclusive = "inconclusive"
)

var verdicts = []string{Passed, Failed, Errored, Skipped, Inconclusive}

// Ended is how a case ended.
type Ended struct {
	Verdict string  `json:"verdict"`
	Word    string  `json:"word"` // as people are told: reproduced, clean, flaky
	Why     string  `json:"why,omitempty"`
	Seconds float64 `json:"seconds"`
	Machine bool    `json:"machine_cannot,omitempty"` // an error of the machine, as a full disk
	Packets int     `json:"packets"`
	Tries   int     `json:"tries"`             // runs of it, the last included
	Lost    int     `json:"lost,omitempty"`    // of those before, how many failed
	Stalled float64 `json:"stalled,omitempty"` // longest stall of the host, in seconds
	Phases  *Phases `json:"phases,omitempty"`
	Folder  string  `json:"folder,omitempty"` // of what it left
	Trace   string  `json:"trace,omitempty"`
	Differs string  `json:"differs,omitempty"` // what is not as it was when the case last passed
}

// Flaky reports whether a case passed after it had failed.
func (e *Ended) Flaky() bool { return e.Verdict == Passed && e.Lost > 0 }

// Phases are where the time of a case went, in seconds.
type Phases struct {
	SetUp    float64 `json:"set_up"`
	Waits    float64 `json:"waits"` // for packets and timers, with nothing else to do
	Analysis float64 `json:"analysis"`
}

// Finished is how a run ended.
type Finished struct {
	Seconds     float64  `json:"took"`
	Interrupted bool     `json:"interrupted,omitempty"`
	NotRun      []string `json:"not_run,omitempty"`
}
