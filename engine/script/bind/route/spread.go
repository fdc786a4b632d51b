//go:build linux

package route

import (
	"errors"
	"fmt"
	"slices"

	"netrepro/engine/lab/firewall"
	"netrepro/engine/lab/sysctl"
	"netrepro/engine/lab/topology"
	"netrepro/engine/lab/topology/plan"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// turning are the routes of a node whose packets go over several neighbours in
// turn: what takes that out again, by route.
type turning struct{ of map[string][]func() error }

var slot = session.NewSlot(func(*session.Node) *turning { return &turning{map[string][]func() error{}} })

// taken counts the routing tables that a case has taken.
type taken struct{ tables int }

var tables = session.NewSlot(func(*session.Run) *taken { return &taken{} })

// hashPolicy are the values of fib_multipath_hash_policy by what shares the hops
// of a route.
var hashPolicy = map[string]string{"address": "0", "flow": "1"}

// firstTable and firstMark are where the tables and marks begin that send each
// packet of a route by itself.
const firstTable, firstMark, mainTable = 7000, 0x4000, 254

// spread installs a route that shares its traffic as asked.
func spread(c *vm.Call, n *session.Node, plans []plan.Route, how *string) error {
	if how != nil && len(plans[0].Hops) < 2 {
		return c.Fail("spread", `write via = { "left", "right" }`, "a route over one neighbour shares nothing")
	}
	if how == nil {
		return n.AddRoute(plans...)
	}
	if *how != "packet" {
		for _, route := range plans {
			name := "net.ipv4.fib_multipath_hash_policy"
			if route.To.Addr().Is6() {
				name = "net.ipv6.fib_multipath_hash_policy"
			}
			if err := sysctl.Set(n.NS, topology.Setting{Name: name, Value: hashPolicy[*how]}); err != nil {
				return err
			}
		}
		return n.AddRoute(plans...)
	}
	// Kernels have not done it by themselves since 3.6: packets are marked in
	// turn, and each mark has a table of its own.
	for _, route := range plans {
		if err := turns(c, n, route); err != nil {
			return err
		}
	}
	return nil
}

// turns installs a route over whose neighbours packets go in turn, as often as
// their weights say.
func turns(c *vm.Call, n *session.Node, route plan.Route) (err error) {
	var hops []plan.Hop
	for _, h := range route.Hops {
		for range max(h.Weight, 1) {
			hops = append(hops, h)
		}
	}
	all := tables.Of(n.Run)
	base := all.tables
	all.tables += len(hops)
	only, field, proto := topology.IPv4, "ip daddr", "ipv4"
	if route.To.Addr().Is6() {
		only, field, proto = topology.IPv6, "ip6 daddr", "ipv6"
	}
	var undo []func() error
	defer func() {
		if err != nil { // nothing stays half made
			_ = undoAll(map[string][]func() error{"": undo})
		}
	}()
	for i, hop := range hops {
		one := route
		one.Hops, one.Table = []plan.Hop{hop}, firstTable+base+i
		if err := n.AddRoute(one); err != nil {
			return err
		}
		undo = append(undo, func() error { return n.DelRoute(one) })
		mark, priority := firstMark+base+i, firstMark+2*(base+i)
		// What the main table knows better comes first.
		for _, p := range []topology.Policy{
			{Mark: mark, Table: mainTable, Priority: priority, LongerThan: route.To.Bits() + 1, Only: only},
			{Mark: mark, Table: one.Table, Priority: priority + 1, Only: only},
		} {
			if err := n.AddPolicy(p); err != nil {
				return err
			}
			undo = append(undo, func() error { return n.DelPolicy(p) })
		}
	}
	about := "meta nfproto " + proto
	if route.To.Bits() > 0 {
		about = fmt.Sprintf("%s %s", field, route.To)
	}
	text := fmt.Sprintf("%s meta mark set numgen inc mod %d offset %d", about, len(hops), firstMark+base)
	rule, err := n.Rules.Add(firewall.Spec{Chain: "mangle_prerouting", Text: text},
		firewall.Spec{Chain: "route_output", Text: text})
	if err != nil {
		return session.RefusedRule(c, err)
	}
	undo = append(undo, rule.Delete)
	if err := n.AddRoute(route); err != nil {
		return err
	}
	slot.Of(n).of[turnKey(route)] = undo
	return nil
}

// turnKey names the routes that replace each other.
func turnKey(p plan.Route) string { return fmt.Sprint(p.To, " ", p.Table) }

// undoAll takes out what had packets to prefixes go in turn.
func undoAll(turns map[string][]func() error) error {
	var errs []error
	for _, undo := range turns {
		for _, f := range slices.Backward(undo) {
			errs = append(errs, f())
		}
	}
	return errors.Join(errs...)
}
