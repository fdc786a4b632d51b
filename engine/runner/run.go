//go:build linux

package runner

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"

	"netrepro/engine/kernel/bpf"
	"netrepro/engine/script"
	"netrepro/engine/script/session"
	"netrepro/engine/script/shake"
)

// Options of a run.
type Options struct {
	script.Options
	Parallel int          // cases side by side; [Auto] for as many as the processors can carry
	Repeat   int          // times each case runs, at least 1
	Variant  string       // only cases of this variant; empty for all
	Out      string       // directory for artifacts
	Keep     bool         // keep the lab of a case that did not end as expected
	Update   bool         // write golden traces instead of comparing with them
	Form     bool         // report the normal form of every trace
	Retries  int          // how often a case that was inconclusive is run again
	Say      func(string) // tells people what a case waits for; nil does not
	Inferred bool         // judge by the packets alone, even where the kernel could be asked
	Shake    bool         // each round with other pauses where the script may be late
	Check    bool         // the capture must say of every packet what the trace does
}

// Task is a case to run.
type Task struct {
	Case   *script.Case
	File   *script.File
	Round  int // from 1
	Rounds int
	Dir    string // its artifacts
	// Of a proof (see [Proofs]): the variant whose parameters are used instead
	// of the case's own, or that faults do nothing.
	Cure     string
	Harmless bool
	// Shaken is the seed of the pauses of a run that is shaken, 0 if it is not.
	Shaken uint64
}

// Proof reports whether the task is one of [ProofTasks].
func (t *Task) Proof() bool { return t.Cure != "" || t.Harmless }

// Name is the case's ID, with what is done to it in a proof, and the round if
// there are several.
func (t *Task) Name() string {
	switch {
	case t.Cure != "":
		return t.Case.ID() + " with " + t.Cure
	case t.Harmless:
		return t.Case.ID() + " without faults"
	}
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
	Event(t *Task, e session.Event)
	End(t *Task, r session.Result)
}

// Tasks lists what o selects from files, in order. Two cases of the same name
// are an error: they would write over each other.
func Tasks(files []*script.File, o Options) ([]*Task, error) {
	var out []*Task
	from := map[string]string{}
	for round := 1; round <= max(o.Repeat, 1); round++ {
		for _, f := range files {
			for _, s := range f.Scenarios {
				for _, c := range s.Cases() {
					if o.Variant != "" && c.Variant.Name != o.Variant {
						continue
					}
					t := &Task{Case: c, File: f, Round: round, Rounds: o.Repeat}
					t.Dir = filepath.Join(o.Out, fileName(t.Name()))
					if other, ok := from[t.Name()]; ok {
						return nil, fmt.Errorf("%s and %s both have a case %q: name each scenario once", other, f.Name, t.Name())
					}
					from[t.Name()] = f.Name
					out = append(out, t)
				}
			}
		}
	}
	return out, nil
}

// Run runs tasks, several side by side, and reports to sink. It returns early
// only if ctx ends or no worker can be started at all.
func Run(ctx context.Context, tasks []*Task, o Options, sink Sink) error {
	unlock, err := claim(o.Out)
	if err != nil {
		return err
	}
	defer unlock()
	p := load(o)
	if p != nil {
		defer p.Close()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cpus, err := allowed()
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	r := &running{Options: o, probe: p, sink: sink, cpus: cpus}
	pace := newPace(o.Parallel, len(cpus.ids))
	for _, t := range inTurn(tasks) {
		begin := pace.begin
		if t.Case.Alone {
			begin = pace.alone
		}
		if begin(ctx) != nil {
			break
		}
		wg.Go(func() {
			res, err := r.task(ctx, t)
			if err != nil {
				cancel(err)
			}
			pace.end(res)
		})
		if t.Case.Alone {
			wg.Wait() // nothing begins beside it
		}
	}
	wg.Wait()
	return context.Cause(ctx)
}

// inTurn puts tasks that run alone behind those that run side by side.
func inTurn(tasks []*Task) []*Task {
	out := slices.Clone(tasks)
	slices.SortStableFunc(out, func(a, b *Task) int {
		switch {
		case a.Case.Alone == b.Case.Alone:
			return 0
		case b.Case.Alone:
			return -1
		}
		return 1
	})
	return out
}

// running is a run at work.
type running struct {
	Options
	probe *bpf.Probe
	cpus  *processors
	mu    sync.Mutex // of sink
	sink  Sink
}

// tell runs f, which tells the sink something.
func (r *running) tell(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

// task runs one task until a try is conclusive, and returns how it ended.
func (r *running) task(ctx context.Context, t *Task) (res session.Result, err error) {
	o, sink := r.Options, r.sink
	capture, err := emptied(o.Out, t)
	if err != nil { // of this case alone
		res = session.Result{Verdict: session.Errored, Why: err.Error()}
		r.tell(func() {
			sink.Begin(t)
			sink.End(t, res)
		})
		return res, nil
	}
	job := Job{Name: t.File.Name, Text: []byte(t.File.Text), Case: []byte(t.Case.ID()), Seed: o.Seed, Capture: capture, Lualib: o.Lualib, Keep: o.Keep,
		Update: o.Update, Form: o.Form, Check: o.Check, Cure: t.Cure, Harmless: t.Harmless}
	files, release, err := listen(r.probe, &job)
	if err != nil {
		return res, err
	}
	defer release()
	set, give := r.cpus.take(t.Case.CPUs)
	defer give()
	r.tell(func() { sink.Begin(t) })
	timeout := t.Case.Timeout
	if o.Shake {
		t.Shaken = t.shakeSeed(o)
		job.Shake, job.Seed = t.Shaken, t.Shaken
		timeout += shake.Most
	}
	var events []session.Event
	// once runs a job once; its events are kept in place of those before.
	once := func(job Job) (session.Result, error) {
		events = nil
		return onMachine(ctx, t.Case.Machine, o.Say, func() (session.Result, error) {
			return work(ctx, job, start{files, set}, timeout, func(e session.Event) {
				if e.Kind == session.EventKept { // the lab waits for people
					r.tell(func() { flush(sink, t, append(events, e)) })
					events = nil
					return
				}
				events = append(events, e)
			})
		})
	}
	for try := 1; ; try++ {
		if res, err = once(job); err != nil {
			return res, err
		}
		if res.Verdict != session.Inconclusive || try > o.Retries || o.Keep || ctx.Err() != nil {
			res.Tries = try
			break
		}
	}
	if job.Shake != 0 && (res.Verdict == session.Failed || res.Verdict == session.Errored) {
		said := events
		if res.Why, err = luck(job, res, once); err != nil {
			return res, err
		}
		events = said
	}
	r.tell(func() {
		flush(sink, t, events)
		sink.End(t, res)
	})
	return res, nil
}

// flush passes on what happened in a run that counts.
func flush(sink Sink, t *Task, events []session.Event) {
	for _, e := range events {
		sink.Event(t, e)
	}
}
