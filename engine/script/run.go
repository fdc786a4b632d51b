//go:build linux

package script

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/capture"
	"netrepro/engine/kernel"
	"netrepro/engine/kernel/bpf"
	"netrepro/engine/lab"
	"netrepro/engine/lab/fault"
	"netrepro/engine/lab/netns"
	"netrepro/engine/lab/stall"
	"netrepro/engine/lab/topology"
	"netrepro/engine/lab/topology/plan"
	"netrepro/engine/script/bind/expect"
	bindfault "netrepro/engine/script/bind/fault"
	"netrepro/engine/script/bind/path"
	"netrepro/engine/script/diag"
	"netrepro/engine/script/session"
	"netrepro/engine/script/shake"
	"netrepro/engine/script/vm"
)

// run is one case at work.
type run struct {
	session.Run
	c       *Case
	capture string // path of its capture, empty for none
	taskEr  error
}

// RunOptions say where a run puts things.
type RunOptions struct {
	Options
	Capture string // path of trace.pcapng; empty for none
	Own     bool   // the process has a network namespace of its own, for the engine
	Keep    bool   // a case that did not end as expected keeps its lab until the process ends
	Emit    func(session.Event)
	Update  bool // golden traces are written, not compared
	Form    bool // the normal form of the trace is reported
	// Shake is the seed of pauses where the script may be late, 0 for none, and
	// ShakeOnly are the places that they are made at, nil for all.
	Shake     uint64
	ShakeOnly []string
	Check     bool // the capture must say of every packet what the trace does
	// Harmless has every fault that the script makes do nothing: what a
	// scenario shows must then be gone.
	Harmless bool
	// Ring takes what the kernel says of resets and drops; nil if it cannot be
	// asked. It belongs to the run.
	Ring *bpf.Ring
	// Golden reads the golden trace of a name; its error is fs.ErrNotExist if
	// there is none.
	Golden func(name string) ([]byte, error)
}

// Run runs one case of f in this process, which must be allowed to make
// network namespaces, and returns how it ended. The last event carries the
// same result.
func (f *File) Run(ctx context.Context, c *Case, o RunOptions) session.Result {
	r := &run{c: c, capture: o.Capture, Run: session.Run{VM: f.vm, Plan: c.Plan, Emit: o.Emit, Started: time.Now(), Update: o.Update, Golden: o.Golden,
		Harmless: o.Harmless, Taken: map[string]bool{}, Resolve: path.Resolver, Delays: map[*plan.Wire]time.Duration{}, Rated: map[*plan.Wire]bool{}}}
	if o.Capture != "" {
		r.Artifacts = filepath.Dir(o.Capture)
	}
	if r.Golden == nil {
		r.Golden = func(string) ([]byte, error) { return nil, fs.ErrNotExist }
	}
	res := r.watched(ctx, o)
	res.Took = time.Since(r.Started)
	r.Event(session.Event{Kind: session.EventResult, Result: &res})
	if r.Lab != nil {
		// Slow, and nobody's business: the kernel would do it anyway.
		_ = r.Lab.Close()
	}
	return res
}

// unwind is how long a case has to come to its end when its time is up, before
// it is ended as it stands: less than whoever started the process waits.
const unwind = time.Second

// watched is execute, unless the script is still in a function of Lua's library
// when its time is long up: nothing can stop that but the end of the process.
func (r *run) watched(ctx context.Context, o RunOptions) session.Result {
	ended := make(chan session.Result, 1)
	go func() { ended <- r.execute(ctx, o) }()
	for {
		select {
		case res := <-ended:
			return res
		case <-r.VM.Context().Done():
		}
		select {
		case res := <-ended:
			return res
		case <-time.After(unwind):
		}
		if err := r.VM.Stuck(context.Cause(r.VM.Context()).Error()); err != nil {
			r.Lab = nil // what holds it goes on
			return errored(err)
		}
	}
}

// errored is the result of a case that err ended.
func errored(err error) session.Result {
	why := err.Error()
	var de *diag.Error
	if errors.As(err, &de) {
		why = de.Render()
	}
	return session.Result{Verdict: session.Errored, Why: why}
}

func (r *run) execute(ctx context.Context, o RunOptions) (res session.Result) {
	if missing := lacking(r.c.Needs, o); missing != "" {
		return session.Result{Verdict: session.Skipped, Why: missing}
	}
	to := lab.Options{Capture: o.Capture, Comment: r.c.ID(), Seed: r.VM.Seed}
	if o.Own {
		ns, err := netns.Here("engine")
		if err != nil {
			return r.setupError(err)
		}
		to.Engine = ns
	}
	lab, err := lab.Up(r.c.Plan, to)
	if err != nil {
		return r.setupError(err)
	}
	r.Lab = lab
	bindfault.Equip(&r.Run)
	r.Event(session.Event{Kind: session.EventUp})
	r.Keys = &session.KeyLog{Lab: lab}
	for _, n := range lab.Nodes {
		r.Nodes = append(r.Nodes, session.NewNode(&r.Run, n))
	}
	if o.Shake != 0 {
		r.Shaker = shake.New(o.Shake, o.ShakeOnly)
		r.VM.Late = func(place string) { r.Shaker.Pause(r.VM.Context(), place) }
	}
	if err := r.witness(o.Ring); err != nil {
		return r.setupError(err)
	}
	stop := context.AfterFunc(ctx, func() { r.VM.Stop(context.Cause(ctx)) })
	defer stop()
	timeout := r.c.Timeout
	if o.Shake != 0 {
		timeout += shake.Most
	}
	timer := time.AfterFunc(timeout, func() {
		r.VM.Stop(r.timedOut())
	})
	defer timer.Stop()
	err = r.play()
	res = r.judge(err)
	// Nothing after this belongs to the trace: closing sockets would add
	// resets that no script asked for.
	if lost, why := lab.Lost(); lost > 0 && (res.Verdict == session.Passed || res.Verdict == session.Failed) {
		res = session.Result{Verdict: session.Inconclusive, Why: fmt.Sprintf("the engine lost %d frames: %v", lost, why)}
	}
	deaf := false
	if r.Witness != nil {
		if _, lost, _ := r.Witness.Events(); lost > 0 { // an error is one of whatever asked
			deaf = true
			why := fmt.Sprintf("%d events of the kernel's were lost: nothing follows from one that is missing", lost)
			if res.Verdict == session.Failed {
				res = session.Result{Verdict: session.Inconclusive, Why: why}
			} else {
				r.Event(session.Event{Kind: session.EventLog, Text: why})
			}
		}
	}
	res.Packets, res.Spared = len(lab.Trace.Packets()), r.Spared
	if o.Form && r.Captured() && !deaf {
		// What is on its way belongs to it, whether or not the script waited.
		_ = lab.Relay.WaitIdle(ctx, session.Quiet)
		r.WaitHeard()
		r.Event(session.Event{Kind: session.EventForm, Text: expect.Form(&r.Run)})
	}
	res.Paused = r.Shaker.Places()
	_, res.Stalled = lab.Stalls.During(lab.Trace.Start)
	if o.Keep && res.Verdict != session.Passed {
		r.keep(ctx, res)
	}
	err = r.finishCapture(o.Check)
	if err := errors.Join(err, r.close()); err != nil {
		res.Also("clean up: " + err.Error())
	}
	return res
}

// finishCapture ends the capture, and has it say what the trace does.
func (r *run) finishCapture(check bool) error {
	err := errors.Join(r.Lab.Finish(), r.annotate())
	if err == nil && check {
		err = r.check()
	}
	return err
}

// witness lets the kernel be asked.
func (r *run) witness(ring *bpf.Ring) error {
	if ring == nil {
		return nil
	}
	var nodes []*netns.NS
	for _, n := range r.Nodes {
		nodes = append(nodes, n.NS)
	}
	w, err := kernel.Watch(ring, r.Lab.Trace.Start, nodes)
	if err != nil {
		return errors.Join(err, ring.Close())
	}
	r.Witness = w
	if r.Shaker != nil {
		w.HoldBack(func(e *kernel.Event) time.Duration {
			return r.Shaker.Length(fmt.Sprintf("what the kernel of %s says of a %s", e.Node, e.Kind))
		})
	}
	r.Lab.Trace.Ask(w)
	return nil
}

// maxAnnotated is how many packets a trace has at most that its capture is written
// again for: whoever waits for the result does not wait longer than a second or so.
const maxAnnotated = 1 << 17

// annotate writes what the kernels said into the capture: the file then says what
// the trace did.
func (r *run) annotate() error {
	if r.Witness == nil || r.capture == "" || len(r.Lab.Trace.Packets()) > maxAnnotated {
		return nil
	}
	rs := r.Lab.Trace.Findings()
	said := map[int][]string{}
	for _, rec := range rs {
		if c := capture.Comments(&rec.Input); len(c) > 0 {
			said[rec.N] = c
		}
	}
	if len(said) == 0 {
		return nil
	}
	return capture.Annotate(context.Background(), r.capture, func(n int) []string { return said[n] })
}

// keep reports the result and holds the lab until ctx ends.
func (r *run) keep(ctx context.Context, res session.Result) {
	e := session.Event{Kind: session.EventKept, Result: &res}
	for _, n := range r.Nodes {
		e.Nodes = append(e.Nodes, session.NodeDesc{Name: n.Name, Fd: n.NS.Fd()})
	}
	r.Event(e)
	<-ctx.Done()
}

// play runs the script's function and the tasks it left behind.
func (r *run) play() error {
	release := guardMemory(r.VM, func() uint64 { return caseMemory + packetMemory*uint64(len(r.Lab.Trace.Packets())) })
	defer release()
	r.VM.Data, r.VM.Running = &r.Run, true
	r.VM.OnTaskError(func(err error) {
		if r.taskEr == nil && context.Cause(r.VM.Context()) == nil {
			r.taskEr = err
			r.VM.Stop(err)
		}
	})
	var netObj, v lua.LValue
	r.VM.Enter(func() { netObj, v = r.VM.New(netClass, &r.Run), r.VM.New(params, r.c) })
	err := r.VM.Call(r.c.run, netObj, v)
	if err == nil {
		r.settle()
	}
	left := r.VM.Finish(err == nil || r.VM.Context().Err() != nil)
	stopped := context.Cause(r.VM.Context())
	switch {
	case r.taskEr != nil:
		return r.taskEr
	case stopped == nil:
		return err
	}
	if cut := r.VM.Cut(); cut != nil {
		return cut
	}
	if err == nil && len(left) == 0 {
		return stopped // it ended, and the wires did not come to rest
	}
	if err == nil && !r.overdue() {
		return r.VM.At(left[0].AtFile, left[0].AtLine, "", stopped.Error(), "")
	}
	for _, t := range left {
		if r.overdue() {
			r.unended(t)
		}
	}
	return err
}

// overdue reports whether the case's time was up before it had ended.
func (r *run) overdue() bool { return errors.Is(context.Cause(r.VM.Context()), errOverdue) }

// errOverdue is what ends a case whose time is up.
var errOverdue = errors.New("scenario timed out")

// timedOut says why the case took too long.
func (r *run) timedOut() error {
	const loop = time.Second // is longer than an exchange goes on without a pause
	if since, pace := r.pace(); since >= min(loop, r.c.Timeout/2) && pace > 0 {
		return fmt.Errorf("%w after %s: the wires never went idle, %d packets a second for the last %.1fs: look for switches in a loop, or boxes that answer each other",
			errOverdue, r.c.Timeout, pace, since.Seconds())
	}
	return fmt.Errorf("%w after %s: raise its timeout, or look for what it waits for", errOverdue, r.c.Timeout)
}

// pace is for how long the wires have not paused, and how many packets a second
// went over them. The relay cannot tell while it stands in a function of the
// script's, which nothing stops before the case is.
func (r *run) pace() (since time.Duration, perSecond int) {
	const most = 100 * time.Millisecond
	told := make(chan struct{})
	var s time.Duration
	var n int
	go func() {
		s, n = r.Lab.Relay.Busy()
		close(told)
	}()
	select {
	case <-told:
		return s, n
	case <-time.After(most):
		return 0, 0
	}
}

// unended fails the case for a task that had not ended when its time was up.
func (r *run) unended(t *vm.Task) {
	at := fmt.Sprintf("%s:%d", t.AtFile, t.AtLine)
	if t.Verb != "" {
		at += ", in " + t.Verb
	}
	r.Failed = append(r.Failed, session.Failure{Since: r.Started})
	r.Event(session.Event{Kind: session.EventTask, Where: fmt.Sprintf("%s:%d", t.File, t.Line),
		Text:  fmt.Sprintf("this %s had not ended when the case's time was up, after %s: it stands at %s", t.What, r.c.Timeout, at),
		Label: "raise the timeout, look for what it waits for, or say background = true if it need not end"})
}

// settle waits until the tasks that run left behind have ended.
func (r *run) settle() {
	for before := -1; r.VM.Context().Err() == nil; {
		r.VM.Join()
		seen := len(r.Lab.Trace.Packets())
		if !r.Handlers || seen == before {
			return
		}
		// A connection that is still on its way will start a handler.
		before = seen
		if r.Lab.Relay.WaitIdle(r.VM.Context(), session.Quiet) != nil {
			return
		}
	}
}

// judge turns how the script ended into a verdict.
func (r *run) judge(err error) session.Result {
	if bug := r.VM.Bug(); bug != nil {
		return session.Result{Verdict: session.Errored, Why: bug.Error()}
	}
	if err != nil && !errors.Is(err, session.ErrStopped) {
		return errored(err)
	}
	for _, f := range r.Faults {
		if err := f.Err(); err != nil {
			return session.Result{Verdict: session.Errored, Why: r.cannot(f, err)}
		}
	}
	if err == nil && !r.overdue() {
		if i := slices.IndexFunc(r.Subjects, func(e *session.Subject) bool { return !e.Done }); i >= 0 {
			e := r.Subjects[i]
			return session.Result{Verdict: session.Errored, Why: r.VM.At(e.File, e.Line, "", "what is expected is not said here", `follow it by a verb: expect(x):equals(1)`).Render()}
		}
		r.unused()
	}
	if r.Judged && r.Lab.Trace.Truncated() {
		return session.Result{Verdict: session.Inconclusive, Why: "more packets than a trace keeps: judge a shorter exchange, or use a direct wire for volume"}
	}
	if len(r.Failed) == 0 {
		return session.Result{Verdict: session.Passed}
	}
	if why, paused := r.excused(); paused {
		return session.Result{Verdict: session.Passed} // how long things take is not what is tried
	} else if why != "" {
		return session.Result{Verdict: session.Inconclusive, Why: why}
	}
	return session.Result{Verdict: session.Failed}
}

// cannot says what a fault could not do, at its place in the script.
func (r *run) cannot(f fault.Handle, err error) string {
	var de *diag.Error
	if errors.As(err, &de) {
		return de.Render()
	}
	return r.VM.At(r.c.File, f.Line(), "", fmt.Sprintf("%s: %v", f, err), "match only packets that it can be done to").Render()
}

// unused fails the case for every fault that had to fire and did not.
func (r *run) unused() {
	if r.Harmless {
		return
	}
	idle := func(f fault.Handle) bool { n, err := f.Idle(); return n || err != nil }
	if slices.ContainsFunc(r.Faults, idle) {
		_ = r.Lab.Relay.WaitIdle(r.VM.Context(), session.Quiet) // it may be about to
	}
	for _, f := range r.Faults {
		idle, err := f.Idle()
		text := fmt.Sprintf("%s never fired", f)
		if err != nil {
			text = fmt.Sprintf("%s: %v", f, err)
		} else if !idle {
			continue
		}
		where := fmt.Sprintf("%s:%d", r.c.File, f.Line())
		r.Failed = append(r.Failed, session.Failure{Since: r.Started})
		r.Event(session.Event{Kind: session.EventFault, Text: text, Where: where, Label: "say optional = true if that is meant"})
	}
}

// starves is of how much of a case's time, one part in so many, the host may stall
// it in many short stalls before that is as good as one long.
const starves = 4

// excused says why the failures prove nothing: the host was stalled while a
// time bound ran, or for so long that TCP itself may have acted on it. It is
// empty if they stand. paused says that all are time bounds that a pause of the
// run's own made late.
func (r *run) excused() (why string, paused bool) {
	paused = true
	for _, f := range r.Failed {
		total, longest := r.Lab.Stalls.During(f.Since)
		pause := f.Timed && r.Shaker.Since(f.Since)
		starved := total > time.Since(f.Since)/starves
		if longest < stall.Matters && !starved && (!f.Timed || total == 0) && !pause {
			return "", false
		}
		paused = paused && pause
	}
	total, longest := r.Lab.Stalls.During(r.Started)
	return fmt.Sprintf("the host stalled for %s while this ran, %s in all", longest.Round(time.Millisecond), total.Round(time.Millisecond)), paused
}

// setupError is an error of making the lab.
func (r *run) setupError(err error) session.Result {
	var te *topology.Error
	if errors.As(err, &te) {
		return session.Result{Verdict: session.Errored, Why: r.VM.At(r.c.File, te.Line, te.Word, te.Msg, te.Hint).Render()}
	}
	return session.Result{Verdict: session.Errored, Why: "set up lab: " + err.Error()}
}

func (r *run) close() error {
	var errs []error
	r.VM.Stop(errors.New("the case has ended"))
	for _, n := range r.Nodes {
		errs = append(errs, n.Close())
	}
	r.VM.Wait()
	if r.Witness != nil {
		errs = append(errs, r.Witness.Close())
	}
	return errors.Join(errs...)
}
