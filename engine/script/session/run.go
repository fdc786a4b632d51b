//go:build linux

package session

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/pki"
	"netrepro/engine/host/socket"
	"netrepro/engine/kernel"
	"netrepro/engine/lab"
	"netrepro/engine/lab/fault"
	"netrepro/engine/lab/topology/plan"
	"netrepro/engine/script/args"
	"netrepro/engine/script/shake"
	"netrepro/engine/script/vm"
)

// Run is one case at work. Its fields belong to whoever holds the lock of the
// interpreter.
type Run struct {
	VM      *vm.VM
	Plan    *plan.Plan
	Lab     *lab.Lab
	Nodes   []*Node
	Emit    func(Event)
	Started time.Time
	Keys    *KeyLog

	Faults   []fault.Handle // those that are missed if they never fire
	Subjects []*Subject     // what expect and must were given
	Failed   []Failure      // expectations that did not hold
	Judged   bool           // a trace was
	Handlers bool           // a listener starts tasks

	Artifacts string          // directory of what the case leaves; empty for none
	Taken     map[string]bool // directories of programs
	Resolve   func(*Node) (string, error)
	// NameServer is the node whose name server programs ask, nil if there is
	// none.
	NameServer *Node
	Probes     int // how many were made

	Update bool // golden traces are written, not compared
	Golden func(name string) ([]byte, error)

	Witness *kernel.Witness // nil if the kernel cannot be asked
	Shaker  *shake.Shaker   // nil if no pauses are made

	// Harmless has every fault do nothing; Spared is how many there were.
	Harmless bool
	Spared   int

	Tables int                          // routing tables that verbs have taken
	Delays map[*plan.Wire]time.Duration // of wires whose delay was changed
	Rated  map[*plan.Wire]bool          // wires that were given a rate

	ca    *pki.CA
	drawn uint64
}

// Failure is an expectation that did not hold.
type Failure struct {
	Timed bool
	Since time.Time
}

// Subject is what an expectation is about, until a verb judges it.
type Subject struct {
	File string
	Line int
	Done bool
}

// ErrStopped ends a case after a must that failed.
var ErrStopped = errors.New("a must did not hold")

// Quiet is how long the wires must be silent before a trace is judged: longer
// than the longest delayed acknowledgement that answers what was last seen
// (40 ms, TCP_DELACK_MIN of Linux).
const Quiet = 50 * time.Millisecond

// Of is the run a verb belongs to.
func Of(c *vm.Call) *Run { return c.VM.Data.(*Run) }

// Event reports that something happened.
func (r *Run) Event(e Event) {
	e.At = time.Since(r.Started)
	if r.Emit != nil {
		r.Emit(e)
	}
}

// Node is the node of that name, nil if there is none.
func (r *Run) Node(name string) *Node {
	i := slices.IndexFunc(r.Nodes, func(n *Node) bool { return n.Name == name })
	if i < 0 {
		return nil
	}
	return r.Nodes[i]
}

// Arm makes a fault known, so that it is missed if it never fires.
func (r *Run) Arm(h fault.Handle) { r.Faults = append(r.Faults, h) }

// Spare reports whether a fault that is being made is to do nothing.
func (r *Run) Spare() bool {
	if r.Harmless {
		r.Spared++
	}
	return r.Harmless
}

// Draw makes a seed from the case's: another each time, the same in every run.
func (r *Run) Draw() uint64 {
	r.drawn++
	return rand.New(rand.NewPCG(r.VM.Seed, r.drawn)).Uint64()
}

// Number is an identifier for a probe or a question: another each time, the same
// in every run.
func (r *Run) Number() uint16 {
	r.Probes++
	return uint16(r.Probes<<8) | 1
}

// RNG is a source of chance of its own, from the case's seed.
func (r *Run) RNG() *rand.Rand { return rand.New(rand.NewPCG(r.Draw(), 0)) }

// Captured reports whether any wire is.
func (r *Run) Captured() bool {
	return slices.ContainsFunc(r.Plan.Wires, func(w *plan.Wire) bool { return !w.Direct })
}

// Settle waits until the wires are idle and no task of the script goes on, which may
// send something yet.
func (r *Run) Settle() {
	r.VM.Block(func() {
		for awake := true; awake; awake = r.goesOn() {
			if r.Lab.Relay.WaitIdle(r.VM.Context(), Quiet) != nil {
				return
			}
		}
	})
}

// goesOn reports whether a task of the script goes on. Where the machine has just
// come back from a stall, one that is to be woken may not have been yet: it is given
// turns to.
func (r *Run) goesOn() bool {
	for range turns {
		if r.VM.Awake() {
			return true
		}
		select {
		case <-r.VM.Context().Done():
			return false
		case <-time.After(turn):
		}
	}
	return r.VM.Awake()
}

// Between two turns the process has nothing to do, so that it finds out which of its
// sockets have become ready.
const (
	turns = 3
	turn  = time.Millisecond
)

// Hear waits until the kernels have had the time to say what they may of the
// packets so far.
func (r *Run) Hear() { r.VM.Block(r.WaitHeard) }

// WaitHeard is [Run.Hear] for whoever does not hold the lock of the interpreter.
func (r *Run) WaitHeard() {
	for wait := r.Lab.Trace.Unheard(); wait > 0; wait = r.Lab.Trace.Unheard() {
		t := time.NewTimer(wait)
		select {
		case <-r.VM.Context().Done():
			t.Stop()
			return
		case <-t.C:
		}
	}
}

// Late makes a pause where the script may be late on another machine, if the run
// is shaken.
func (r *Run) Late(place string) {
	if r.Shaker != nil {
		r.VM.Yield(func() { r.Shaker.Pause(r.VM.Context(), place) })
	}
}

// Passes is how often the relay has handled frames. It waits for a pass that is
// not over, which may need the interpreter for a box.
func (r *Run) Passes() (n uint64) {
	r.VM.Block(func() { n = r.Lab.Relay.Passes() })
	return n
}

// News waits until there was something on the wires after the relay's pass of
// the number seen, but for a pause at least, or until they are idle. It returns
// the number of the newest pass.
func (r *Run) News(seen uint64, pause time.Duration) (now uint64, idle bool) {
	r.VM.Block(func() {
		t := time.NewTimer(pause)
		defer t.Stop()
		select {
		case <-r.VM.Context().Done():
		case <-t.C:
		}
		var err error
		if now, idle, err = r.Lab.Relay.WaitNews(r.VM.Context(), Quiet, seen); err != nil {
			idle = true // the case is over
			return
		}
		idle = idle && !r.goesOn() // a task may send something yet
	})
	return now, idle
}

// Authority is the case's CA, made when first needed.
func (r *Run) Authority() (*pki.CA, error) {
	if r.ca == nil {
		ca, err := pki.NewCA()
		if err != nil {
			return nil, err
		}
		r.ca = ca
	}
	return r.ca, nil
}

// KeyLog writes TLS key log lines into the capture, each once: client and
// server have the same.
type KeyLog struct {
	Lab  *lab.Lab
	mu   sync.Mutex
	seen map[string]bool
}

// Write implements io.Writer; crypto/tls calls it with one line at a time.
func (k *KeyLog) Write(line []byte) (int, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.seen[string(line)] {
		if k.seen == nil {
			k.seen = map[string]bool{}
		}
		k.seen[string(line)] = true
		k.Lab.Secrets(line)
	}
	return len(line), nil
}

// VerbTimeout bounds every verb that waits and was not told otherwise.
const VerbTimeout = 10 * time.Second

// OptTimeout is the option of every verb that waits.
var OptTimeout = args.OptDef("timeout", args.Duration, "10s", "how long to wait")

// OptBackground is the option of what starts tasks.
var OptBackground = args.OptDef("background", args.Bool, "false", "it need not end: the case does not wait for it, and what it expects after the case has ended is not judged")

// Options of every fault.
var (
	OptOptional = args.OptDef("optional", args.Bool, "false", "it may stay unused; otherwise a fault that never fires fails the case")
	OptName     = args.Opt("name", args.String, "shown in the trace and in messages")
)

// Deadline is the context of a verb that waits.
func Deadline(c *vm.Call) (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.VM.Context(), vm.ArgOr(c, "timeout", VerbTimeout))
}

// ReturnErr returns nil and the error's name.
func ReturnErr(c *vm.Call, err error) { c.Return(lua.LNil, lua.LString(socket.ErrName(err))) }

// Over reports whether the whole case is over; then a verb must not go on as
// if only it had failed.
func Over(c *vm.Call) error { return context.Cause(c.VM.Context()) }
