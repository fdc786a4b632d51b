//go:build linux

// Package miss has the verb that has a node's kernel lose a race: a segment's
// lookup misses its connection.
package miss

import (
	"errors"
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/kernel/lookupmiss"
	"netrepro/engine/lab/fault"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// Room is what this room adds to the language.
func Room() vm.Room { return vm.Room{Members: session.OnNodes([]*vm.Method{missVerb})} }

// missing are the arguments of lookup_miss.
type missing struct {
	port, sport int
	tcp         string
	nth, times  int
	name        *string
	optional    *bool
}

var (
	kNumber  = args.Int("number", 1, 1<<31, "write a whole number")
	kSegment = args.Enum("kind of TCP segment", "data", "fin", "ack")
)

// missKinds are the segments that can miss their connection.
var missKinds = map[string]lookupmiss.Kind{"data": lookupmiss.Data, "fin": lookupmiss.Fin, "ack": lookupmiss.Ack}

// missVerb is the verb of routers and hosts that loses the race for a socket.
var missVerb = vm.Verb(vm.Method{Name: "lookup_miss", Doc: "Makes the node's kernel give a segment to the " +
	"listener of its port and not to its connection, as if another processor moved the connection in the " +
	"socket table at that moment. Returns nil and the reason if programs may not be loaded into the kernel.",
	Example: `local race, why = server:lookup_miss { port = 443, tcp = "data" }`, Returns: "Fault, string?",
	Phase: vm.Running},
	func(a *missing) []vm.Argument {
		return []vm.Argument{
			args.Port.Need(&a.port, "port", "the port that the segments are for"),
			kSegment.Need(&a.tcp, "tcp",
				"which segments: with payload, with FIN, or acknowledgements with neither"),
			args.Port.Opt(&a.sport, "sport", "the port they come from"),
			kNumber.Def(&a.nth, "nth", "1", "the first of them that misses"),
			kNumber.Def(&a.times, "times", "1", "how many miss"),
			session.Named(&a.name), session.Optional(&a.optional),
		}
	}, miss)

func miss(c *vm.Call, a *missing) error {
	n := c.Self.(*session.Node)
	r := lookupmiss.Rule{Port: uint16(a.port), Peer: uint16(a.sport), Kind: missKinds[a.tcp], Skip: uint32(a.nth - 1),
		Times: uint32(a.times)}
	if n.Run.Faults.Spare() {
		r.Times = 0
	}
	var devices []string
	for _, f := range n.Ifaces {
		devices = append(devices, f.Dev)
	}
	m, err := lookupmiss.Make(n.NS, devices, r)
	if errors.Is(err, lookupmiss.ErrUnsupported) {
		c.Return(lua.LNil, lua.LString(err.Error()))
		return nil
	}
	if err != nil {
		return fmt.Errorf("%s: have lookups miss: %w", n.Name, err)
	}
	n.Hold(m)
	h := &missHandle{miss: m, optional: vm.Or(a.optional, false)}
	h.Named(vm.Or(a.name, fmt.Sprintf("%s:lookup_miss { port = %d, tcp = %q }", n.Name, r.Port, a.tcp)), c.Line)
	n.Run.Faults.Arm(h)
	c.Return(c.VM.New(session.Fault, h))
	return nil
}

// missHandle is what a script knows lookups that miss by.
type missHandle struct {
	fault.Counter
	miss     *lookupmiss.Miss
	optional bool
}

// Hits implements [fault.Handle].
func (h *missHandle) Hits() (int, error) { return h.miss.Hits() }

// Idle implements [fault.Handle].
func (h *missHandle) Idle() (bool, error) {
	n, err := h.miss.Hits()
	return n == 0 && !h.optional, err
}

// Disarm lets lookups find their connections again. It hides that of the
// counter, which only says so.
func (h *missHandle) Disarm() error { return h.miss.Disarm() }
