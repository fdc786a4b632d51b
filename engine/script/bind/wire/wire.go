//go:build linux

// Package wire has the verbs that change what a wire is: its delay, its rate, and
// whether it is up.
package wire

import (
	"fmt"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/topology/plan"
	"netrepro/engine/lab/wire"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// Room is what this room adds to the language.
func Room() vm.Room {
	return vm.Room{Members: []vm.Members{{Of: session.Wire, Methods: verbs, Fields: []*vm.Field{delayField}}}}
}

// changes are what became of the wires of a case.
type changes struct {
	delays map[*plan.Wire]time.Duration // of wires whose delay was changed
	rated  map[*plan.Wire]bool          // wires that were given a rate
}

var slot = session.NewSlot(func(*session.Run) *changes {
	return &changes{map[*plan.Wire]time.Duration{}, map[*plan.Wire]bool{}}
})

var delayField = vm.FieldOf("delay", "number", "One way, in seconds.", func(w *session.LiveWire) lua.LValue {
	d, changed := slot.Of(w.Run).delays[w.Plan]
	if !changed {
		d = w.Plan.Delay
	}
	return lua.LNumber(d.Seconds())
})

var verbs = []*vm.Method{
	vm.Verb(vm.Method{Name: "set", Doc: "Changes the wire for what enters it from now on.",
		Example: `net.wan:set { delay = "200ms", rate = "1Mbit", queue = "32KB" }`, Phase: vm.Running},
		args.WireOptions, set),
	vm.Verb(vm.Method{Name: "down", Doc: "Lets nothing pass in either direction. With carrier = true, the " +
		"devices at both ends lose their carrier too, and what is on its way is lost: the trace shows it as dropped " +
		"at the end that it would have reached.",
		Example: `net.wan:down()`, Phase: vm.Running},
		func(carrier *bool) []vm.Argument {
			return []vm.Argument{args.Bool.Def(carrier, "carrier", "false", "the devices at both ends see it")}
		}, down),
	{Name: "up", Doc: "Lets frames pass again after down.", Example: `net.wan:up()`, Phase: vm.Running, Fn: up},
}

func set(c *vm.Call, a *args.Wire) error {
	w := c.Self.(*session.LiveWire)
	live, err := w.Live(c)
	if err != nil {
		return err
	}
	s := slot.Of(w.Run)
	if a.Rate != nil {
		s.rated[w.Plan] = true
	} else if a.Queue != nil && w.Plan.Rate == 0 && !s.rated[w.Plan] {
		return c.Fail("queue", `say the rate too: rate = "10Mbit"`, "a wire without a rate has no queue")
	}
	if a.Delay != nil {
		s.delays[w.Plan] = *a.Delay
	}
	c.VM.Block(func() {
		live.Set(func(p *wire.Props) {
			p.Delay, p.Jitter, p.Rate = vm.Or(a.Delay, p.Delay), vm.Or(a.Jitter, p.Jitter), vm.Or(a.Rate, p.Rate)
			if q := a.Queue; q != nil {
				p.QueueBytes, p.QueuePackets = q.Bytes, q.Packets
			} else if p.Rate > 0 && p.QueueBytes == 0 && p.QueuePackets == 0 {
				p.QueuePackets = args.DefaultQueue
			}
		})
	})
	return nil
}

func down(c *vm.Call, carrier *bool) error {
	w := c.Self.(*session.LiveWire)
	live, err := w.Live(c)
	if err != nil {
		return err
	}
	if w.Run.Faults.Spare() {
		return nil
	}
	c.VM.Block(func() {
		live.SetDown(fmt.Sprintf("%s is down", w.Plan.Name), *carrier)
		if *carrier {
			err = w.Run.Lab.SetCarrier(w.Plan, false)
		}
	})
	return err
}

func up(c *vm.Call) error {
	w := c.Self.(*session.LiveWire)
	live, err := w.Live(c)
	if err != nil {
		return err
	}
	c.VM.Block(func() {
		err = w.Run.Lab.SetCarrier(w.Plan, true)
		live.SetDown("", false)
	})
	return err
}
