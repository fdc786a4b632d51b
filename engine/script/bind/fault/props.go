//go:build linux

package fault

import (
	"fmt"
	"time"

	"netrepro/engine/lab/fault"
	"netrepro/engine/lab/fault/chance"
	"netrepro/engine/lab/wire"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// propVerbs change what a wire is.
var propVerbs = []*vm.Method{
	{Name: "set", Doc: "Changes the wire for what enters it from now on.", Example: `net.wan:set { delay = "200ms", rate = "1Mbit", queue = "32KB" }`,
		Phase: vm.Running, Options: args.WireOptions,
		Fn: func(c *vm.Call) error {
			w, live, err := liveOf(c)
			if err != nil {
				return err
			}
			if _, rate := c.Args["rate"]; rate {
				w.Run.Rated[w.Plan] = true
			} else if _, queue := c.Args["queue"]; queue && w.Plan.Rate == 0 && !w.Run.Rated[w.Plan] {
				return c.Fail("queue", `say the rate too: rate = "10Mbit"`, "a wire without a rate has no queue")
			}
			if d, ok := vm.Arg[time.Duration](c, "delay"); ok {
				w.Run.Delays[w.Plan] = d
			}
			c.VM.Block(func() {
				live.Set(func(p *wire.Props) {
					p.Delay, p.Jitter = vm.ArgOr(c, "delay", p.Delay), vm.ArgOr(c, "jitter", p.Jitter)
					p.Rate = vm.ArgOr(c, "rate", p.Rate)
					if q, ok := vm.Arg[args.QueueSize](c, "queue"); ok {
						p.QueueBytes, p.QueuePackets = q.Bytes, q.Packets
					} else if p.Rate > 0 && p.QueueBytes == 0 && p.QueuePackets == 0 {
						p.QueuePackets = args.DefaultQueue
					}
				})
			})
			return nil
		}},
	{Name: "down", Doc: "Lets nothing pass in either direction. With carrier = true the devices at both ends lose their carrier too, and what is on its way is lost.",
		Example: `net.wan:down()`, Phase: vm.Running,
		Options: []vm.Option{args.OptDef("carrier", args.Bool, "false", "the devices at both ends see it")},
		Fn: func(c *vm.Call) error {
			w, live, err := liveOf(c)
			if err != nil {
				return err
			}
			if w.Run.Spare() {
				return nil
			}
			carrier := vm.ArgOr(c, "carrier", false)
			c.VM.Block(func() {
				live.SetDown(fmt.Sprintf("%s is down", w.Plan.Name), carrier)
				if carrier {
					err = w.Run.Lab.SetCarrier(w.Plan, false)
				}
			})
			return err
		}},
	{Name: "up", Doc: "Lets frames pass again after down.", Example: `net.wan:up()`, Phase: vm.Running,
		Fn: func(c *vm.Call) error {
			w, live, err := liveOf(c)
			if err != nil {
				return err
			}
			c.VM.Block(func() {
				err = w.Run.Lab.SetCarrier(w.Plan, true)
				live.SetDown("", false)
			})
			return err
		}},
}

// Equip gives the wires of a case the losses that its topology says.
func Equip(r *session.Run) {
	for _, w := range r.Plan.Wires {
		if w.Loss > 0 && !r.Spare() {
			r.Lab.Relay.Wire(w.Name).AddFault(fault.New(fault.Spec{Action: fault.Drop{}, Gate: fault.Gate{Chance: &chance.Model{P: w.Loss}},
				Name: fmt.Sprintf("loss of wire %s", w.Name), Optional: true, Where: w.Name, Line: w.Line, Seed: r.Draw()}))
		}
	}
}
