//go:build linux

package script

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/endpoint"
	"netrepro/engine/fault"
	"netrepro/engine/netns"
	"netrepro/engine/script/diag"
	"netrepro/engine/script/vm"
	"netrepro/engine/topo"
)

// run is one case at work. Its fields belong to whoever holds the lock of the
// interpreter.
type run struct {
	c       *Case
	vm      *vm.VM
	lab     *topo.Lab
	nodes   []*node
	faults  []fault.Handle
	emit    func(Event)
	started time.Time

	ca     *endpoint.CA
	keys   *keyLog
	taskEr error
	failed []failure
	judged bool // a trace was

	handlers bool // a listener starts tasks

	subjects []*expectation

	update bool
	golden func(name string) ([]byte, error)
}

// failure is an expectation that did not hold.
type failure struct {
	timed bool
	since time.Time
}

// errStopped ends a case after a must that failed.
var errStopped = errors.New("a must did not hold")

// quiet is how long the wires must be silent before a trace is judged: longer
// than the longest delayed acknowledgement that answers what was last seen
// (40 ms, TCP_DELACK_MIN of Linux).
const quiet = 50 * time.Millisecond

// stallThatMatters is a stall that can make TCP itself behave otherwise: a
// good part of its least retransmission timeout, 200 ms.
const stallThatMatters = 100 * time.Millisecond

// RunOptions say where a run puts things.
type RunOptions struct {
	Options
	Capture string // path of trace.pcapng; empty for none
	Own     bool   // the process has a network namespace of its own, for the engine
	Keep    bool   // a case that did not end as expected keeps its lab until the process ends
	Emit    func(Event)
	Update  bool // golden traces are written, not compared
	Form    bool // the normal form of the trace is reported
	// Golden reads the golden trace of a name; its error is fs.ErrNotExist if
	// there is none.
	Golden func(name string) ([]byte, error)
}

// Run runs one case of f in this process, which must be allowed to make
// network namespaces, and returns how it ended. The last event carries the
// same result.
func (f *File) Run(ctx context.Context, c *Case, o RunOptions) Result {
	r := &run{c: c, vm: f.vm, emit: o.Emit, started: time.Now(), update: o.Update, golden: o.Golden}
	if r.golden == nil {
		r.golden = func(string) ([]byte, error) { return nil, fs.ErrNotExist }
	}
	res := r.execute(ctx, o)
	res.Took = time.Since(r.started)
	r.event(Event{Kind: EventResult, Result: &res})
	if r.lab != nil {
		// Slow, and nobody's business: the kernel would do it anyway.
		_ = r.lab.Close()
	}
	return res
}

func (r *run) event(e Event) {
	e.At = time.Since(r.started)
	if r.emit != nil {
		r.emit(e)
	}
}

func (r *run) execute(ctx context.Context, o RunOptions) (res Result) {
	if missing := probe(r.c.Needs); missing != "" {
		return Result{Verdict: Skipped, Why: missing}
	}
	to := topo.Options{Capture: o.Capture, Comment: r.c.ID()}
	if o.Own {
		ns, err := netns.Here("engine")
		if err != nil {
			return r.setupError(err)
		}
		to.Engine = ns
	}
	lab, err := topo.Up(r.c.Plan, to)
	if err != nil {
		return r.setupError(err)
	}
	r.lab = lab
	r.event(Event{Kind: EventUp})
	r.keys = &keyLog{lab: lab}
	for _, n := range lab.Nodes {
		r.nodes = append(r.nodes, newNode(r, n))
	}
	stop := context.AfterFunc(ctx, func() { r.vm.Stop(context.Cause(ctx)) })
	defer stop()
	timer := time.AfterFunc(r.c.Timeout, func() {
		r.vm.Stop(fmt.Errorf("scenario timed out after %s: raise its timeout, or look for what it waits for", r.c.Timeout))
	})
	defer timer.Stop()
	err = r.play()
	res = r.judge(err)
	// Nothing after this belongs to the trace: closing sockets would add
	// resets that no script asked for.
	if lost, why := lab.Lost(); lost > 0 && (res.Verdict == Passed || res.Verdict == Failed) {
		res = Result{Verdict: Inconclusive, Why: fmt.Sprintf("the engine lost %d frames: %v", lost, why)}
	}
	res.Packets = len(lab.Trace.Packets())
	if o.Form && r.captured() {
		r.event(Event{Kind: EventForm, Text: r.form()})
	}
	_, res.Stalled = lab.Stalls.During(r.started)
	if o.Keep && res.Verdict != Passed {
		r.keep(ctx, res)
	}
	if err := r.close(); err != nil && res.Verdict == Passed {
		res.Verdict, res.Why = Errored, "clean up: "+err.Error()
	}
	return res
}

// keep reports the result and holds the lab until ctx ends.
func (r *run) keep(ctx context.Context, res Result) {
	e := Event{Kind: EventKept, Result: &res}
	for _, n := range r.nodes {
		e.Nodes = append(e.Nodes, NodeDesc{n.Name, n.NS.Fd()})
	}
	r.event(e)
	<-ctx.Done()
}

// play runs the script's function and the tasks it left behind.
func (r *run) play() error {
	r.vm.Data, r.vm.Running = r, true
	r.vm.OnTaskError(func(err error) {
		if r.taskEr == nil && context.Cause(r.vm.Context()) == nil {
			r.taskEr = err
			r.vm.Stop(err)
		}
	})
	var netObj, v lua.LValue
	r.vm.Enter(func() { netObj, v = r.vm.New(netClass, r), r.vm.New(params, r.c) })
	err := r.vm.Call(r.c.run, netObj, v)
	if err == nil {
		r.finish()
	}
	r.vm.Enter(func() {
		if r.taskEr != nil {
			err = r.taskEr
		}
	})
	return err
}

// finish lets the tasks that run left behind come to their end, or to where
// only the network could move them on and the wires are idle.
func (r *run) finish() {
	for before := -1; r.vm.Context().Err() == nil; {
		r.vm.Quiesce()
		seen := len(r.lab.Trace.Packets())
		if !r.handlers || seen == before {
			return
		}
		// A connection that is still on its way will start a handler.
		before = seen
		if r.lab.Relay.WaitIdle(r.vm.Context(), quiet) != nil {
			return
		}
	}
}

// captured reports whether any wire is.
func (r *run) captured() bool {
	return slices.ContainsFunc(r.c.Plan.Wires, func(w *topo.WirePlan) bool { return !w.Direct })
}

// judge turns how the script ended into a verdict.
func (r *run) judge(err error) Result {
	if bug := r.vm.Bug(); bug != nil {
		return Result{Verdict: Errored, Why: bug.Error()}
	}
	if err != nil && !errors.Is(err, errStopped) {
		var de *diag.Error
		why := err.Error()
		if errors.As(err, &de) {
			why = de.Render()
		}
		return Result{Verdict: Errored, Why: why}
	}
	if err == nil {
		if i := slices.IndexFunc(r.subjects, func(e *expectation) bool { return !*e.done }); i >= 0 {
			e := r.subjects[i]
			return Result{Verdict: Errored, Why: r.vm.At(e.where, e.line, "", "what is expected is not said here", `follow it by a verb: expect(x):equals(1)`).Render()}
		}
		r.unused()
	}
	if r.judged && r.lab.Trace.Truncated() {
		return Result{Verdict: Inconclusive, Why: "more packets than a trace keeps: judge a shorter exchange, or use a direct wire for volume"}
	}
	if len(r.failed) == 0 {
		return Result{Verdict: Passed}
	}
	if why := r.excused(); why != "" {
		return Result{Verdict: Inconclusive, Why: why}
	}
	return Result{Verdict: Failed}
}

// unused fails the case for every fault that had to fire and did not.
func (r *run) unused() {
	idle := func(f fault.Handle) bool { n, err := f.Idle(); return n || err != nil }
	if slices.ContainsFunc(r.faults, idle) {
		_ = r.lab.Relay.WaitIdle(r.vm.Context(), quiet) // it may be about to
	}
	for _, f := range r.faults {
		idle, err := f.Idle()
		text := fmt.Sprintf("%s never fired", f)
		if err != nil {
			text = fmt.Sprintf("%s: %v", f, err)
		} else if !idle {
			continue
		}
		where := fmt.Sprintf("%s:%d", r.c.File, f.Line())
		r.failed = append(r.failed, failure{since: r.started})
		r.event(Event{Kind: EventFault, Text: text, Where: where, Label: "say optional = true if that is meant"})
	}
}

// excused says why the failures prove nothing: the host was stalled while a
// time bound ran, or for so long that TCP itself may have acted on it. It is
// empty if they stand.
func (r *run) excused() string {
	for _, f := range r.failed {
		total, longest := r.lab.Stalls.During(f.since)
		if longest >= stallThatMatters || f.timed && total > 0 {
			continue
		}
		return ""
	}
	_, longest := r.lab.Stalls.During(r.started)
	return fmt.Sprintf("the host stalled for %s while this ran", longest.Round(time.Millisecond))
}

// setupError is an error of making the lab.
func (r *run) setupError(err error) Result {
	var te *topo.Error
	if errors.As(err, &te) {
		return Result{Verdict: Errored, Why: r.vm.At(r.c.File, te.Line, te.Word, te.Msg, te.Hint).Render()}
	}
	return Result{Verdict: Errored, Why: "set up lab: " + err.Error()}
}

func (r *run) close() error {
	var errs []error
	errs = append(errs, r.lab.Finish())
	r.vm.Stop(errors.New("the case has ended"))
	for _, n := range r.nodes {
		errs = append(errs, n.close())
	}
	r.vm.Wait()
	return errors.Join(errs...)
}

// settle waits until the wires are idle.
func (r *run) settle() {
	r.vm.Block(func() { _ = r.lab.Relay.WaitIdle(r.vm.Context(), quiet) })
}

// authority is the case's CA, made when first needed.
func (r *run) authority() (*endpoint.CA, error) {
	if r.ca == nil {
		ca, err := endpoint.NewCA()
		if err != nil {
			return nil, err
		}
		r.ca = ca
	}
	return r.ca, nil
}

// keyLog writes TLS key log lines into the capture, each once: client and
// server have the same.
type keyLog struct {
	lab  *topo.Lab
	mu   sync.Mutex
	seen map[string]bool
}

// Write implements io.Writer; crypto/tls calls it with one line at a time.
func (k *keyLog) Write(line []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.seen[string(line)] {
		if k.seen == nil {
			k.seen = map[string]bool{}
		}
		k.seen[string(line)] = true
		k.lab.Secrets(line)
	}
	return len(line), nil
}
