//go:build linux

package fault

import (
	"fmt"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/socket"
	"netrepro/engine/lab/fault"
	"netrepro/engine/lab/wire"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// held are the arguments of hold.
type held struct {
	till *fault.Event
	most time.Duration
}

var holdVerb = faultVerb(vm.Method{Name: "hold",
	Doc:     "Holds back the packets that match until they are released: one by one or all, in any order.",
	Example: `local frozen = net.wan:hold { from = net.server, tcp = "fin" }`},
	func(a *held) []vm.Argument {
		return []vm.Argument{
			kEvent.Opt(&a.till, "till", "a packet on the wire that lets all go, behind itself"),
			args.Duration.Opt(&a.most, "most", "how long each is held at most; without it, until it is released"),
		}
	},
	func(_ *vm.Call, a *held, _ *common) (fault.Action, error) {
		return &fault.Hold{Till: a.till, Most: a.most}, nil
	})

var kPlace = args.Int("place", 1, 1<<20, "the packet that was held first is number 1")

// kOrder says which of the packets held: one, or several in an order.
var kOrder = vm.NewKind("place", "integer|integer[]", func(c *vm.Call, x lua.LValue) ([]int, error) {
	items := []lua.LValue{x}
	if t, ok := x.(*lua.LTable); ok {
		var err error
		if items, err = args.List(t, "write { 2, 1 }"); err != nil {
			return nil, err
		}
	}
	order := []int{}
	for _, x := range items {
		n, err := kPlace.Read(c, x)
		if err != nil {
			return nil, err
		}
		order = append(order, n)
	}
	return order, nil
})

// holdOf is the hold that a verb of a fault is about.
func holdOf(c *vm.Call) (*fault.Hold, error) {
	if f, ok := c.Self.(*fault.Fault); ok {
		if h, ok := f.Action().(*fault.Hold); ok {
			return h, nil
		}
	}
	return nil, c.Fail("", "make it with wire:hold", "%s holds nothing: only a hold does", c.Self.(fault.Handle))
}

// released are the arguments of release.
type released struct {
	places []int
	now    bool
}

// awaited are the arguments of wait.
type awaited struct {
	n       int
	timeout time.Duration
}

// faultVerbs are the verbs of what faults are known by.
var faultVerbs = []*vm.Method{
	vm.Verb(vm.Method{Name: "release",
		Doc: "Of a hold: lets packets go, all or by their places among those held now, " +
			"in that order. Each leaves as if it were sent then: it takes the wire's delay and overtakes nothing.",
		Example: `frozen:release { 2, 1 }`, Phase: vm.Running, First: "places", List: "places"},
		func(a *released) []vm.Argument {
			return []vm.Argument{
				kOrder.Opt(&a.places, "places", "a place from 1, or several"),
				args.Bool.Def(&a.now, "now", "false", "they arrive at once, and overtake what is on its way"),
			}
		}, release),
	vm.Verb(vm.Method{Name: "wait",
		Doc:     `Of a hold: waits until so many packets were held in all. Returns true, or nil and "timeout".`,
		Example: `frozen:wait(2)`, Returns: "boolean, string?", Phase: vm.Running},
		func(a *awaited) []vm.Argument {
			a.n = 1
			return []vm.Argument{kNumber.OptParam(&a.n, "n", "how many; 1 by default"), session.Timeout(&a.timeout)}
		},
		func(c *vm.Call, a *awaited) error {
			h, err := holdOf(c)
			if err != nil {
				return err
			}
			ctx, cancel := session.Deadline(c, a.timeout)
			defer cancel()
			c.VM.Block(func() { err = h.Wait(ctx, a.n) })
			if err != nil {
				c.Return(lua.LNil, lua.LString(socket.Timeout))
				return session.Over(c)
			}
			c.Return(lua.LTrue)
			return nil
		}),
	{Name: "disarm", Doc: "Ends the fault: nothing is hit any more. What it holds stays held.",
		Example: `lost:disarm()`,
		Phase:   vm.Running,
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

func release(c *vm.Call, a *released) error {
	h, err := holdOf(c)
	if err != nil {
		return err
	}
	c.VM.Block(func() {
		session.Of(c).Lab.Relay.Release(a.now, func() []*wire.Held {
			held := len(h.Held())
			for _, n := range a.places {
				if n > held {
					err = c.Fail(fmt.Sprint(n), "wait for more with wait(n)",
						"there is no packet %d to release: %d are held", n, held)
					return nil
				}
			}
			return h.Take(a.places)
		})
	})
	return err
}

// faultFields are what faults on wires have besides what all have.
var faultFields = []*vm.Field{vm.FieldOf("held", "integer", "Of a hold: how many packets it holds now.",
	func(x fault.Handle) lua.LValue {
		if f, ok := x.(*fault.Fault); ok {
			if h, ok := f.Action().(*fault.Hold); ok {
				return lua.LNumber(len(h.Held()))
			}
		}
		return lua.LNumber(0)
	})}
