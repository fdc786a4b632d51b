//go:build linux

package session

import (
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	"netrepro/engine/lab"
	"netrepro/engine/lab/topology/plan"
	"netrepro/engine/script/shake"
	"netrepro/engine/script/vm"
)

// Run is one case at work. Its fields belong to whoever holds the lock of the
// interpreter. What one room of verbs alone needs is in a [Slot] of that room.
type Run struct {
	VM      *vm.VM
	Plan    *plan.Plan
	Lab     *lab.Lab // nil until it is up
	Nodes   []*Node
	Started time.Time
	Emit    func(Event)   // nil if nobody listens
	Shaker  *shake.Shaker // nil if no pauses are made
	Faults  Faults
	// Halt has the case stand still, see [Run.Stand]; nil if nobody looks into it.
	Halt func(c *vm.Call, at Stop, text string) bool

	failures []Failure
	starved  string
	drawn    uint64
	numbered int
	slots
}

// Failure is something that did not go as it should: an expectation that did not
// hold, a fault that never fired, a task that did not end.
type Failure struct {
	Timed bool      // a bound on time was missed, and nothing else
	Since time.Time // when what it is about began
}

// ErrStopped ends a case after a must that failed.
var ErrStopped = errors.New("a must did not hold")

// Quiet is how long the wires must be silent before a trace is judged: longer
// than the longest delayed acknowledgement that answers what was last seen
// (40 ms, TCP_DELACK_MIN of Linux).
const Quiet = 50 * time.Millisecond

// Of is the run a verb belongs to.
func Of(c *vm.Call) *Run { return OfVM(c.VM) }

// OfVM is the run that an interpreter plays.
func OfVM(v *vm.VM) *Run { return v.Data.(*Run) }

// Event reports that something happened.
func (r *Run) Event(e Event) {
	e.At = time.Since(r.Started)
	if r.Emit != nil {
		r.Emit(e)
	}
}

// Fail remembers a failure.
func (r *Run) Fail(f Failure) {
	r.ask()
	r.failures = append(r.failures, f)
}

// Failures are all failures so far.
func (r *Run) Failures() []Failure { return r.failures }

// Starve says why a part of the case was late, if others had the processors that it needed; else why
// is empty. What goes wrong after that proves nothing; what has gone wrong before does.
func (r *Run) Starve(why string) {
	if r.starved == "" && len(r.failures) == 0 {
		r.starved = why
	}
}

// Late is what is kept on a node and may be late for want of a processor: it says why, or nothing.
type Late interface{ Lacks() string }

// ask asks all that runs on the nodes whether others had the processors that it needed, unless
// something has gone wrong before.
func (r *Run) ask() {
	if r.starved != "" || len(r.failures) > 0 {
		return
	}
	for _, n := range r.Nodes {
		for _, c := range n.Endpoints.Kept() {
			if l, ok := c.(Late); ok {
				r.Starve(l.Lacks())
			}
		}
	}
}

// Starved says why what went wrong proves nothing; it is empty if that stands.
func (r *Run) Starved() string {
	r.ask()
	return r.starved
}

// Node is the node of that name, nil if there is none.
func (r *Run) Node(name string) *Node {
	i := slices.IndexFunc(r.Nodes, func(n *Node) bool { return n.Name == name })
	if i < 0 {
		return nil
	}
	return r.Nodes[i]
}

// Draw makes a seed from the case's: another each time, the same in every run.
func (r *Run) Draw() uint64 {
	r.drawn++
	return rand.New(rand.NewPCG(r.VM.Seed, r.drawn)).Uint64()
}

// Number is an identifier for a probe or a question: another each time, the same
// in every run.
func (r *Run) Number() uint16 {
	r.numbered++
	return uint16(r.numbered<<8) | 1
}

// RNG is a source of chance of its own, from the case's seed.
func (r *Run) RNG() *rand.Rand { return rand.New(rand.NewPCG(r.Draw(), 0)) }

// Captured reports whether any wire is.
func (r *Run) Captured() bool {
	return slices.ContainsFunc(r.Plan.Wires, func(w *plan.Wire) bool { return !w.Direct })
}
