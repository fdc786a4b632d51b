//go:build linux

package wire

import (
	"math/rand/v2"
	"time"

	"netrepro/engine/lab/wire/ledger"
	"netrepro/engine/lab/wire/queue"
	"netrepro/engine/match"
	"netrepro/engine/trace"
)

// Fault is a rule on a wire. Apply is called once for every frame that enters
// the wire, in order, from the relay's goroutine, and must not block. It sees
// the packet as it was sent, whatever faults before it did to it.
type Fault interface {
	Apply(p *trace.Packet, v *Verdict)
}

// Quick is a fault that need not be asked about every frame: only about those
// that its quick part lets through, unless all is true.
type Quick interface {
	Quick() (q match.Quick, all bool)
}

// Witness is a fault that waits for events: of those that it is asked about every
// frame for, it also takes in what a fault before it has dropped or held back,
// and may let go what it holds, but do nothing to the frame.
type Witness interface {
	Witness(p *trace.Packet, v *Verdict)
}

// armed is a fault on a wire.
type armed struct {
	quick   match.Quick
	all     bool
	fault   Fault
	witness Witness // nil if it waits for nothing
}

// Box is a program that a node runs on what reaches it.
type Box interface {
	Pass(p *trace.Packet, v *Verdict)
}

// End is one end of a wire: the device in the relay's namespace whose veth
// peer is in a node.
type End struct {
	Ifindex int          // of the engine's side, 0 if there are only Taps
	Point   *trace.Point // the node's side
	// Taps are further devices of this end by VLAN: what they send crosses the
	// wire with a tag, and what arrives with one is for them.
	Taps map[uint16]int
}

// Devices are the engine's devices of the end.
func (e *End) Devices() []int {
	var out []int
	if e.Ifindex > 0 {
		out = append(out, e.Ifindex)
	}
	for _, tap := range e.Taps {
		out = append(out, tap)
	}
	return out
}

// Spec is what a wire is made of.
type Spec struct {
	Name string
	Ends [2]End
	Props
}

// Props are the properties of a wire that can change while it carries frames.
type Props struct {
	Delay  time.Duration // one way
	Jitter time.Duration // at most so much more or less, drawn for each frame; order is kept
	// Rate is in bits a second, counted over whole frames without preamble and
	// checksum; 0 is no limit.
	Rate int64
	// QueueBytes and QueuePackets bound what waits for a wire with a rate;
	// what does not fit is dropped. 0 is no bound.
	QueueBytes, QueuePackets int
}

// Wire is one live wire.
type Wire struct {
	Spec
	pipe   *Pipeline
	ports  [2]*port
	faults []armed
	down   string // why nothing passes, empty if it does
	cuts   int    // how often it was cut
}

// port is one end of a wire at work.
type port struct {
	End
	pipe     *Pipeline
	wire     *Wire
	peer     *port // the other end
	boxes    []Box
	rng      *rand.Rand // of the jitter of what enters here
	released int64      // when what scripts let go at once is due here
	latest   int64      // when what entered here last is due, as far as order is kept
	last     int64      // when the last of what has entered here is due by the wire's own properties
	rate     queue.Rate // of what enters here
}

// AddFault appends a rule; it holds for every frame that enters afterwards.
func (w *Wire) AddFault(f Fault) {
	a := armed{fault: f, all: true}
	if q, ok := f.(Quick); ok {
		if a.quick, a.all = q.Quick(); a.all {
			a.witness, _ = f.(Witness)
		}
	}
	w.pipe.loop.Locked(func() { w.faults = append(w.faults, a) })
}

// AddBox has a program run on every frame that reaches a side of the wire from
// now on.
func (w *Wire) AddBox(side int, b Box) {
	w.pipe.loop.Locked(func() { w.ports[side].boxes = append(w.ports[side].boxes, b) })
}

// Set changes the properties of the wire for what enters it from now on.
func (w *Wire) Set(f func(*Props)) { w.pipe.loop.Locked(func() { f(&w.Props) }) }

// SetDown lets nothing pass, for a reason that the trace shows; an empty one
// lets everything pass again. What is on its way arrives.
// With cut, what is on its way does not.
func (w *Wire) SetDown(why string, cut bool) {
	w.pipe.loop.Locked(func() {
		w.down = why
		if cut {
			w.cuts++
		}
	})
}

// Inject makes a frame arrive at a side of the wire, as if from its other end.
// by says in the trace who made it. It is in the trace when Inject returns.
func (w *Wire) Inject(side int, frame []byte, by string) {
	w.pipe.loop.Act(func(int64) {
		w.ports[side].deliver(arrival{Arrival: ledger.Arrival{Data: frame, Fault: by}, cut: w.cuts}, "")
	})
}
