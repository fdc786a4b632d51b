//go:build linux

package fault

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/fault"
	"netrepro/engine/lab/fault/chance"
	"netrepro/engine/lab/wire"
	"netrepro/engine/script/args"
	"netrepro/engine/script/matching"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

var (
	kNumber = args.Int("number", 1, 1<<31, "write a whole number")
	kNth    = args.Int("number", 1, 1<<31, "the first packet is number 1")
)

// gate says which of the packets that match are hit.
type gate struct {
	fault.Gate
	where    *lua.LFunction
	name     *string
	optional *bool
}

func gateOptions(g *gate) []vm.Argument {
	return []vm.Argument{
		kNth.Opt(&g.Nth, "nth", "the first packet hit, counted per connection from 1"),
		kNumber.Opt(&g.Every, "every", "from there on, every n-th"),
		kNumber.Opt(&g.Times, "times", "how many are hit per connection; 1 with nth alone, all without"),
		kChance.Opt(&g.Chance, "chance", `hit by chance, from the case's seed: "1%", or { "1%", burst = 3 }`),
		kEvent.Opt(&g.After, "after", "active after this packet on the wire, or after this fault has hit"),
		kEvent.Opt(&g.Before, "before", "active until this packet on the wire, or until this fault has hit"),
		args.Func.Opt(&g.where, "where", "function(pkt): hit only if it returns true; "+
			"it is called for what matches all else"),
		session.Named(&g.name), session.Optional(&g.optional),
	}
}

// onWire is a fault that counts what it hits on a wire.
type onWire interface {
	fault.Handle
	wire.Fault
}

// kEvent is a packet or a fault.
var kEvent = vm.NewKind("event", "Fault|PassingMatch", func(c *vm.Call, x lua.LValue) (*fault.Event, error) {
	if f, ok := vm.As(x, session.Fault); ok {
		if f, ok := f.(onWire); ok {
			return &fault.Event{Fault: f}, nil
		}
		// Its hits are in the kernel: to ask there for each frame would hold all up.
		return nil, &vm.BadValue{Msg: fmt.Sprintf("%s is of a node, and no event on a wire", f),
			Hint: `name the packet that it is about: { tcp = "syn" }`}
	}
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "an event", `write { tcp = "fin" }, or give what a fault's verb returned`)
	}
	m, err := matching.Checked(c, eventTable.Read(c, t).match)
	return &fault.Event{Match: &m}, err
}).Of(eventTable.Form())

var eventTable = vm.NewTable("event", "", func(e *struct{ match vm.Values }) []vm.Argument {
	return vm.Collect(&e.match, matching.Options)
})

// odds are what a script says of a model of chance.
type odds struct {
	rate      *float64
	burst     *float64
	p, r      *float64
	bad, good *float64
}

func chanceOptions(a *odds) []vm.Argument {
	return []vm.Argument{
		args.Percent.Maybe(&a.rate, "rate", "the share of all packets that are hit"),
		args.Number.Maybe(&a.burst, "burst", "how many in a row, on average"),
		args.Percent.Maybe(&a.p, "p", "of Gilbert and Elliott's chain: how likely a packet leaves the good state"),
		args.Percent.Maybe(&a.r, "r", "how likely a packet leaves the bad state"),
		args.Percent.Maybe(&a.bad, "bad", "the share hit in the bad state").Shown("100%"),
		args.Percent.Maybe(&a.good, "good", "the share hit in the good state").Shown("0%"),
	}
}

var chanceTable = vm.NewTable("chance", "rate", chanceOptions)

// kChance is a model of chance.
var kChance = vm.NewKind("chance", "Percent|Chance", func(c *vm.Call, x lua.LValue) (*chance.Model, error) {
	if t, ok := x.(*lua.LTable); ok {
		a := chanceTable.Read(c, t)
		return a.model()
	}
	p, err := args.Percent.Read(c, x)
	return &chance.Model{P: p}, err
}).Of(chanceTable.Form())

// model is the model that was said, if it is one.
func (a *odds) model() (*chance.Model, error) {
	states := map[string]*float64{"r": a.r, "bad": a.bad, "good": a.good}
	for _, name := range []string{"r", "bad", "good"} {
		if a.rate != nil && states[name] != nil {
			return nil, &vm.BadValue{Msg: fmt.Sprintf("a rate has no states: %s says nothing of it", name), Word: name,
				Hint: `leave it out, or write a chain: { p = "1%", r = "25%" }`}
		}
	}
	burst := vm.Or(a.burst, 0)
	switch {
	case (a.rate != nil) == (a.p != nil), a.p != nil && a.burst != nil:
		return nil, &vm.BadValue{Msg: "chance is a rate, with a burst perhaps, or a chain of two states",
			Word: "chance",
			Hint: `write { "1%", burst = 3 }, or { p = "1%", r = "25%" }`}
	case a.burst != nil && !(burst >= 1 && burst <= 1e6):
		return nil, &vm.BadValue{Msg: fmt.Sprintf("%v is not a length of bursts", burst), Word: "burst",
			Hint: "write a number from 1 to 1000000"}
	case a.burst != nil:
		m, err := chance.Bursts(*a.rate, burst)
		if err != nil {
			return nil, &vm.BadValue{Msg: err.Error(), Word: "burst",
				Hint: "write a burst of at least 1, and longer ones for a higher rate"}
		}
		return &m, nil
	case a.rate != nil:
		return &chance.Model{P: *a.rate}, nil
	case a.r == nil:
		return nil, &vm.BadValue{Msg: "a chain that cannot leave its bad state", Word: "p",
			Hint: `say how likely it does: r = "25%"`}
	}
	return &chance.Model{States: true, P: *a.p, R: *a.r, Bad: vm.Or(a.bad, 1), Good: vm.Or(a.good, 0)}, nil
}
