//go:build linux

package fault

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/socket"
	"netrepro/engine/lab/fault"
	"netrepro/engine/lab/wire"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

var holdVerb = faultVerb("hold", "Keeps the packets that match back until they are released, one by one or all, in any order.",
	`local frozen = net.wan:hold { from = net.server, tcp = "fin" }`,
	[]vm.Option{args.Opt("till", kEvent, "a packet on the wire that lets all go, behind itself")},
	func(c *vm.Call) (fault.Action, error) {
		h := &fault.Hold{}
		h.Till, _ = vm.Arg[*fault.Event](c, "till")
		return h, nil
	})

// kOrder says which of the packets held: all, one, or several in an order.
var kOrder = &vm.Kind{Name: "place", Type: "integer|integer[]", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	one := args.Int("place", 1, 1<<20, "the packet that was held first is number 1")
	t, ok := x.(*lua.LTable)
	if !ok {
		n, err := one.Parse(c, x)
		if err != nil {
			return nil, err
		}
		return []int{n.(int)}, nil
	}
	items, err := args.List(t, "write { 2, 1 }")
	if err != nil {
		return nil, err
	}
	order := []int{}
	for _, x := range items {
		n, err := one.Parse(c, x)
		if err != nil {
			return nil, err
		}
		order = append(order, n.(int))
	}
	return order, nil
}}

// holdOf is the hold that a verb of a fault is about.
func holdOf(c *vm.Call) (*fault.Hold, error) {
	if f, ok := c.Self.(*fault.Fault); ok {
		if h, ok := f.Action().(*fault.Hold); ok {
			return h, nil
		}
	}
	return nil, c.Fail("", "make it with wire:hold", "%s holds nothing: only a hold does", c.Self.(fault.Handle))
}

// FaultVerbs are the verbs of what faults are known by.
var FaultVerbs = []*vm.Method{
	{Name: "release", Doc: "Of a hold: lets packets go, all or by their places among those held now, in that order. Each leaves as if it were sent then: it takes the wire's delay and overtakes nothing.",
		Example: `frozen:release { 2, 1 }`, Phase: vm.Running, First: "places", List: "places",
		Options: []vm.Option{args.Opt("places", kOrder, "a place from 1, or several"),
			args.OptDef("now", args.Bool, "false", "they arrive at once, and overtake what is on its way")},
		Fn: func(c *vm.Call) error {
			h, err := holdOf(c)
			if err != nil {
				return err
			}
			order, _ := vm.Arg[[]int](c, "places")
			c.VM.Block(func() {
				session.Of(c).Lab.Relay.Release(vm.ArgOr(c, "now", false), func() []*wire.Held {
					held := len(h.Held())
					for _, n := range order {
						if n > held {
							err = c.Fail(fmt.Sprint(n), "wait for more with wait(n)", "there is no packet %d to release: %d are held", n, held)
							return nil
						}
					}
					return h.Take(order)
				})
			})
			return err
		}},
	{Name: "wait", Doc: "Of a hold: waits until so many packets were held in all. Returns true, or nil and \"timeout\".", Example: `frozen:wait(2)`,
		Returns: "boolean, string?", Phase: vm.Running, Params: []vm.Param{{Name: "n", Kind: kNumber, Optional: true, Doc: "how many; 1 unless said"}},
		Options: []vm.Option{session.OptTimeout},
		Fn: func(c *vm.Call) error {
			h, err := holdOf(c)
			if err != nil {
				return err
			}
			ctx, cancel := session.Deadline(c)
			defer cancel()
			c.VM.Block(func() { err = h.Wait(ctx, vm.ArgOr(c, "n", 1)) })
			if err != nil {
				c.Return(lua.LNil, lua.LString(socket.Timeout))
				return session.Over(c)
			}
			c.Return(lua.LTrue)
			return nil
		}},
	{Name: "disarm", Doc: "Ends the fault: nothing is hit any more. What it holds stays held.", Example: `lost:disarm()`, Phase: vm.Running,
		Fn: func(c *vm.Call) error {
			switch f := c.Self.(type) {
			case interface{ Disarm() }:
				f.Disarm()
			case interface{ Disarm() error }:
				return f.Disarm()
			}
			return nil
		}},
}

// FaultFields are what faults on wires have besides what all have.
var FaultFields = []*vm.Field{{Name: "held", Type: "integer", Doc: "Of a hold: how many packets it holds now.", Get: func(_ *vm.VM, x any) (lua.LValue, error) {
	if f, ok := x.(*fault.Fault); ok {
		if h, ok := f.Action().(*fault.Hold); ok {
			return lua.LNumber(len(h.Held())), nil
		}
	}
	return lua.LNumber(0), nil
}}}
