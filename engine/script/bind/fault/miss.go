//go:build linux

package fault

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

// NodeVerbs are those of routers and hosts.
var NodeVerbs = []*vm.Method{nodeBox, nodeMiss}

// missKinds are the segments that can miss their connection.
var missKinds = map[string]lookupmiss.Kind{"data": lookupmiss.Data, "fin": lookupmiss.Fin, "ack": lookupmiss.Ack}

// nodeMiss is the verb of routers and hosts that loses the race for a socket.
var nodeMiss = &vm.Method{Name: "lookup_miss", Doc: "Has the node's kernel miss the connection of a segment and find the listener of its port, as when another processor moves the connection in the socket table at that moment. Returns nil and the reason where programs may not be loaded into the kernel.",
	Example: `local race, why = server:lookup_miss { port = 443, tcp = "data" }`, Returns: "Fault, string?", Phase: vm.Running,
	Options: []vm.Option{
		args.Need("port", args.Port, "the port that the segments are for"),
		args.Need("tcp", args.Enum("kind of TCP segment", "data", "fin", "ack"), "which segments: with payload, with FIN, or acknowledgements with neither"),
		args.Opt("sport", args.Port, "the port they come from"),
		args.OptDef("nth", kNumber, "1", "the first of them that misses"),
		args.OptDef("times", kNumber, "1", "how many miss"),
		session.OptName, session.OptOptional,
	},
	Fn: func(c *vm.Call) error {
		n := c.Self.(*session.Node)
		r := lookupmiss.Rule{Port: uint16(c.Args["port"].(int)), Peer: uint16(vm.ArgOr(c, "sport", 0)), Kind: missKinds[c.Args["tcp"].(string)],
			Skip: uint32(vm.ArgOr(c, "nth", 1) - 1), Times: uint32(vm.ArgOr(c, "times", 1))}
		if n.Run.Spare() {
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
		n.Holds = append(n.Holds, m)
		h := &missHandle{miss: m, optional: vm.ArgOr(c, "optional", false)}
		h.Named(vm.ArgOr(c, "name", fmt.Sprintf("%s:lookup_miss { port = %d, tcp = %q }", n.Name, r.Port, c.Args["tcp"])), c.Line)
		n.Run.Arm(h)
		c.Return(c.VM.New(session.Fault, h))
		return nil
	}}

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
