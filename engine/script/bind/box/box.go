//go:build linux

// Package box has the verbs that put a function of the script's in the way of
// packets: it may drop, change and answer them, and make new ones.
package box

import (
	"slices"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/fault"
	"netrepro/engine/lab/topology/plan"
	"netrepro/engine/lab/wire"
	"netrepro/engine/script/args"
	"netrepro/engine/script/passing"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
	"netrepro/engine/trace"
)

// Room is what this room adds to the language.
func Room() vm.Room {
	return vm.Room{Members: append(session.OnNodes([]*vm.Method{nodeBox}),
		vm.Members{Of: session.Wire, Methods: []*vm.Method{wireBox}},
		vm.Members{Of: passing.Class, Methods: verbs})}
}

// boxed are the arguments of box.
type boxed struct {
	body *lua.LFunction
	name *string
}

func boxOptions(a *boxed) []vm.Argument {
	return []vm.Argument{
		args.Func.Param(&a.body, "body", "function(pkt): false drops the packet, anything else lets it pass"),
		session.Named(&a.name),
	}
}

const boxDoc = " It may drop, change and answer packets, make new ones, and keep state in locals. Return false to drop."

var wireBox = vm.Verb(vm.Method{Name: "box", Doc: "Runs a function on every packet that enters the wire." + boxDoc,
	Example: `net.wan:box(function(pkt) if pkt.ttl == 1 then return false end end)`, Returns: "Fault",
	Phase: vm.Running},
	boxOptions,
	func(c *vm.Call, a *boxed) error {
		w := c.Self.(*session.LiveWire)
		live, err := w.Live(c)
		if err != nil {
			return err
		}
		b := newBox(c, a, w.Plan.Name, nil)
		c.VM.Block(func() { live.AddFault(b) })
		return nil
	})

// nodeBox is the verb of routers and hosts.
var nodeBox = vm.Verb(vm.Method{Name: "box", Doc: "Runs a function on every packet that reaches this node." + boxDoc,
	Example: `edge:box(function(pkt) if pkt.dport == 81 then pkt:answer { flags = "R." } return false end end)`,
	Returns: "Fault", Phase: vm.Running}, boxOptions,
	func(c *vm.Call, a *boxed) error {
		n := c.Self.(*session.Node)
		if !slices.ContainsFunc(n.Ifaces, func(f *plan.Iface) bool { return !f.Wire.Direct }) {
			return c.Fail("box", "leave direct out of a wire",
				"every wire of %s is direct: its frames do not pass through the engine", n.Name)
		}
		b := newBox(c, a, n.Name, n)
		c.VM.Block(func() {
			for _, f := range n.Ifaces {
				if live := n.Run.Lab.Relay.Wire(f.Wire.Name); live != nil {
					live.AddBox(f.Side, b)
				}
			}
		})
		return nil
	})

// box is a function of the script's that packets pass.
type box struct {
	fault.Counter
	run  *session.Run
	node *session.Node // nil on a wire
	call *vm.Inline
}

func newBox(c *vm.Call, a *boxed, where string, n *session.Node) *box {
	run := session.Of(c)
	b := &box{run: run, node: n, call: c.VM.Inline(a.body)}
	b.Named(vm.Or(a.name, where+":box"), c.Line)
	if run.Faults.Spare() {
		b.Disarm()
	}
	run.Faults.Arm(b)
	c.Return(c.VM.New(session.Fault, b))
	return b
}

// Idle implements [fault.Handle]: a box may see nothing.
func (b *box) Idle() (bool, error) { return false, nil }

// Apply implements [wire.Fault].
func (b *box) Apply(p *trace.Packet, v *wire.Verdict) { b.Pass(p, v) }

// Pass implements [wire.Box].
func (b *box) Pass(p *trace.Packet, v *wire.Verdict) {
	if b.Off() {
		return
	}
	pkt := passing.New(b.run, p, v)
	pkt.By, pkt.Node = b.String(), b.node
	x, err := pkt.Call(b.call)
	if err != nil {
		if b.run.VM.Context().Err() == nil { // else the case is over, for another reason
			b.Fail(err)
		}
		return
	}
	if x == lua.LFalse {
		v.Drop(b.String())
	}
	if x == lua.LFalse || pkt.Made {
		b.Hit(p)
	}
}
