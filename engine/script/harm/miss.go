//go:build linux

package harm

import (
	"errors"
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/fault"
	"netrepro/engine/kernel/miss"
	"netrepro/engine/script/kind"
	"netrepro/engine/script/vm"
	"netrepro/engine/script/world"
)

// NodeVerbs are those of routers and hosts.
var NodeVerbs = []*vm.Method{nodeBox, nodeMiss}

// missKinds are the segments that can miss their connection.
var missKinds = map[string]miss.Kind{"data": miss.Data, "fin": miss.Fin, "ack": miss.Ack}

// nodeMiss is the verb of routers and hosts that loses the race for a socket.
var nodeMiss = &vm.Method{Name: "lookup_miss", Doc: "Has the node's kernel miss the connection of a segment and find the listener of its port, as when another processor moves the connection in the socket table at that moment. Returns nil and the reason where programs may not be loaded into the kernel.",
	Example: `local race, why = server:lookup_miss { port = 443, tcp = "data" }`, Returns: "Fault", Phase: vm.Running,
	Options: []vm.Option{
		kind.Need("port", kind.Port, "the port that the segments are for"),
		kind.Need("tcp", kind.Enum("kind of TCP segment", "data", "fin", "ack"), "which segments: with payload, with FIN, or acknowledgements with neither"),
		kind.Opt("sport", kind.Port, "the port they come from"),
		kind.OptDef("nth", kNumber, "1", "the first of them that misses"),
		kind.OptDef("times", kNumber, "1", "how many miss"),
		world.OptName, world.OptOptional,
	},
	Fn: func(c *vm.Call) error {
		n := c.Self.(*world.Node)
		r := miss.Rule{Port: uint16(c.Args["port"].(int)), Peer: uint16(vm.ArgOr(c, "sport", 0)), Kind: missKinds[c.Args["tcp"].(string)],
			Skip: uint32(vm.ArgOr(c, "nth", 1) - 1), Times: uint32(vm.ArgOr(c, "times", 1))}
		if n.Run.Spare() {
			r.Times = 0
		}
		var devices []string
		for _, f := range n.Ifaces {
			devices = append(devices, f.Dev)
		}
		m, err := miss.Make(n.NS, devices, r)
		if errors.Is(err, miss.ErrUnsupported) {
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
		c.Return(c.VM.New(world.Fault, h))
		return nil
	}}

// missHandle is what a script knows lookups that miss by.
type missHandle struct {
	fault.Counter
	miss     *miss.Miss
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
