//go:build linux

// Package fault has the verbs that break wires: packets are lost, delayed, copied,
// reordered, changed or held.
package fault

import (
	"fmt"
	"path/filepath"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/fault"
	"netrepro/engine/lab/fault/chance"
	"netrepro/engine/match"
	"netrepro/engine/script/args"
	"netrepro/engine/script/matching"
	"netrepro/engine/script/passing"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// Room is what this room adds to the language.
func Room() vm.Room {
	verbs := append([]*vm.Method{dropVerb, lossVerb, delayVerb, duplicateVerb, reorderVerb, holdVerb}, alterVerbs...)
	return vm.Room{Members: []vm.Members{
		{Of: session.Wire, Methods: verbs},
		{Of: session.Fault, Methods: faultVerbs, Fields: faultFields},
	}}
}

// common is what every fault is told: which packets are meant, and which of them
// are hit.
type common struct {
	match vm.Values
	gate  gate
}

// faultVerb makes the verb of a fault: takes lists what it alone takes, action
// builds what it does to a packet.
func faultVerb[T any](m vm.Method, takes func(*T) []vm.Argument,
	action func(*vm.Call, *T, *common) (fault.Action, error)) *vm.Method {
	type all struct {
		own T
		common
	}
	m.Returns, m.Phase = "Fault", vm.Running
	return vm.Verb(m,
		func(a *all) []vm.Argument {
			return slices.Concat(takes(&a.own), vm.Collect(&a.match, matching.Options), gateOptions(&a.gate))
		},
		func(c *vm.Call, a *all) error {
			act, err := action(c, &a.own, &a.common)
			if err != nil {
				return err
			}
			s := fault.Spec{Action: act, Gate: a.gate.Gate, Name: vm.Or(a.gate.name, "")}
			// What hits by chance may hit nothing.
			s.Optional = vm.Or(a.gate.optional, s.Gate.Chance != nil)
			if s.Match, err = matching.Checked(c, a.match); err != nil {
				return err
			}
			return arm(c, s, a.gate.where)
		})
}

// arm makes a fault of s on the verb's wire, of packets for which where returns
// true if it is there.
func arm(c *vm.Call, s fault.Spec, where *lua.LFunction) error {
	w := c.Self.(*session.LiveWire)
	live, err := w.Live(c)
	if err != nil {
		return err
	}
	if err := ended(c, w, &s); err != nil {
		return err
	}
	s.Where, s.File, s.Line, s.Seed = w.Plan.Name, filepath.Base(c.File), c.Line, w.Run.Draw()
	s.Past = len(w.Run.Lab.Trace.Packets())
	var f *fault.Fault
	if where != nil {
		s.Match = s.Match.With("where", predicate(c, where, func(err error) { f.Fail(err) }))
	}
	f = fault.New(s)
	if w.Run.Faults.Spare() {
		f.Disarm()
	}
	c.VM.Block(func() { // the relay may be waiting for Lua
		if s.Match.Asks("tls", "http") || s.Gate.After.Reads() || s.Gate.Before.Reads() {
			w.Run.Lab.Relay.Locked(w.Run.Lab.Trace.ReadApps)
		}
		live.AddFault(f)
	})
	w.Run.Faults.Arm(f)
	c.Return(c.VM.New(session.Fault, f))
	return nil
}

// ended reports what s is to match on its way to a node at neither end of the wire.
func ended(c *vm.Call, w *session.LiveWire, s *fault.Spec) error {
	matches := []*match.Match{&s.Match}
	events := []*fault.Event{s.Gate.After, s.Gate.Before}
	if h, ok := s.Action.(*fault.Hold); ok {
		events = append(events, h.Till)
	}
	for _, e := range events {
		if e != nil && e.Match != nil {
			matches = append(matches, e.Match)
		}
	}
	a, b := w.Plan.Ends[0].Node.Name, w.Plan.Ends[1].Node.Name
	for _, m := range matches {
		if to, asks := m.Get("toward"); asks && to != a && to != b {
			return c.Fail("toward", fmt.Sprintf("its ends are %s and %s; to = is the receiver, wherever it is", a, b),
				"%s is no end of %s", to, w.Plan.Name)
		}
	}
	return nil
}

// predicate makes a Lua function part of a match.
func predicate(c *vm.Call, fn *lua.LFunction, fail func(error)) func(*match.Packet) bool {
	call := c.VM.Inline(fn)
	run := session.Of(c)
	return func(p *match.Packet) bool {
		x, err := passing.New(run, p.Traced, nil).Call(call)
		if err != nil && run.VM.Context().Err() == nil {
			fail(err)
		}
		return err == nil && lua.LVAsBool(x)
	}
}

// Equip gives the wires of a case the losses that its topology says.
func Equip(r *session.Run) {
	for _, w := range r.Plan.Wires {
		if w.Loss > 0 && !r.Faults.Spare() {
			r.Lab.Relay.Wire(w.Name).AddFault(fault.New(fault.Spec{Action: fault.Drop{},
				Gate: fault.Gate{Chance: &chance.Model{P: w.Loss}}, Name: fmt.Sprintf("loss of wire %s", w.Name),
				Optional: true, Where: w.Name, Line: w.Line, Seed: r.Draw()}))
		}
	}
}

// none are the arguments of a fault that takes none of its own.
type none struct{}

var dropVerb = faultVerb(vm.Method{Name: "drop",
	Doc: "Drops the packets that match. Counted per connection, in order of arrival at this " +
		"wire; what an earlier fault dropped or held is not counted.",
	Example: `net.wan:drop { from = net.server, tcp = "data", nth = 3 }`},
	func(*none) []vm.Argument { return nil },
	func(*vm.Call, *none, *common) (fault.Action, error) { return fault.Drop{}, nil })

// lost are the arguments of loss.
type lost struct {
	odds  odds
	match vm.Values
	name  *string
}

var lossVerb = vm.Verb(vm.Method{Name: "loss", Doc: "Drops packets by chance, from the case's seed: independently, " +
	"in bursts, or by Gilbert and Elliott's chain.",
	Example: `net.wan:loss { "1%", burst = 3, from = net.server }`, Returns: "Fault", Phase: vm.Running, First: "rate"},
	func(a *lost) []vm.Argument {
		return append(append(chanceOptions(&a.odds), vm.Collect(&a.match, matching.Options)...), session.Named(&a.name))
	},
	func(c *vm.Call, a *lost) error {
		m, err := a.odds.model()
		if err != nil {
			return err
		}
		s := fault.Spec{Action: fault.Drop{}, Gate: fault.Gate{Chance: m}, Name: vm.Or(a.name, ""), Optional: true}
		if s.Match, err = matching.Checked(c, a.match); err != nil {
			return err
		}
		return arm(c, s, nil)
	})

// delayed are the arguments of delay.
type delayed struct{ by, jitter time.Duration }

var delayVerb = faultVerb(vm.Method{Name: "delay",
	Doc:     "The packets that match arrive later than the wire's own delay says; others overtake them.",
	Example: `net.wan:delay { by = "80ms", from = net.server, tcp = "data", nth = 2 }`},
	func(a *delayed) []vm.Argument {
		return []vm.Argument{
			args.Duration.Need(&a.by, "by", "how much later"),
			args.Duration.Opt(&a.jitter, "jitter", "up to this much more or less, drawn from the case's seed"),
		}
	},
	func(c *vm.Call, a *delayed, _ *common) (fault.Action, error) {
		return &fault.Delay{By: a.by, Jitter: a.jitter, RNG: session.Of(c).RNG()}, nil
	})

var kCopies = args.Int("number", 1, 1000, "1 to 1000")

var duplicateVerb = faultVerb(vm.Method{Name: "duplicate", Doc: "The packets that match arrive more than once.",
	Example: `net.wan:duplicate { from = net.server, tcp = "data", nth = 2 }`},
	func(a *fault.Duplicate) []vm.Argument {
		return []vm.Argument{
			kCopies.Def(&a.Copies, "copies", "1", "how many more"),
			args.Duration.Def(&a.After, "gap", "0ms", "between one and the next"),
		}
	},
	func(_ *vm.Call, a *fault.Duplicate, _ *common) (fault.Action, error) { return a, nil })

// reordered are the arguments of reorder.
type reordered struct {
	behind int
	most   time.Duration
}

var reorderVerb = faultVerb(vm.Method{Name: "reorder",
	Doc:     "The packets that match arrive behind the next ones that match in the same direction.",
	Example: `net.wan:reorder { from = net.server, tcp = "data", nth = 2, behind = 3 }`},
	func(a *reordered) []vm.Argument {
		return []vm.Argument{
			kNumber.Def(&a.behind, "behind", "1", "how many others go first"),
			args.Duration.Def(&a.most, "most", "1s", "how long it waits for them at most"),
		}
	},
	func(_ *vm.Call, a *reordered, _ *common) (fault.Action, error) {
		return &fault.Reorder{Behind: a.behind, Most: a.most}, nil
	})
