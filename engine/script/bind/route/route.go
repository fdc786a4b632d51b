//go:build linux

// Package route has the verbs that say where a node sends packets: routes,
// policies, kernel settings, and what switches have learned.
package route

import (
	"errors"
	"maps"

	"golang.org/x/sys/unix"

	"netrepro/engine/lab/topology"
	"netrepro/engine/script/args"
	"netrepro/engine/script/diag"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// Room is what this room adds to the language.
func Room() vm.Room {
	return vm.Room{Members: append(session.OnNodes([]*vm.Method{routeVerb, policyVerb, sysctlVerb}),
		vm.Members{Of: session.Switch, Methods: switchVerbs})}
}

var (
	kSpread   = args.Enum("way to share", "address", "flow", "packet")
	kMark     = args.Int("mark", 1, 1<<31-1, "a whole number from 1")
	kPriority = args.Int("priority", 1, 32765, "1 to 32765, before the main table")
)

// routed are the arguments of route.
type routed struct {
	route  args.Route
	remove bool
	spread *string
}

var routeVerb = vm.Verb(vm.Method{Name: "route", Doc: "Adds a route, or replaces the one to the same prefix. " +
	"Over several neighbours it shares the traffic between them.",
	Example: `edge:route { to = "default", via = { "left", "right" }, spread = "flow" }`, Phase: vm.Running},
	func(a *routed) []vm.Argument {
		return append(args.RouteOptions(&a.route),
			args.Bool.Def(&a.remove, "delete", "false", "takes the route away"),
			kSpread.Maybe(&a.spread, "spread", "how several neighbours share the traffic: by addresses, by "+
				"addresses and ports, or each packet by itself"))
	},
	func(c *vm.Call, a *routed) error {
		n, r := c.Self.(*session.Node), a.route.Spec()
		if a.remove && len(r.Via) == 0 && r.Kind == "" {
			r.Kind = "blackhole" // what it was does not matter
		}
		plans, err := n.Run.Plan.Resolve(n.Node.Node, r)
		if err != nil {
			return placed(c, err)
		}
		turns := slot.Of(n).of
		old := map[string][]func() error{}
		for _, p := range plans {
			old[turnKey(p)] = turns[turnKey(p)]
			delete(turns, turnKey(p))
		}
		if a.remove {
			err = placed(c, n.DelRoute(plans...))
		} else {
			err = placed(c, spread(c, n, plans, a.spread))
		}
		if err != nil { // what was there stays
			maps.Copy(turns, old)
			return err
		}
		return undoAll(old)
	})

var policyVerb = vm.Verb(vm.Method{Name: "policy",
	Doc:     "Adds a rule that says which routing table is asked (ip-rule(8)).",
	Example: `edge:policy { from = "10.0.1.0/24", table = 100 }`, Phase: vm.Running},
	func(p *topology.Policy) []vm.Argument {
		return []vm.Argument{
			args.Table32.Need(&p.Table, "table", "the table that is asked"),
			args.Prefix.Opt(&p.From, "from", "of packets from here"),
			args.Prefix.Opt(&p.To, "to", "of packets to here"),
			kMark.Opt(&p.Mark, "mark", "of packets that a rule has marked"),
			session.KWire.Opt(&p.Wire, "iif", "of packets that came by this wire"),
			kPriority.Opt(&p.Priority, "priority", "rules with lower ones are asked first"),
		}
	},
	func(c *vm.Call, p *topology.Policy) error { return placed(c, c.Self.(*session.Node).AddPolicy(*p)) })

// placed gives an error of the topology its place in the script.
func placed(c *vm.Call, err error) error {
	var de *diag.Error
	if errors.As(err, &de) {
		return err // it has its place
	}
	var te *topology.Error
	if errors.As(err, &te) {
		return c.Fail(te.Word, te.Hint, "%s", te.Msg)
	}
	hint := "the kernel must be able to reach what the route leads over"
	switch {
	case errors.Is(err, unix.EEXIST):
		hint = "there is one like it already"
	case errors.Is(err, unix.ESRCH), errors.Is(err, unix.ENOENT):
		hint = "there is none like it"
	}
	if err != nil {
		return c.Fail("", hint, "%v", err)
	}
	return nil
}
