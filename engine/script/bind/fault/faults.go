//go:build linux

// Package fault has the verbs that break wires: faults, forged packets, boxes.
package fault

import (
	"fmt"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/fault"
	"netrepro/engine/lab/fault/chance"
	"netrepro/engine/lab/wire"
	"netrepro/engine/match"
	"netrepro/engine/script/args"
	"netrepro/engine/script/matching"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// Verbs are those of a wire.
var Verbs = slices.Concat([]*vm.Method{dropVerb, lossVerb, delayVerb, duplicateVerb, reorderVerb, holdVerb},
	alterVerbs, propVerbs, []*vm.Method{injectVerb, wireBoxVerb})

var kNumber = args.Int("number", 1, 1<<31, "write a whole number")

// gateOptions say which of the packets that match are hit.
var gateOptions = []vm.Option{
	args.Opt("nth", args.Int("number", 1, 1<<31, "the first packet is number 1"), "the first packet hit, counted per connection from 1"),
	args.Opt("every", kNumber, "from there on, every so many"),
	args.Opt("times", kNumber, "how many are hit per connection; 1 with nth alone, all without"),
	args.Opt("chance", kChance, `by chance alone, from the case's seed: "1%", or { "1%", burst = 3 }`),
	args.Opt("after", kEvent, "active behind this packet on the wire, or once this fault has hit"),
	args.Opt("before", kEvent, "active until this packet on the wire, or until this fault has hit"),
	args.Opt("where", args.Func, "function(pkt): hit only if it returns true; it is called for what matches all else"),
	session.OptName, session.OptOptional,
}

// kEvent is a packet or a fault.
var kEvent = &vm.Kind{Name: "event", Type: "Fault|PassingMatch", Table: eventTable, Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	if f, ok := vm.As(x, session.Fault); ok {
		switch f := f.(type) {
		case *fault.Fault, *box:
			return &fault.Event{Fault: f.(fault.Handle)}, nil
		}
		// Its hits are in the kernel: to ask there for each frame would hold all up.
		return nil, &vm.BadValue{Msg: fmt.Sprintf("%s is of a node, and no event on a wire", f), Hint: `name the packet that it is about: { tcp = "syn" }`}
	}
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "an event", `write { tcp = "fin" }, or give what a fault's verb returned`)
	}
	m, err := matching.Checked(c, c.Table(eventTable, t))
	return &fault.Event{Match: &m}, err
}}

var eventTable = &vm.Method{Name: "event", Options: matching.Options}

// kChance is a model of chance.
var kChance = &vm.Kind{Name: "chance", Type: "Percent|Chance", Table: chanceTable, Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		p, err := args.Percent.Parse(c, x)
		if err != nil {
			return nil, err
		}
		return &chance.Model{P: p.(float64)}, nil
	}
	return model(c, c.Table(chanceTable, t))
}}

var chanceTable = &vm.Method{Name: "chance", First: "rate", Options: chanceOptions}

var chanceOptions = []vm.Option{
	args.Opt("rate", args.Percent, "the share of all packets that are hit"),
	args.Opt("burst", args.Number, "in runs of so many on average"),
	args.Opt("p", args.Percent, "of Gilbert and Elliott's chain: how likely a packet leaves the good state"),
	args.Opt("r", args.Percent, "how likely a packet leaves the bad state"),
	args.OptDef("bad", args.Percent, "100%", "the share hit in the bad state"),
	args.OptDef("good", args.Percent, "0%", "the share hit in the good state"),
}

func model(c *vm.Call, a map[string]any) (*chance.Model, error) {
	rate, plain := a["rate"].(float64)
	p, chain := a["p"].(float64)
	burst, runs := a["burst"].(float64)
	for _, name := range []string{"r", "bad", "good"} {
		if plain && has(a, name) {
			return nil, &vm.BadValue{Msg: fmt.Sprintf("a rate has no states: %s says nothing of it", name), Word: name, Hint: `leave it out, or write a chain: { p = "1%", r = "25%" }`}
		}
	}
	switch {
	case plain == chain, chain && runs:
		return nil, &vm.BadValue{Msg: "chance is a rate, with a burst perhaps, or a chain of two states", Word: "chance", Hint: `write { "1%", burst = 3 }, or { p = "1%", r = "25%" }`}
	case runs && !(burst >= 1 && burst <= 1e6):
		return nil, &vm.BadValue{Msg: fmt.Sprintf("%v is not a length of bursts", burst), Word: "burst", Hint: "write a number from 1 to 1000000"}
	case runs:
		m, err := chance.Bursts(rate, burst)
		if err != nil {
			return nil, &vm.BadValue{Msg: err.Error(), Word: "burst", Hint: "write a burst of at least 1, and longer ones for a higher rate"}
		}
		return &m, nil
	case plain:
		return &chance.Model{P: rate}, nil
	}
	r, ok := a["r"].(float64)
	if !ok {
		return nil, &vm.BadValue{Msg: "a chain that cannot leave its bad state", Word: "p", Hint: `say how likely it does: r = "25%"`}
	}
	m := &chance.Model{States: true, P: p, R: r, Bad: 1}
	if b, ok := a["bad"].(float64); ok {
		m.Bad = b
	}
	if g, ok := a["good"].(float64); ok {
		m.Good = g
	}
	return m, nil
}

// faultVerb makes the verb of a fault: action builds what it does to a packet.
func faultVerb(name, doc, example string, options []vm.Option, action func(c *vm.Call) (fault.Action, error)) *vm.Method {
	return &vm.Method{Name: name, Doc: doc, Example: example, Returns: "Fault", Phase: vm.Running,
		Options: slices.Concat(options, matching.Options, gateOptions),
		Fn: func(c *vm.Call) error {
			a, err := action(c)
			if err != nil {
				return err
			}
			s := fault.Spec{Action: a, Gate: gateOf(c)}
			if s.Match, err = matching.Checked(c, c.Args); err != nil {
				return err
			}
			return arm(c, s)
		}}
}

func gateOf(c *vm.Call) fault.Gate {
	g := fault.Gate{Nth: vm.ArgOr(c, "nth", 0), Every: vm.ArgOr(c, "every", 0), Times: vm.ArgOr(c, "times", 0)}
	g.Chance, _ = vm.Arg[*chance.Model](c, "chance")
	g.After, _ = vm.Arg[*fault.Event](c, "after")
	g.Before, _ = vm.Arg[*fault.Event](c, "before")
	return g
}

// liveOf is the wire that a verb belongs to, which must not be direct.
func liveOf(c *vm.Call) (*session.LiveWire, *wire.Wire, error) {
	w := c.Self.(*session.LiveWire)
	live := w.Run.Lab.Relay.Wire(w.Plan.Name)
	if live == nil {
		return w, nil, c.Fail("", "leave direct out of the wire", "wire %q is direct: its frames do not pass through the engine", w.Plan.Name)
	}
	return w, live, nil
}

// arm makes a fault of s on the verb's wire.
func arm(c *vm.Call, s fault.Spec) error {
	w, live, err := liveOf(c)
	if err != nil {
		return err
	}
	if err := ended(c, w, &s); err != nil {
		return err
	}
	s.Where, s.Line, s.Seed = w.Plan.Name, c.Line, w.Run.Draw()
	s.Name = vm.ArgOr(c, "name", "")
	// What hits by chance may hit nothing.
	s.Optional = vm.ArgOr(c, "optional", s.Gate.Chance != nil)
	var f *fault.Fault
	if fn, ok := vm.Arg[*lua.LFunction](c, "where"); ok {
		s.Match = s.Match.With("where", predicate(c, fn, func(err error) { f.Fail(err) }))
	}
	f = fault.New(s)
	if w.Run.Spare() {
		f.Disarm()
	}
	c.VM.Block(func() { // the relay may be waiting for Lua
		if s.Match.Asks("tls", "http") || s.Gate.After.Reads() || s.Gate.Before.Reads() {
			w.Run.Lab.Relay.Locked(w.Run.Lab.Trace.ReadApps)
		}
		live.AddFault(f)
	})
	w.Run.Arm(f)
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
			return c.Fail("toward", fmt.Sprintf("its ends are %s and %s; to = is the receiver, wherever it is", a, b), "%s is no end of %s", to, w.Plan.Name)
		}
	}
	return nil
}

// predicate makes a Lua function part of a match.
func predicate(c *vm.Call, fn *lua.LFunction, fail func(error)) func(*match.Packet) bool {
	call := c.VM.Inline(fn)
	run := session.Of(c)
	return func(p *match.Packet) bool {
		pkt := &passing{run: run, p: p.Traced}
		x, err := call.Call(func() []lua.LValue { return []lua.LValue{run.VM.New(passingClass, pkt)} })
		pkt.p = nil
		if err != nil && run.VM.Context().Err() == nil {
			fail(err)
		}
		return err == nil && lua.LVAsBool(x)
	}
}

var dropVerb = faultVerb("drop", "Drops the packets that match. Counted per connection, in order of arrival at this wire.",
	`net.wan:drop { from = net.server, tcp = "data", nth = 3 }`, nil,
	func(*vm.Call) (fault.Action, error) { return fault.Drop{}, nil })

var lossVerb = &vm.Method{Name: "loss", Doc: "Drops packets by chance, from the case's seed: independently, in bursts, or by Gilbert and Elliott's chain.",
	Example: `net.wan:loss { "1%", burst = 3, from = net.server }`, Returns: "Fault", Phase: vm.Running, First: "rate",
	Options: slices.Concat(chanceOptions, matching.Options, []vm.Option{session.OptName}),
	Fn: func(c *vm.Call) error {
		m, err := model(c, c.Args)
		if err != nil {
			return err
		}
		s := fault.Spec{Action: fault.Drop{}, Gate: fault.Gate{Chance: m}}
		if s.Match, err = matching.Checked(c, c.Args); err != nil {
			return err
		}
		return arm(c, s)
	}}

var delayVerb = faultVerb("delay", "Has the packets that match arrive later than the wire's own delay; others overtake them.",
	`net.wan:delay { by = "80ms", from = net.server, tcp = "data", nth = 2 }`,
	[]vm.Option{args.Need("by", args.Duration, "how much later"), args.Opt("jitter", args.Duration, "at most so much more or less, drawn from the case's seed")},
	func(c *vm.Call) (fault.Action, error) {
		return &fault.Delay{By: c.Args["by"].(time.Duration), Jitter: vm.ArgOr(c, "jitter", time.Duration(0)), RNG: session.Of(c).RNG()}, nil
	})

var duplicateVerb = faultVerb("duplicate", "Has the packets that match arrive more than once.",
	`net.wan:duplicate { from = net.server, tcp = "data", nth = 2 }`,
	[]vm.Option{args.OptDef("copies", args.Int("number", 1, 1000, "1 to 1000"), "1", "how many more"), args.OptDef("gap", args.Duration, "0ms", "between one and the next")},
	func(c *vm.Call) (fault.Action, error) {
		return &fault.Duplicate{Copies: vm.ArgOr(c, "copies", 1), After: vm.ArgOr(c, "gap", time.Duration(0))}, nil
	})

var reorderVerb = faultVerb("reorder", "Has the packets that match arrive behind the next that match in the same direction.",
	`net.wan:reorder { from = net.server, tcp = "data", nth = 2, behind = 3 }`,
	[]vm.Option{args.OptDef("behind", kNumber, "1", "how many others go first"),
		args.OptDef("most", args.Duration, "1s", "how long it waits for them at most")},
	func(c *vm.Call) (fault.Action, error) {
		return &fault.Reorder{Behind: vm.ArgOr(c, "behind", 1), Most: vm.ArgOr(c, "most", time.Second)}, nil
	})
