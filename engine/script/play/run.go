//go:build linux

// Package play is one case at work: its lab goes up, the script's function runs, and
// what came of it is judged.
package play

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/files"
	"netrepro/engine/kernel"
	"netrepro/engine/kernel/bpf"
	"netrepro/engine/lab"
	"netrepro/engine/lab/netns"
	"netrepro/engine/lab/node"
	"netrepro/engine/lab/topology"
	"netrepro/engine/lab/topology/plan"
	"netrepro/engine/script/bind/expect"
	bindfault "netrepro/engine/script/bind/fault"
	bindkernel "netrepro/engine/script/bind/kernel"
	"netrepro/engine/script/bind/path"
	"netrepro/engine/script/bind/process"
	"netrepro/engine/script/bind/socket"
	"netrepro/engine/script/diag"
	"netrepro/engine/script/memory"
	"netrepro/engine/script/need"
	"netrepro/engine/script/prompt"
	"netrepro/engine/script/session"
	"netrepro/engine/script/shake"
	"netrepro/engine/script/vm"
)

// Case is a case to be played.
type Case struct {
	ID      string // names it, in its capture
	File    string // of its scenario
	Needs   []string
	Timeout time.Duration
	Memory  int // what it may hold, in bytes; 0 is the usual
	Plan    *plan.Plan
	// Body is the script's function, and Args makes what it is called with, under the
	// lock of the interpreter.
	Body *lua.LFunction
	Args func(*session.Run) []lua.LValue
	// Returns says that what it returns is wanted.
	Returns bool
}

// run is one case at work.
type run struct {
	*session.Run
	c       Case
	capture string          // path of its capture, empty for none
	witness *kernel.Witness // nil if the kernel cannot be asked
	taskEr  error
	// returned is what the script's function did, if that is wanted.
	returned map[string]any
	// Since the case began: when its lab was up, and when the script had ended. They are
	// read when nothing of the case goes on.
	up, played time.Duration
	look       *Live // nil if nobody looks into it
	prompt     *prompt.Prompt
}

// Options say how a case is played and where it puts things.
type Options struct {
	Capture string // path of trace.pcapng; empty for none
	Own     bool   // the process has a network namespace of its own, for the engine
	Keep    bool   // a case that did not end as expected keeps its lab until the process ends
	KeepAll bool   // so does one that did
	Emit    func(session.Event)
	Update  bool // golden traces are written, not compared
	Form    bool // the normal form of the trace is reported
	// Shake is the seed of pauses where the script may be late, 0 for none, and
	// ShakeOnly are the places that they are made at, nil for all.
	Shake     uint64
	ShakeOnly []string
	Check     bool // the capture must say of every packet what the trace does
	// Virtual says that time passes as work is done, as in a virtual machine that waits
	// for nothing: no host can stall it, and what would look every few milliseconds whether
	// it did would be all that costs time.
	Virtual bool
	// Harmless has every fault that the script makes do nothing: what a
	// scenario shows must then be gone.
	Harmless bool
	// Ring takes what the kernel says of resets and drops; nil if it cannot be
	// asked. It belongs to the run.
	Ring *bpf.Ring
	Live *Live // where the case stands still for people; nil nowhere
	// Golden reads the golden trace of a name; its error is fs.ErrNotExist if
	// there is none.
	Golden func(name string) ([]byte, error)
}

// Run plays c with the interpreter m in this process, which must be allowed to make
// network namespaces, and returns how it ended. The last event carries the
// same result.
func Run(ctx context.Context, m *vm.VM, c Case, o Options) session.Result {
	r := &run{c: c, capture: o.Capture, Run: &session.Run{VM: m, Plan: c.Plan, Emit: o.Emit, Started: time.Now(),
		Faults: session.Faults{Harmless: o.Harmless}}}
	places := process.Places{ResolvConf: path.ResolvConf}
	if o.Capture != "" {
		places.Artifacts = filepath.Dir(o.Capture)
	}
	process.Set(r.Run, places)
	expect.SetGolden(r.Run, expect.Golden{Update: o.Update, Read: o.Golden})
	res := r.watched(ctx, o)
	if res.Took == 0 {
		res.Took = time.Since(r.Started)
	}
	res.Values = r.returned
	if r.played > 0 {
		res.SetUp, res.Waited, res.Analysed = r.up, m.Waited(), max(res.Took-r.played, 0)
	}
	r.Event(session.Event{Kind: session.EventResult, Result: &res})
	if r.Lab != nil {
		// Slow, and nobody's business: the kernel would do it anyway.
		_ = r.Lab.Close()
	}
	return res
}

// caseMemory is what a case may hold, packetMemory how much more for each packet of
// its trace.
const caseMemory, packetMemory = 256 << 20, 1 << 10

// watched is execute, unless the script is still in a function of Lua's library
// when its time is long up.
func (r *run) watched(ctx context.Context, o Options) session.Result {
	var res session.Result
	if err := r.VM.Watch(func() { res = r.execute(ctx, o) }); err != nil {
		r.Lab = nil // what holds it goes on
		return errored(err)
	}
	return res
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

func (r *run) execute(ctx context.Context, o Options) (res session.Result) {
	if missing := need.Lacking(r.c.Needs, need.Machine{Ring: o.Ring, Virtual: o.Virtual}); missing != "" {
		return session.Result{Verdict: session.Skipped, Why: missing}
	}
	to := lab.Options{Capture: o.Capture, Comment: r.c.ID, Seed: r.VM.Seed, Virtual: o.Virtual}
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
	bindfault.Equip(r.Run)
	r.up = time.Since(r.Started)
	r.Event(session.Event{Kind: session.EventUp, Began: r.Started.UnixNano()})
	for _, n := range lab.Nodes {
		r.Nodes = append(r.Nodes, session.NewNode(r.Run, n))
	}
	if o.Shake != 0 {
		r.Shaker = shake.New(o.Shake, o.ShakeOnly)
		r.VM.Late = func(place string) { r.Shaker.Pause(r.VM.Context(), place) }
	}
	if err := r.listen(o.Ring); err != nil {
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
	err = r.play(o.Virtual, o.Live)
	r.played = time.Since(r.Started)
	res = r.judge(err)
	// Nothing after this belongs to the trace: closing sockets would add
	// resets that no script asked for.
	if lost, why := lab.Lost(); lost > 0 && (res.Verdict == session.Passed || res.Verdict == session.Failed) {
		res = session.Result{Verdict: session.Inconclusive,
			Why: fmt.Sprintf("the engine lost %d frames: %v", lost, why)}
	}
	deaf := false
	if r.witness != nil {
		if _, lost, _ := r.witness.Events(); lost > 0 { // an error is one of whatever asked
			deaf = true
			why := fmt.Sprintf("%d events of the kernel's were lost: nothing follows from one that is missing", lost)
			if res.Verdict == session.Failed {
				res = session.Result{Verdict: session.Inconclusive, Why: why}
			} else {
				r.Event(session.Event{Kind: session.EventLog, Text: why})
			}
		}
	}
	res.Packets, res.Spared = len(lab.Trace.Packets()), r.Faults.Spared()
	if o.Form && r.Captured() && !deaf {
		// What is on its way belongs to it, whether or not the script waited.
		_ = lab.Relay.WaitIdle(ctx, session.Quiet)
		r.WaitHeard()
		r.Event(session.Event{Kind: session.EventForm, Text: expect.Form(r.Run)})
	}
	res.Paused = r.Shaker.Places()
	_, res.Stalled = lab.Stalls.During(lab.Trace.Start)
	if o.KeepAll || o.Keep && res.Verdict != session.Passed {
		res.Took = time.Since(r.Started) // people take their own time
		r.keep(ctx, res)
	}
	judged := res
	r.Event(session.Event{Kind: session.EventJudged, Result: &judged})
	err = errors.Join(r.keepState(res), r.finishCapture(o.Check))
	if err := errors.Join(err, r.close()); err != nil {
		res.Also("clean up: " + err.Error())
		res.Machine = files.Cannot(err)
	}
	return res
}

// listen lets the kernel be asked.
func (r *run) listen(ring *bpf.Ring) error {
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
	r.witness = w
	bindkernel.Ask(r.Run, w)
	if r.Shaker != nil {
		w.HoldBack(func(e *kernel.Event) time.Duration {
			return r.Shaker.Length(fmt.Sprintf("what the kernel of %s says of a %s", e.Node, e.Kind))
		})
	}
	r.Lab.Trace.Ask(w)
	return nil
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
func (r *run) play(virtual bool, look *Live) error {
	rest := time.Duration(0)
	if virtual {
		rest = time.Minute
	}
	release := memory.Guard(r.VM, rest, func() uint64 {
		return cmp.Or(uint64(r.c.Memory), caseMemory) + packetMemory*uint64(len(r.Lab.Trace.Packets()))
	})
	defer release()
	r.VM.Data, r.VM.Running = r.Run, true
	r.VM.OnTaskError(func(err error) {
		if r.taskEr == nil && context.Cause(r.VM.Context()) == nil {
			r.taskEr = err
			r.VM.Stop(err)
		}
	})
	var args []lua.LValue
	r.VM.Enter(func() { args = r.c.Args(r.Run) })
	r.live(look, args)
	r.stand(session.StopBefore, "the lab is up")
	returned, err := r.VM.CallFor(r.c.Body, args...)
	if err == nil && r.c.Returns {
		r.VM.Enter(func() { r.returned, err = plain(returned) })
	}
	if err == nil {
		r.settle()
	}
	r.ended(err)
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
	if hogged := r.VM.Hogged(); hogged != nil && r.overdue() {
		err = hogged
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

// settle waits until the tasks that run left behind have ended.
func (r *run) settle() {
	for before := -1; r.VM.Context().Err() == nil; {
		r.VM.Join()
		seen := len(r.Lab.Trace.Packets())
		if !socket.Handles(r.Run) || seen == before {
			return
		}
		// A connection that is still on its way will start a handler.
		before = seen
		if r.Lab.Relay.WaitIdle(r.VM.Context(), session.Quiet) != nil {
			return
		}
	}
}

// setupError is an error of making the lab.
func (r *run) setupError(err error) session.Result {
	var te *topology.Error
	if errors.As(err, &te) {
		return session.Result{Verdict: session.Errored,
			Why: r.VM.At(r.c.File, te.Line, te.Word, te.Msg, te.Hint).Render()}
	}
	if errors.Is(err, node.ErrLate) {
		return session.Result{Verdict: session.Inconclusive, Why: "set up lab: " + err.Error()}
	}
	return session.Result{Verdict: session.Errored, Why: "set up lab: " + err.Error(), Machine: files.Cannot(err)}
}

func (r *run) close() error {
	var errs []error
	r.VM.Stop(errors.New("the case has ended"))
	for _, n := range r.Nodes {
		errs = append(errs, n.Close())
	}
	r.VM.Wait()
	if r.witness != nil {
		errs = append(errs, r.witness.Close())
	}
	return errors.Join(errs...)
}
