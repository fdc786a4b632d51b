//go:build linux

// Package fault breaks wires in exact ways: a match, a count, an action, and
// a handle that knows what was hit.
//
// It does not filter on routers; package firewall does.
//
// Invariant: whether a packet is hit depends on the packets before it alone,
// and on a seed where chance is asked for; never on time.
package fault

import (
	"errors"
	"fmt"
	"strings"
	"sync/atomic"

	"netrepro/engine/lab/wire"
	"netrepro/engine/match"
	"netrepro/engine/trace"
)

// Spec is a fault as the script wrote it.
type Spec struct {
	Match  match.Match
	Gate   Gate
	Action Action
	// Name is shown wherever the fault is; empty derives one.
	Name string
	// Optional faults may stay unused.
	Optional bool
	Where    string // the wire
	File     string // of the script, empty if nobody is to be told
	Line     int    // in it
	Seed     uint64 // of what is drawn by chance
	Past     int    // how many records the trace had when the fault was made
}

// Action is what a fault does to a packet it hits.
type Action interface {
	// Verb names it, as scripts do.
	Verb() string
	// String is what else there is to say of it, empty if nothing.
	String() string
	// Do decides about one packet. name is the fault's, to be given as the
	// reason. An error says that the action cannot be done to this packet,
	// which then passes as it is.
	Do(p *trace.Packet, v *wire.Verdict, name string) error
}

// watcher is an action that also sees what matches and is not hit.
type watcher interface {
	watch(p *trace.Packet, v *wire.Verdict)
}

// observer is an action that sees all that enters the wire.
type observer interface {
	observe(p *trace.Packet, v *wire.Verdict)
}

// Handle is what a script keeps of a fault, on a wire or a router.
type Handle interface {
	// Hits is how many packets were hit so far.
	Hits() (int, error)
	// First is the first segment hit, nil if none or not on a wire.
	First() *match.Hit
	// String names the fault.
	String() string
	// Idle reports whether the fault must have fired and has not.
	Idle() (bool, error)
	// Line is where the script made it.
	Line() int
	// Err is what the fault could not do, nil if nothing.
	Err() error
}

// Counter is what every fault on a wire keeps of itself: a name, its hits and
// what it could not do.
type Counter struct {
	name  string
	line  int
	off   atomic.Bool
	hits  atomic.Int64
	first atomic.Pointer[match.Hit]
	err   atomic.Pointer[error]
}

// Named gives the fault its name and its line in the script.
func (c *Counter) Named(name string, line int) { c.name, c.line = name, line }

// Hit counts p, after what was done to it.
func (c *Counter) Hit(p *trace.Packet) {
	c.hits.Add(1)
	if c.first.Load() == nil {
		c.first.Store(&match.Hit{Packet: p, Seq: p.RelSeq, End: p.End(), Conn: p.Conn})
	}
}

// Fail notes the first thing that the fault could not do.
func (c *Counter) Fail(err error) { c.err.CompareAndSwap(nil, &err) }

// Disarm ends the fault: nothing is hit any more. What it holds stays held.
func (c *Counter) Disarm() { c.off.Store(true) }

// Off reports whether the fault has ended.
func (c *Counter) Off() bool { return c.off.Load() }

// Hits implements [Handle].
func (c *Counter) Hits() (int, error) { return int(c.hits.Load()), nil }

// First implements [Handle].
func (c *Counter) First() *match.Hit { return c.first.Load() }

// String implements [Handle].
func (c *Counter) String() string { return c.name }

// Line implements [Handle].
func (c *Counter) Line() int { return c.line }

// Err implements [Handle].
func (c *Counter) Err() error {
	if e := c.err.Load(); e != nil {
		return *e
	}
	return nil
}

// Fault is a live fault on a wire.
type Fault struct {
	Counter
	spec Spec
	gate *gate
	ask  match.Packet
}

// New makes a fault of s; add it to a wire to arm it.
func New(s Spec) *Fault {
	f := &Fault{spec: s, gate: s.Gate.open(s.Seed)}
	f.Named(s.Name, s.Line)
	if s.Name == "" {
		f.Named(s.describe(), s.Line)
	}
	return f
}

// Spec is the fault as the script wrote it.
func (f *Fault) Spec() Spec { return f.spec }

// Action is what the fault does.
func (f *Fault) Action() Action { return f.spec.Action }

// Idle implements [Handle].
func (f *Fault) Idle() (bool, error) { return f.hits.Load() == 0 && !f.spec.Optional, nil }

// describe is the fault as a script would write it, on one line.
func (s *Spec) describe() string {
	parts := []string{s.Where + ":" + s.Action.Verb(), s.Match.String()}
	for _, more := range []string{s.Action.String(), s.Gate.String()} {
		if more != "" {
			parts = append(parts, more)
		}
	}
	return strings.Join(parts, " ")
}

// Quick implements [wire.Quick]: events and what watches all that passes are
// asked about every frame.
func (f *Fault) Quick() (match.Quick, bool) {
	_, observes := f.spec.Action.(observer)
	if h, ok := f.spec.Action.(*Hold); ok {
		observes = h.Till != nil
	}
	return f.spec.Match.Quick(), observes || f.spec.Gate.After != nil || f.spec.Gate.Before != nil
}

// Apply implements [wire.Fault].
func (f *Fault) Apply(p *trace.Packet, v *wire.Verdict) {
	if f.Off() {
		return
	}
	active := f.witness(p, v)
	match := f.spec.Match.Matches(f.ask.Pass(p))
	if !match {
		return
	}
	hit := active && f.gate.hit(p)
	if w, ok := f.spec.Action.(watcher); ok && !hit {
		w.watch(p, v)
	}
	if !hit {
		return
	}
	switch err := f.spec.Action.Do(p, v, f.placed()); {
	case errors.Is(err, errLetBy):
		return
	case err != nil:
		f.Fail(err)
		return
	}
	f.Hit(p)
}

// placed is the fault's name with its place in the script, for those who see what it did.
func (f *Fault) placed() string {
	if f.spec.File == "" {
		return f.String()
	}
	return fmt.Sprintf("%s (%s:%d)", f.String(), f.spec.File, f.spec.Line)
}

// witness takes in that p enters the wire, and reports whether the fault is active
// for it.
func (f *Fault) witness(p *trace.Packet, v *wire.Verdict) bool {
	if o, ok := f.spec.Action.(observer); ok {
		o.observe(p, v)
	}
	return f.gate.active(p)
}

// Witness implements [wire.Witness]: p may be an event.
func (f *Fault) Witness(p *trace.Packet, v *wire.Verdict) {
	if !f.Off() {
		f.witness(p, v)
	}
}

// errLetBy is an action's way to let a packet pass that it would otherwise hit.
var errLetBy = errors.New("let by")

// errNoFrame is for what the relay was too slow to keep.
var errNoFrame = errors.New("the packet is no IP packet")

// about is a packet as an error message names it.
func about(p *trace.Packet) string {
	what := "a packet"
	switch {
	case p.IsTCP():
		what = fmt.Sprintf("a TCP segment %s %d:%d", p.Flags, p.RelSeq, p.End())
	case p.Src.IsValid():
		what = fmt.Sprintf("a packet of protocol %d", p.Proto)
	}
	if p.Src.IsValid() {
		what += fmt.Sprintf(" from %s to %s", p.Src, p.Dst)
	}
	return what
}
