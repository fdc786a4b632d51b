//go:build linux

// Package firewall filters and rewrites on nodes, with nftables rules sent as
// netlink messages, and reads connection tracking.
//
// It does not touch wires; package fault does.
//
// Invariant: every rule has a counter, so that a rule that never fired can be
// told; rules live in the node's namespace and go with it.
package firewall

import (
	"bytes"
	"fmt"
	"sync"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"

	"netrepro/engine/netns"
)

// Table is the rule set of one node.
type Table struct {
	ns *netns.NS

	mu     sync.Mutex
	conn   *nftables.Conn
	table  *nftables.Table
	chains map[string]*nftables.Chain
	rules  int
}

// New makes an empty rule set for ns. Nothing reaches the kernel before the
// first rule.
func New(ns *netns.NS) *Table { return &Table{ns: ns, chains: map[string]*nftables.Chain{}} }

// Probe reports whether the kernel takes nftables rules in ns, NAT included.
func Probe(ns *netns.NS) error {
	t := New(ns)
	defer t.Close()
	return t.do(func() error {
		t.chain(natPre)
		return t.flush("make a NAT chain")
	})
}

// Close closes the netlink socket; the rules stay until the node goes.
func (t *Table) Close() error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conn == nil {
		return nil
	}
	err := t.conn.CloseLasting()
	t.conn = nil
	return err
}

// do runs f with the connection open.
func (t *Table) do(f func() error) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.conn == nil {
		err := t.ns.Do(func() (err error) {
			t.conn, err = nftables.New(nftables.AsLasting())
			return err
		})
		if err != nil {
			return fmt.Errorf("%s: open nftables: %w", t.ns.Name(), err)
		}
		t.table = t.conn.AddTable(&nftables.Table{Name: "netrepro", Family: nftables.TableFamilyINet})
	}
	return f()
}

func (t *Table) flush(what string) error {
	if err := t.conn.Flush(); err != nil {
		// Nothing of the batch took effect: what it made must be made again.
		t.chains = map[string]*nftables.Chain{}
		t.conn.AddTable(t.table)
		return fmt.Errorf("%s: %s: %w", t.ns.Name(), what, err)
	}
	return nil
}

// hook is a base chain.
type hook struct {
	name string
	kind nftables.ChainType
	hook *nftables.ChainHook
	prio *nftables.ChainPriority
}

// The base chains rules go to.
var (
	natPre    = hook{"nat_prerouting", nftables.ChainTypeNAT, nftables.ChainHookPrerouting, nftables.ChainPriorityNATDest}
	filterIn  = hook{"input", nftables.ChainTypeFilter, nftables.ChainHookInput, nftables.ChainPriorityFilter}
	filterOut = hook{"output", nftables.ChainTypeFilter, nftables.ChainHookOutput, nftables.ChainPriorityFilter}
	filterFwd = hook{"forward", nftables.ChainTypeFilter, nftables.ChainHookForward, nftables.ChainPriorityFilter}
	mangleFwd = hook{"mangle_forward", nftables.ChainTypeFilter, nftables.ChainHookForward, nftables.ChainPriorityMangle}
)

func (t *Table) chain(h hook) *nftables.Chain {
	c := t.chains[h.name]
	if c == nil {
		c = t.conn.AddChain(&nftables.Chain{Name: h.name, Table: t.table, Type: h.kind, Hooknum: h.hook, Priority: h.prio})
		t.chains[h.name] = c
	}
	return c
}

// Rule is one live rule.
type Rule struct {
	table *Table
	chain *nftables.Chain
	tag   []byte
}

// add installs a rule: match, then a counter, then act.
func (t *Table) add(h hook, what string, match, act []expr.Any) (*Rule, error) {
	r := &Rule{table: t}
	err := t.do(func() error {
		t.rules++
		r.tag = fmt.Appendf(nil, "netrepro-%d", t.rules)
		r.chain = t.chain(h)
		exprs := append(append(append([]expr.Any(nil), match...), &expr.Counter{}), act...)
		t.conn.AddRule(&nftables.Rule{Table: t.table, Chain: r.chain, Exprs: exprs, UserData: r.tag})
		return t.flush(what)
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// Hits is how many packets the rule matched so far.
func (r *Rule) Hits() (n int, err error) {
	err = r.table.do(func() error {
		rules, err := r.table.conn.GetRules(r.table.table, r.chain)
		if err != nil {
			return fmt.Errorf("%s: read rule counters: %w", r.table.ns.Name(), err)
		}
		for _, rule := range rules {
			if !bytes.Equal(rule.UserData, r.tag) {
				continue
			}
			for _, e := range rule.Exprs {
				if c, ok := e.(*expr.Counter); ok {
					n = int(c.Packets)
					return nil
				}
			}
		}
		return fmt.Errorf("%s: a rule is gone", r.table.ns.Name())
	})
	return n, err
}
