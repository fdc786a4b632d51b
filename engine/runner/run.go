//go:build linux

package runner

import (
	"context"
	"maps"
	"os"
	"slices"
	"strings"
	"sync"
	"time"

	"netrepro/engine/files"
	"netrepro/engine/kernel/bpf"
	"netrepro/engine/runner/artifact"
	"netrepro/engine/runner/machine"
	"netrepro/engine/runner/schedule"
	"netrepro/engine/runner/task"
	"netrepro/engine/runner/worker"
	"netrepro/engine/script"
	"netrepro/engine/script/session"
	"netrepro/engine/script/shake"
)

// Options of a run.
type Options struct {
	script.Options
	task.Selection
	Parallel int           // cases side by side; [schedule.Auto] for as many as the processors can carry
	Keep     bool          // keep the lab of a case that did not end as expected
	KeepAll  bool          // keep the lab of one that did, too
	Update   bool          // write golden traces instead of comparing with them
	Form     bool          // report the normal form of every trace
	Retries  int           // how often a case that was inconclusive is run again
	Say      func(string)  // tells people what a case waits for; nil does not
	Inferred bool          // judge by the packets alone, even where the kernel could be asked
	Shake    bool          // each round with other pauses where the script may be late
	Look     *Look         // nil if nobody looks into cases
	Check    bool          // the capture must say of every packet what the trace does
	Retry    int           // how often a case that failed is run again, until it passes
	Timeout  time.Duration // of every case, 0 for its own
	Virtual  bool          // time here passes as work is done, and hours without any cost nothing
	// Live is told what happens in a case at once, of every run of it, whether or not it
	// counts; nil is not. It and the sink are told one thing at a time.
	Live func(t *task.Task, try int, e session.Event)
	// Ready is called when the folder for artifacts is the run's own; nil is not.
	Ready func() error
	// Stop is asked before a case begins whether none is to begin any more; nil is no.
	Stop func() bool
	// Ended are results of tasks that ran before, which those of this run may compare.
	Ended map[*task.Task]session.Result
}

// Look has cases stand still for people to look into them. They have as much time as they
// want.
type Look struct {
	At       []session.Stop
	Terminal []*os.File // standard input, output and error of programs that they run on nodes
	// Talk is told all that happens, and may send commands while a case stands still.
	Talk func(e session.Event, send func(session.Command) error) error
	// Wrote is told what programs on nodes write that have no terminal, for they run in a virtual
	// machine; nil is not.
	Wrote func(text []byte)
}

// patience is how long people may look into a case.
const patience = 7 * 24 * time.Hour

// into makes job one that is looked into, with the files that its worker is handed.
func (l *Look) into(job *worker.Job, with *worker.Start) {
	if l == nil {
		return
	}
	job.Stops, job.Terminal, job.Timeout = l.At, len(l.Terminal), patience
	with.Files, with.Talk = append(slices.Clone(with.Files), l.Terminal...), l.Talk
}

// Run runs tasks, several side by side, and reports to sink. It returns early
// only if ctx ends or no worker can be started at all.
func Run(ctx context.Context, tasks []*task.Task, o Options, sink task.Sink) error {
	unlock, err := artifact.Claim(o.Out)
	if err != nil {
		return err
	}
	defer unlock()
	if o.Ready != nil {
		if err := o.Ready(); err != nil {
			return err
		}
	}
	p := load(o)
	if p != nil {
		defer p.Close()
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	cpus, err := schedule.Allowed()
	if err != nil {
		return err
	}
	var wg sync.WaitGroup
	r := &running{Options: o, probe: p, sink: sink, cpus: cpus, ended: map[*task.Task]session.Result{}}
	maps.Copy(r.ended, o.Ended)
	pace := schedule.NewPace(o.Parallel, cpus.Count())
	for _, t := range InTurn(tasks) {
		begin := pace.Begin
		if t.Case.Alone || t.Of != nil {
			begin = pace.Alone
		}
		if begin(ctx) != nil {
			break
		}
		if r.stopped() {
			pace.End(0)
			break
		}
		wg.Go(func() {
			res, err := r.task(ctx, t)
			if err != nil {
				cancel(err)
			}
			pace.End(res.Stalled)
		})
		if t.Case.Alone {
			wg.Wait() // nothing begins beside it
		}
	}
	wg.Wait()
	return context.Cause(ctx)
}

// InTurn puts tasks that run alone behind those that run side by side.
func InTurn(tasks []*task.Task) []*task.Task {
	out := slices.Clone(tasks)
	turn := func(t *task.Task) int {
		switch {
		case t.Of != nil: // what it compares has ended
			return 2
		case t.Case.Alone:
			return 1
		}
		return 0
	}
	slices.SortStableFunc(out, func(a, b *task.Task) int { return turn(a) - turn(b) })
	return out
}

// running is a run at work.
type running struct {
	Options
	probe *bpf.Probe
	cpus  *schedule.Processors
	mu    sync.Mutex // of sink, and of what ended
	ended map[*task.Task]session.Result
	sink  task.Sink
}

// stopped reports whether no case is to begin any more.
func (r *running) stopped() (stop bool) {
	if r.Stop != nil {
		r.tell(func() { stop = r.Stop() })
	}
	return stop
}

// tell runs f, which tells the sink something.
func (r *running) tell(f func()) {
	r.mu.Lock()
	defer r.mu.Unlock()
	f()
}

// task runs one task until a try is conclusive, and returns how it ended.
func (r *running) task(ctx context.Context, t *task.Task) (res session.Result, err error) {
	o, sink := r.Options, r.sink
	capture, err := artifact.Empty(o.Out, t)
	if err != nil { // of this case alone
		res = session.Result{Verdict: session.Errored, Why: err.Error(), Machine: files.Cannot(err)}
		r.tell(func() {
			sink.Begin(t)
			sink.End(t, res)
		})
		return res, nil
	}
	job := worker.Job{Name: t.File.Name, Text: []byte(t.File.Text), Case: []byte(t.Case.ID()), Seed: o.Seed,
		Capture: capture, Lualib: o.Lualib, Keep: o.Keep, KeepAll: o.KeepAll, Update: o.Update, Form: o.Form, Check: o.Check,
		Cure: t.Cure, Harmless: t.Harmless, Virtual: o.Virtual}
	if t.Of != nil {
		var why string
		if job.Compare, why = r.compared(t); why != "" {
			res = session.Result{Verdict: session.Skipped, Why: why}
			r.tell(func() {
				sink.Begin(t)
				sink.End(t, res)
			})
			return res, nil
		}
	}
	handed, release, err := listen(r.probe, &job)
	if err != nil {
		return res, err
	}
	defer release()
	set, give := r.cpus.Take(t.Case.CPUs)
	defer give()
	r.tell(func() { sink.Begin(t) })
	timeout := t.Case.Timeout
	if o.Timeout > 0 {
		timeout, job.Timeout = o.Timeout, o.Timeout
	}
	if o.Shake {
		t.Shaken = shakeSeed(t, o)
		job.Shake, job.Seed = t.Shaken, t.Shaken
		timeout += shake.Most
	}
	var events []session.Event
	runs := 0
	// once runs a job once; its events are kept in place of those before.
	once := func(job worker.Job) (session.Result, error) {
		events = nil
		runs++
		return machine.Run(ctx, t.Case.Machine, o.Say, func() (session.Result, error) {
			with := worker.Start{Files: handed, CPUs: set}
			o.Look.into(&job, &with)
			return worker.Run(ctx, job, with, max(timeout, job.Timeout), func(e session.Event) {
				if e.Kind == session.EventKept { // the lab waits for people
					r.tell(func() { flush(sink, t, append(events, e)) })
					events = nil
					return
				}
				events = append(events, e)
				if o.Live != nil {
					r.tell(func() { o.Live(t, runs, e) })
				}
			})
		})
	}
	conclusive := func() (res session.Result, err error) {
		for try := 1; ; try++ {
			if res, err = once(job); err != nil {
				return res, err
			}
			if res.Verdict != session.Inconclusive || try > o.Retries || o.Keep || o.Look != nil || ctx.Err() != nil {
				res.Tries = try
				return res, nil
			}
		}
	}
	if res, err = conclusive(); err != nil {
		return res, err
	}
	if res.Bad() && o.Retry > 0 && !o.Keep && o.Look == nil {
		if res, events, err = r.again(t, res, events, func() (session.Result, []session.Event, error) {
			res, err := conclusive()
			return res, events, err
		}); err != nil {
			return res, err
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
		if t.Case.Compares() {
			r.ended[t] = res
		}
		flush(sink, t, events)
		sink.End(t, res)
	})
	return res, nil
}

// compared are the results that a task compares, by what their cases are called; or why
// they cannot be.
func (r *running) compared(t *task.Task) (out map[string]map[string]any, why string) {
	out = map[string]map[string]any{}
	r.tell(func() {
		for _, of := range t.Of {
			res, ran := r.ended[of]
			switch {
			case !ran:
				why = of.Name() + " was not run"
			case res.Verdict != session.Passed:
				why = of.Name() + " was " + string(res.Verdict)
			}
			_, name, _ := strings.Cut(of.Case.ID(), "/")
			out[name] = res.Values
		}
	})
	if why != "" {
		return nil, "nothing to compare: " + why
	}
	return out, ""
}

// again runs a task that failed again until it passes. The capture of the run that failed
// is kept, and what happened in it is what people are told.
func (r *running) again(t *task.Task, failed session.Result, said []session.Event,
	run func() (session.Result, []session.Event, error)) (session.Result, []session.Event, error) {
	tries, lost := failed.Tries, 1
	_ = os.Rename(t.Capture(), t.FailedCapture()) // it may have made none
	res, events, err := failed, said, error(nil)
	for n := 0; n < r.Retry && err == nil; n++ {
		if res, events, err = run(); err != nil {
			break
		}
		tries += res.Tries
		if !res.Bad() {
			break
		}
		lost, said = lost+1, events
	}
	res.Tries = tries
	if res.Verdict == session.Passed {
		res.Lost = lost
		return res, said, err
	}
	res.Lost = lost - 1
	return res, events, err
}

// flush passes on what happened in a run that counts.
func flush(sink task.Sink, t *task.Task, events []session.Event) {
	for _, e := range events {
		sink.Event(t, e)
	}
}
