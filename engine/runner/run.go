//go:build linux

package runner

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"

	"netrepro/engine/script"
)

// Options of a run.
type Options struct {
	script.Options
	Parallel int    // cases side by side, at least 1
	Repeat   int    // times each case runs, at least 1
	Variant  string // only cases of this variant; empty for all
	Out      string // directory for artifacts
	Keep     bool   // keep the artifacts of cases that ended as expected
}

// Task is a case to run.
type Task struct {
	Case   *script.Case
	File   *script.File
	Round  int // from 1
	Rounds int
	Dir    string // its artifacts
}

// Name is the case's ID, with the round if there are several.
func (t *Task) Name() string {
	if t.Rounds > 1 {
		return fmt.Sprintf("%s#%d", t.Case.ID(), t.Round)
	}
	return t.Case.ID()
}

// Capture is where its trace is.
func (t *Task) Capture() string { return filepath.Join(t.Dir, "trace.pcapng") }

// Sink is told what happens. Calls come one at a time.
type Sink interface {
	Begin(t *Task)
	Event(t *Task, e script.Event)
	End(t *Task, r script.Result)
}

// Tasks lists what o selects from files, in order.
func Tasks(files []*script.File, o Options) []*Task {
	var out []*Task
	for round := 1; round <= max(o.Repeat, 1); round++ {
		for _, f := range files {
			for _, s := range f.Scenarios {
				for _, c := range s.Cases() {
					if o.Variant != "" && c.Variant.Name != o.Variant {
						continue
					}
					t := &Task{Case: c, File: f, Round: round, Rounds: o.Repeat}
					t.Dir = filepath.Join(o.Out, filepath.FromSlash(strings.ReplaceAll(t.Name(), "=", "_")))
					out = append(out, t)
				}
			}
		}
	}
	return out
}

// Run runs tasks, several side by side, and reports to sink. It returns early
// only if ctx ends or no worker can be started at all.
func Run(ctx context.Context, tasks []*Task, o Options, sink Sink) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var wg sync.WaitGroup
	next := make(chan *Task)
	for range max(o.Parallel, 1) {
		wg.Go(func() {
			for t := range next {
				if err := runTask(ctx, t, o, sink, &mu); err != nil {
					cancel(err)
				}
			}
		})
	}
feed:
	for _, t := range tasks {
		select {
		case next <- t:
		case <-ctx.Done():
			break feed
		}
	}
	close(next)
	wg.Wait()
	return context.Cause(ctx)
}

func runTask(ctx context.Context, t *Task, o Options, sink Sink, mu *sync.Mutex) error {
	if err := os.MkdirAll(t.Dir, 0o755); err != nil {
		return fmt.Errorf("make directory for artifacts: %w", err)
	}
	tell := func(f func()) {
		mu.Lock()
		defer mu.Unlock()
		f()
	}
	capture, err := filepath.Abs(t.Capture())
	if err != nil {
		return fmt.Errorf("make directory for artifacts: %w", err)
	}
	job := Job{Source: Source{t.File.Name, t.File.Text}, Case: t.Case.ID(), Seed: o.Seed, Capture: capture, Lualib: o.Lualib}
	tell(func() { sink.Begin(t) })
	res, err := work(ctx, job, t.Case.Timeout, func(e script.Event) { tell(func() { sink.Event(t, e) }) })
	if err != nil {
		return err
	}
	tell(func() { sink.End(t, res) })
	return nil
}
