package stream

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"netrepro/engine/sanitize"
)

// Run is a record that was read.
type Run struct {
	Started
	Cases    []*Case // in the order of [Started.Cases]
	Finished *Finished
}

// Case is a case of a record. What it said is of its last try, or of the last that failed
// if it passed after that.
type Case struct {
	Name string
	Began
	Said  []*Said
	Ended *Ended // never nil: one that did not end has an error

	before []*Said // of the try before
}

// Command is the command that runs the case again; records of before say none.
func (c *Case) Command() string {
	if c.Again != "" {
		return sanitize.Text(c.Again)
	}
	name := c.Scenario
	if c.Variant != "" {
		name += "/" + c.Variant
	}
	return sanitize.Command("netrepro", "run", c.File, name)
}

// maxLine bounds a line of a record, and maxSaid what is kept of a case.
const maxLine, maxSaid = 64 << 20, 10_000

// Read reads a record. Its last line may be cut short.
func Read(r io.Reader) (*Run, error) {
	run := &Run{}
	byName := map[string]*Case{}
	lines := bufio.NewReaderSize(r, 1<<16)
	for n := 1; ; n++ {
		line, err := readLine(lines)
		whole := err == nil
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, fmt.Errorf("read record: line %d: %w", n, err)
		}
		if len(bytes.TrimSpace(line)) > 0 {
			var e Event
			if err := json.Unmarshal(line, &e); err != nil {
				if !whole {
					break
				}
				return nil, fmt.Errorf("read record: line %d is no event: %w", n, err)
			}
			if err := run.take(&e, byName); err != nil {
				return nil, fmt.Errorf("read record: line %d: %w", n, err)
			}
		}
		if !whole {
			break
		}
	}
	if run.Version == 0 {
		return nil, errors.New("read record: it does not begin with a start event")
	}
	run.finish()
	return run, nil
}

func readLine(r *bufio.Reader) ([]byte, error) {
	var line []byte
	for {
		part, err := r.ReadSlice('\n')
		if len(line)+len(part) > maxLine {
			return nil, fmt.Errorf("it is longer than %d MB", maxLine>>20)
		}
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
	}
}

func (r *Run) take(e *Event, byName map[string]*Case) error {
	switch {
	case e.Event == Start && e.Started != nil:
		if e.Version != Version {
			return fmt.Errorf("its version is %d: this program reads version %d", e.Version, Version)
		}
		r.Started = *e.Started
	case e.Event == Begin && e.Began != nil:
		if byName[e.Case] != nil {
			return fmt.Errorf("case %q begins twice", e.Case)
		}
		c := &Case{Name: e.Case, Began: *e.Began}
		byName[e.Case] = c
		r.Cases = append(r.Cases, c)
	case e.Event == Say && e.Said != nil, e.Event == End && e.Ended != nil:
		c := byName[e.Case]
		if c == nil {
			return fmt.Errorf("case %q never began", e.Case)
		}
		if e.Event == End {
			if !slices.Contains(verdicts, e.Verdict) {
				return fmt.Errorf("case %q ends as %q, which is no verdict", e.Case, e.Verdict)
			}
			if c.Ended = e.Ended; c.Ended.Flaky() {
				c.Said = c.before // what went wrong
			}
			return nil
		}
		if n := len(c.Said); n > 0 && c.Said[n-1].Try != e.Try {
			c.before, c.Said = c.Said, nil // of a try that does not count
		}
		if len(c.Said) < maxSaid {
			c.Said = append(c.Said, e.Said)
		}
	case e.Event == Finish && e.Finished != nil:
		r.Finished = e.Finished
	}
	return nil // of another kind: of a later release
}

// finish puts the cases in order, and says of those that did not end that they did not.
func (r *Run) finish() {
	order(r.Cases, r.Started.Cases)
	for _, c := range r.Cases {
		if c.Ended == nil {
			c.Ended = &Ended{Verdict: Errored, Word: Errored, Tries: 1,
				Why: "the run ended before this case did: it was interrupted, or its process was killed"}
		}
	}
	if r.Finished == nil {
		r.Finished = &Finished{Interrupted: true}
	}
	ran := map[string]bool{}
	for _, c := range r.Cases {
		ran[c.Name] = true
	}
	r.Finished.NotRun = slices.DeleteFunc(slices.Clone(r.Started.Cases), func(name string) bool { return ran[name] })
}

// order sorts cases as names are; what is not named comes last.
func order(cases []*Case, names []string) {
	at := map[string]int{}
	for i, n := range names {
		at[n] = i + 1
	}
	slices.SortStableFunc(cases, func(a, b *Case) int {
		x, y := at[a.Name], at[b.Name]
		switch {
		case x == y:
			return 0
		case x == 0 || y != 0 && y < x:
			return 1
		}
		return -1
	})
}

// Count is how many cases ended so, those that are flaky not counted as passed.
func (r *Run) Count(verdict string) (n int) {
	for _, c := range r.Cases {
		if c.Ended.Verdict == verdict && !c.Ended.Flaky() {
			n++
		}
	}
	return n
}

// Flaky is how many cases passed after they had failed.
func (r *Run) Flaky() (n int) {
	for _, c := range r.Cases {
		if c.Ended.Flaky() {
			n++
		}
	}
	return n
}

// Merge makes one run of several: shards of one, or parts of a suite. It is an error if
// a case is in two of them, or if shards do not make up the whole: then the run is
// returned too, with what is missing as not run.
func Merge(runs []*Run) (*Run, error) {
	if len(runs) == 1 {
		return runs[0], nil
	}
	out := &Run{Started: runs[0].Started, Finished: &Finished{}}
	out.Started.Cases, out.Shard, out.All = nil, "", nil
	var shards []string
	from := map[string]string{}
	var twice []string
	for _, r := range runs {
		out.Time = min(out.Time, r.Time)
		out.Finished.Interrupted = out.Finished.Interrupted || r.Finished.Interrupted
		out.Finished.Seconds = max(out.Finished.Seconds, r.Finished.Seconds)
		for _, name := range append(slices.Clone(r.All), r.Started.Cases...) {
			if _, known := from[name]; !known {
				from[name] = ""
				out.Started.Cases = append(out.Started.Cases, name)
			}
		}
		for _, c := range r.Cases {
			if from[c.Name] != "" {
				twice = append(twice, c.Name)
				continue
			}
			from[c.Name] = "x"
			out.Cases = append(out.Cases, c)
		}
		if r.Shard != "" {
			shards = append(shards, r.Shard)
		}
	}
	order(out.Cases, out.Started.Cases)
	for _, name := range out.Started.Cases {
		if from[name] == "" {
			out.Finished.NotRun = append(out.Finished.NotRun, name)
		}
	}
	switch {
	case len(twice) > 0:
		return out, fmt.Errorf("merge: %d cases are in more than one of the runs, as %s", len(twice), twice[0])
	case len(shards) > 0 && len(out.Finished.NotRun) > 0:
		return out, fmt.Errorf("merge: %d cases are in none of the shards %s, as %s: shards must be made with the same "+
			"files, flags and history", len(out.Finished.NotRun), strings.Join(shards, ", "), out.Finished.NotRun[0])
	}
	return out, nil
}
