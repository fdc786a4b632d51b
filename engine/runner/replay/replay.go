//go:build linux

// Package replay runs the scenario that a capture became, and compares what its first
// variant shows with the capture.
//
// It writes no reports; package report and the command line do.
package replay

import (
	"context"
	"errors"
	"fmt"
	"os"

	"netrepro/engine/reproduction"
	"netrepro/engine/reproduction/read"
	"netrepro/engine/reproduction/similar"
	"netrepro/engine/runner"
	"netrepro/engine/runner/discover"
	"netrepro/engine/runner/task"
	"netrepro/engine/script/session"
)

// Outcome is what came of a replay.
type Outcome struct {
	Case    string
	Verdict session.Verdict
	Why     string
	// Failed are the expectations that failed.
	Failed []string
	// Compared is how the run and the capture differ; it is good if Verdict is not
	// an error.
	Compared similar.Result
	Capture  string // of the run, if it is kept
}

// Name is that of the scenario in messages.
const Name = "imported.lua"

// Runner runs tasks, as [runner.Run] does: here or in a virtual machine.
type Runner func(ctx context.Context, tasks []*task.Task, o runner.Options, to task.Sink) error

// Run replays an incident, whose scenario is text, with run.
// peer is the side that is played, -1 if both are live.
func Run(ctx context.Context, inc *reproduction.Incident, text string, peer int, o runner.Options, run Runner) (
	*Outcome, error,
) {
	if o.Out == "" {
		dir, err := os.MkdirTemp("", "netrepro-replay-")
		if err != nil {
			return nil, fmt.Errorf("make directory for the trace: %w", err)
		}
		defer os.RemoveAll(dir)
		o.Out = dir
	}
	files, err := discover.Load(ctx, []discover.Source{{Name: Name, Text: text}}, o.Options)
	if err != nil {
		return nil, fmt.Errorf("load the imported scenario: %w", err)
	}
	defer files[0].Close()
	all, err := task.List(files, task.Selection{Repeat: 1, Out: o.Out})
	if err != nil {
		return nil, err
	}
	o.Inferred = !inc.Asked || peer >= 0 // verdicts come from the same as those of the capture
	out := &Outcome{Case: all[0].Name(), Capture: all[0].Capture()}
	if err := run(ctx, all[:1], o, (*collector)(out)); err != nil {
		return nil, err
	}
	switch out.Verdict {
	case session.Errored:
		return nil, fmt.Errorf("run the imported scenario: %s", out.Why)
	case session.Skipped:
		return out, nil
	}
	again := read.Options{Flow: -1, Payload: inc.Kept, All: true}
	switch {
	case peer >= 0: // the other side alone is real
		again.At = [2]string{"client", "server"}[1-peer]
	case inc.Vantage != reproduction.Everywhere:
		again.At = string(inc.Vantage)
	}
	got, err := read.File(ctx, out.Capture, again)
	if err != nil && !errors.Is(err, read.ErrNone) {
		return nil, err
	}
	if got == nil {
		got = &reproduction.Incident{}
	}
	want := *inc
	if peer >= 0 {
		want.Flows = want.Flows[:min(1, len(want.Flows))]
	}
	out.Compared = similar.Compare(&want, got)
	return out, nil
}

// collector takes in what a case says.
type collector Outcome

// Begin implements [task.Sink].
func (*collector) Begin(*task.Task) {}

// Event implements [task.Sink].
func (c *collector) Event(_ *task.Task, e session.Event) {
	if e.Kind == session.EventExpect && !e.Pass {
		c.Failed = append(c.Failed, e.Text)
	}
}

// End implements [task.Sink].
func (c *collector) End(_ *task.Task, r session.Result) { c.Verdict, c.Why = r.Verdict, r.Why }
