//go:build linux

package worker

import (
	"time"

	"netrepro/engine/kernel/bpf"
	"netrepro/engine/script/session"
)

// Job is one case for a worker.
type Job struct {
	Name    string `json:"name"` // of the file
	Text    []byte `json:"text"` // bytes, for a script need not be UTF-8
	Case    []byte `json:"case"` // its ID
	Seed    uint64 `json:"seed"`
	Capture string `json:"capture,omitempty"`
	Lualib  string `json:"lualib,omitempty"`
	Keep    bool   `json:"keep,omitempty"` // keep the lab if the case does not end as expected
	KeepAll bool   `json:"keep_all,omitempty"`
	Update  bool   `json:"update,omitempty"`
	Form    bool   `json:"form,omitempty"`
	Check   bool   `json:"check,omitempty"`
	// Compare are the results of the cases of the scenario that Case names, to be compared
	// instead of running one; nil runs it.
	Compare map[string]map[string]any `json:"compare"`
	// Timeout takes the place of the case's own, if it is not 0.
	Timeout time.Duration `json:"timeout,omitempty"`
	// Shake is the seed of pauses, 0 for none, ShakeOnly where they are made.
	Shake     uint64   `json:"shake,omitempty"`
	ShakeOnly []string `json:"shake_only"`
	// Of a proof: the variant whose parameters are used instead of the case's
	// own, and whether faults do nothing.
	Cure     string `json:"cure,omitempty"`
	Harmless bool   `json:"harmless,omitempty"`
	// Virtual says that time passes as work is done (see [play.Options]).
	Virtual bool `json:"virtual,omitempty"`
	// Stops are where the case stands still for commands, which follow the job, and
	// Terminal how many descriptors behind those of the ring are a terminal's.
	Stops    []session.Stop `json:"stops,omitempty"`
	Terminal int            `json:"terminal,omitempty"`
	// Ring are the names that go with the ring of kernel events, nil if there is
	// none, and RingFiles how many descriptors, from 3 on, are its.
	Ring      *bpf.Names `json:"ring,omitempty"`
	RingFiles int        `json:"ring_files,omitempty"`
}
