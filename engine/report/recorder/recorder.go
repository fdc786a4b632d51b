//go:build linux

// Package recorder writes what a run leaves in its folder besides the captures: the
// record of its events and the history of its cases, and makes reports of them.
//
// It shows nothing; verdicts come to it as they are.
//
// Invariant: whatever ends a run, what had happened until then can be read.
package recorder

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"golang.org/x/sys/unix"

	"netrepro/engine/files"
	"netrepro/engine/report"
	"netrepro/engine/report/formats"
	"netrepro/engine/report/stream"
	"netrepro/engine/runner/fingerprint"
	"netrepro/engine/runner/history"
	"netrepro/engine/runner/task"
	"netrepro/engine/script/session"
)

// Options of a record.
type Options struct {
	Out      string // the folder of the run's output
	Baseline string // a folder whose history is compared with, besides that of Out
	Seed     uint64
	Shard    string // "1/3", empty if the run is whole
	Tasks    []*task.Task
	All      []*task.Task // of all shards
	Machine  fingerprint.Machine
	Reports  []formats.Report
}

// Recorder is a sink that records and passes everything on.
type Recorder struct {
	task.Sink
	o        Options
	file     *os.File
	w        *stream.Writer
	history  *history.History
	baseline *history.History
	failed   bool
	ended    map[*task.Task]bool
	logs     map[*task.Task]*strings.Builder // of cases that run
	logErr   error
}

// New makes a recorder that passes on to next. Nothing is written before [Recorder.Open].
func New(o Options, next task.Sink) *Recorder {
	return &Recorder{Sink: next, o: o, ended: map[*task.Task]bool{},
		logs: map[*task.Task]*strings.Builder{}}
}

// Open begins the record, once the folder is the run's own. An earlier one is written
// over; the history goes on.
func (r *Recorder) Open() error {
	f, err := os.OpenFile(filepath.Join(r.o.Out, stream.File), os.O_WRONLY|os.O_CREATE|os.O_TRUNC|
		unix.O_NONBLOCK, files.Secret) // a pipe that nobody reads is an error and not a wait
	if err != nil {
		return fmt.Errorf("write record: %w", err)
	}
	r.file = f
	r.history = history.Open(r.o.Out)
	r.history.On(r.o.Machine)
	if r.o.Baseline != "" {
		r.baseline = history.Open(r.o.Baseline)
		r.baseline.On(r.o.Machine)
	}
	s := stream.Started{Time: report.Now(), Seed: r.o.Seed, Shard: r.o.Shard, Machine: r.o.Machine,
		Cases: names(r.o.Tasks)}
	if r.o.Shard != "" {
		s.All = names(r.o.All)
	}
	r.w = stream.NewWriter(f, s)
	r.w.Word, r.w.Differs = report.Word, r.differs
	return r.w.Err()
}

func names(tasks []*task.Task) []string {
	out := make([]string, len(tasks))
	for i, t := range tasks {
		out[i] = t.Name()
	}
	return out
}

// differs says what is not as it was when a case last passed that now has not.
func (r *Recorder) differs(t *task.Task, res session.Result) string {
	if !res.Bad() {
		return ""
	}
	if d := r.history.Differs(t.Case.ID()); d != "" || r.baseline == nil {
		return d
	}
	return r.baseline.Differs(t.Case.ID())
}

// Begin implements [task.Sink].
func (r *Recorder) Begin(t *task.Task) {
	r.w.Begin(t)
	r.Sink.Begin(t)
}

// Live records what happens in a case.
func (r *Recorder) Live(t *task.Task, try int, e session.Event) {
	r.remember(t, try, e)
	r.w.Live(t, try, e)
}

// End implements [task.Sink].
func (r *Recorder) End(t *task.Task, res session.Result) {
	r.ended[t] = true
	r.failed = r.failed || res.Bad()
	if d := r.differs(t, res); d != "" {
		r.Event(t, session.Event{Kind: session.EventLog, Where: "machine", Text: d})
	}
	r.writeLog(t, res)
	r.w.End(t, res)
	if !t.Proof() && t.Shaken == 0 { // those are no runs of the case as it is
		r.history.Ended(t.Case.ID(), stream.Source(t.File.Text), res)
	}
	r.Sink.End(t, res)
}

// Failed reports whether a case has failed.
func (r *Recorder) Failed() bool { return r.failed }

// Close ends the record and the history and writes the reports.
func (r *Recorder) Close(ctx context.Context, interrupted bool, out io.Writer) error {
	if r.w == nil {
		return nil
	}
	left := slices.DeleteFunc(slices.Clone(r.o.Tasks), func(t *task.Task) bool { return r.ended[t] })
	r.w.Finish(interrupted, names(left))
	err := errors.Join(r.w.Err(), r.logErr, r.file.Close(), r.history.Write(ctx))
	if len(r.o.Reports) == 0 {
		return err
	}
	run, rerr := Read([]string{r.o.Out})
	if run == nil {
		return errors.Join(err, rerr)
	}
	return errors.Join(err, rerr, formats.Write(ctx, r.o.Reports, run, out))
}

// Flaky says which cases of this run have ended in both ways at one commit.
func (r *Recorder) Flaky() []string {
	if r.history == nil {
		return nil
	}
	var ids []string
	for t := range r.ended {
		ids = append(ids, t.Case.ID())
	}
	slices.Sort(ids)
	return r.history.Flaky(slices.Compact(ids))
}

// Read reads the records in folders, or files of them, and merges them. Of shards that
// do not make up a whole it returns what there is, and an error.
func Read(paths []string) (*stream.Run, error) {
	var runs []*stream.Run
	for _, p := range paths {
		if st, err := os.Stat(p); err == nil && st.IsDir() {
			p = filepath.Join(p, stream.File)
		}
		f, err := os.Open(p)
		if err != nil {
			return nil, fmt.Errorf("read record: %w", err)
		}
		run, err := stream.Read(f)
		_ = f.Close() // only read from
		if err != nil {
			return nil, fmt.Errorf("%s: %w", p, err)
		}
		runs = append(runs, run)
	}
	return stream.Merge(runs)
}
