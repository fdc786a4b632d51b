//go:build linux

// Package history is what earlier runs into one folder came to: how long each case took,
// how it ended, and on which machine it last passed.
//
// It decides nothing about the run at hand.
//
// Invariant: a history that is missing or damaged is as good as none: what can be read of
// it counts.
package history

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"golang.org/x/sys/unix"

	"netrepro/engine/files"
	"netrepro/engine/runner/fingerprint"
	"netrepro/engine/script/session"
)

// File is its name in the folder of a run's output.
const File = "history.jsonl"

// maxFile bounds the file, and keeps is how many runs of a case stay when it is cut.
const maxFile, keeps = 8 << 20, 10

// Entry is a run of a case.
type Entry struct {
	Case    string          `json:"case"`
	Verdict session.Verdict `json:"verdict"`
	Lost    int             `json:"lost,omitempty"` // runs that failed before it passed
	Seconds float64         `json:"seconds"`
	Time    string          `json:"time"`
	Source  string          `json:"source"`  // a hash of its file
	Machine string          `json:"machine"` // the name of a fingerprint
}

// bad reports whether it did not do what it should.
func (e *Entry) bad() bool { return e.Verdict == session.Failed || e.Verdict == session.Errored }

// line is one of the file: an entry, or the fingerprint that a name stands for.
type line struct {
	*Entry
	Name        string               `json:"name,omitempty"`
	Fingerprint *fingerprint.Machine `json:"fingerprint,omitempty"`
}

// History is what is known of earlier runs.
type History struct {
	path     string
	entries  map[string][]Entry // by case, the latest last
	machines map[string]fingerprint.Machine
	fresh    bytes.Buffer // lines to be added
	machine  string       // of this run
	now      fingerprint.Machine
	size     int64
}

// Open reads the history in a folder, which need not have any.
func Open(folder string) *History {
	h := &History{path: filepath.Join(folder, File), entries: map[string][]Entry{},
		machines: map[string]fingerprint.Machine{}}
	b, err := files.ReadRegular(h.path, maxFile*2)
	if err != nil {
		return h
	}
	h.size = int64(len(b))
	lines := bufio.NewScanner(bytes.NewReader(b))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		var l line
		switch err := json.Unmarshal(lines.Bytes(), &l); {
		case err != nil:
			continue
		case l.Fingerprint != nil:
			h.machines[l.Name] = *l.Fingerprint
		case l.Entry != nil && l.Case != "":
			h.entries[l.Case] = append(h.entries[l.Case], *l.Entry)
		}
	}
	return h
}

// On says which machine the run at hand is on.
func (h *History) On(m fingerprint.Machine) {
	h.now = m
	for name, known := range h.machines {
		if fingerprint.Differs(known, m) == "" {
			h.machine = name
			return
		}
	}
	for n := len(h.machines); ; n++ {
		h.machine = fmt.Sprintf("m%d", n)
		if _, taken := h.machines[h.machine]; !taken {
			break
		}
	}
	h.machines[h.machine] = m
	h.add(line{Name: h.machine, Fingerprint: &m})
}

func (h *History) add(l line) {
	b, err := json.Marshal(l)
	if err == nil { // texts and numbers always can be
		h.fresh.Write(append(b, '\n'))
	}
}

// Ended adds how a case ended, once [History.On] was called.
func (h *History) Ended(name, source string, r session.Result) {
	e := Entry{Case: name, Verdict: r.Verdict, Lost: r.Lost, Seconds: r.Took.Seconds(), Source: source,
		Time: time.Now().UTC().Format(time.RFC3339), Machine: h.machine}
	h.entries[name] = append(h.entries[name], e)
	h.add(line{Entry: &e})
}

// Write adds what is new to the file. One that has grown large is written anew, with the
// latest runs of each case.
func (h *History) Write(ctx context.Context) error {
	if h.fresh.Len() == 0 {
		return nil
	}
	if h.size+int64(h.fresh.Len()) > maxFile {
		return h.rewrite(ctx)
	}
	// A pipe that nobody reads is an error and not a wait.
	f, err := os.OpenFile(h.path, os.O_WRONLY|os.O_CREATE|os.O_APPEND|unix.O_NONBLOCK, files.Secret)
	if err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	_, err = f.Write(h.fresh.Bytes())
	if closed := f.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	h.fresh.Reset()
	return nil
}

func (h *History) rewrite(ctx context.Context) error {
	h.fresh.Reset()
	used := map[string]bool{}
	names := make([]string, 0, len(h.entries))
	for name, es := range h.entries {
		names = append(names, name)
		es = es[max(0, len(es)-keeps):]
		h.entries[name] = es
		for _, e := range es {
			used[e.Machine] = true
		}
	}
	for name, m := range h.machines {
		if used[name] {
			h.add(line{Name: name, Fingerprint: &m})
		}
	}
	slices.Sort(names)
	for _, name := range names {
		for _, e := range h.entries[name] {
			h.add(line{Entry: &e})
		}
	}
	f, err := files.Create(ctx, h.path, files.Secret)
	if err == nil {
		_, err = io.Copy(f, &h.fresh)
		err = f.Close(err)
	}
	if err != nil {
		return fmt.Errorf("write history: %w", err)
	}
	return nil
}

// Durations are how long cases took when they last ran, in seconds.
func (h *History) Durations() map[string]float64 {
	out := map[string]float64{}
	for name, es := range h.entries {
		for _, e := range slices.Backward(es) {
			if e.Verdict != session.Skipped {
				out[name] = e.Seconds
				break
			}
		}
	}
	return out
}

// Has reports whether a case has run before, or was skipped.
func (h *History) Has(name string) bool { return len(h.entries[name]) > 0 }

// Failed are the cases whose last run was not as expected.
func (h *History) Failed() map[string]bool {
	out := map[string]bool{}
	for name, es := range h.entries {
		last := es[len(es)-1]
		if last.bad() || last.Verdict == session.Inconclusive {
			out[name] = true
		}
	}
	return out
}

// Differs says what of the machine is not as it was when a case last passed; empty if
// nothing is, or it never did.
func (h *History) Differs(name string) string {
	for _, e := range slices.Backward(h.entries[name]) {
		before, known := h.machines[e.Machine]
		if e.Verdict != session.Passed || !known {
			continue
		}
		d := fingerprint.Differs(before, h.now)
		if d == "" {
			return ""
		}
		return "since it last passed, " + e.Time + ": " + d
	}
	return ""
}

// Flaky says of cases which ended in both ways at one commit, with one script and one
// program, how often, in order.
func (h *History) Flaky(names []string) (out []string) {
	for _, name := range names {
		type state struct{ source, commit, program string }
		runs, lost := map[state]int{}, map[state]int{}
		var last state
		for _, e := range h.entries[name] {
			m := h.machines[e.Machine]
			if e.Verdict != session.Passed && !e.bad() {
				continue
			}
			last = state{e.Source, m.Commit, m.Program}
			runs[last] += 1 + e.Lost
			lost[last] += e.Lost
			if e.bad() {
				lost[last]++
			}
		}
		if n := lost[last]; n > 0 && n < runs[last] {
			at := ""
			if last.commit != "" {
				at = " at commit " + last.commit[:12]
			}
			out = append(out, fmt.Sprintf("%s failed in %d of %d runs%s", name, n, runs[last], at))
		}
	}
	return out
}
