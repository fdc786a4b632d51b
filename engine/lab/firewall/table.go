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
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"golang.org/x/sys/unix"

	"netrepro/engine/lab/firewall/nft"
	"netrepro/engine/lab/firewall/tracking"
	"netrepro/engine/lab/netns"
	"netrepro/engine/lab/sysctl"
	"netrepro/engine/lab/topology"
)

// Table is the rule set of one node.
type Table struct {
	ns *netns.NS

	mu     sync.Mutex
	conn   *nftables.Conn
	table  *nftables.Table
	chains map[string]*nftables.Chain
	rules  int
	// listener hears what connection tracking does; nil before the first rule, and where
	// the kernel does not say.
	listener *tracking.Listener
	notrack  bool // some packets are not tracked: which ones is not told
}

// New makes an empty rule set for ns. Nothing reaches the kernel before the
// first rule.
func New(ns *netns.NS) *Table { return &Table{ns: ns, chains: map[string]*nftables.Chain{}} }

// Probe reports whether the kernel takes nftables rules in ns, NAT included.
func Probe(ns *netns.NS) error {
	t := New(ns)
	defer t.Close()
	return t.do(func() error {
		t.chain("dstnat")
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
	if t.listener != nil {
		err = errors.Join(err, t.listener.Close())
		t.listener = nil
	}
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
		t.listener, _ = tracking.Listen(t.ns) // a kernel without it filters all the same
		t.table = t.conn.AddTable(&nftables.Table{Name: "netrepro", Family: nftables.TableFamilyINet})
	}
	return f()
}

func (t *Table) flush(what string) error {
	if err := t.conn.Flush(); err != nil {
		// Nothing of the batch took effect: what it made must be made again.
		t.chains = map[string]*nftables.Chain{}
		t.conn.AddTable(t.table)
		var errno unix.Errno
		if errors.As(err, &errno) {
			err = errno // the rest tells how the library works
		}
		return fmt.Errorf("%s: %s: %w", t.ns.Name(), what, err)
	}
	return nil
}

// hook is a base chain.
type hook struct {
	kind nftables.ChainType
	hook *nftables.ChainHook
	prio *nftables.ChainPriority
}

// hooks are the chains that rules can be in, by name. The priorities are those
// that nft(8) has names for.
var hooks = map[string]hook{
	"raw":               {nftables.ChainTypeFilter, nftables.ChainHookPrerouting, nftables.ChainPriorityRaw},
	"raw_output":        {nftables.ChainTypeFilter, nftables.ChainHookOutput, nftables.ChainPriorityRaw},
	"mangle_prerouting": {nftables.ChainTypeFilter, nftables.ChainHookPrerouting, nftables.ChainPriorityMangle},
	"mangle":            {nftables.ChainTypeFilter, nftables.ChainHookForward, nftables.ChainPriorityMangle},
	"route_output":      {nftables.ChainTypeRoute, nftables.ChainHookOutput, nftables.ChainPriorityMangle},
	"dstnat":            {nftables.ChainTypeNAT, nftables.ChainHookPrerouting, nftables.ChainPriorityNATDest},
	"dstnat_output":     {nftables.ChainTypeNAT, nftables.ChainHookOutput, nftables.ChainPriorityNATDest},
	"srcnat":            {nftables.ChainTypeNAT, nftables.ChainHookPostrouting, nftables.ChainPriorityNATSource},
	"prerouting":        {nftables.ChainTypeFilter, nftables.ChainHookPrerouting, nftables.ChainPriorityFilter},
	"input":             {nftables.ChainTypeFilter, nftables.ChainHookInput, nftables.ChainPriorityFilter},
	"forward":           {nftables.ChainTypeFilter, nftables.ChainHookForward, nftables.ChainPriorityFilter},
	"output":            {nftables.ChainTypeFilter, nftables.ChainHookOutput, nftables.ChainPriorityFilter},
	"postrouting":       {nftables.ChainTypeFilter, nftables.ChainHookPostrouting, nftables.ChainPriorityFilter},
}

// Chains lists the names of the chains that rules can be in.
func Chains() []string { return slices.Sorted(maps.Keys(hooks)) }

func (t *Table) chain(name string) *nftables.Chain {
	c := t.chains[name]
	if c == nil {
		h := hooks[name]
		c = t.conn.AddChain(&nftables.Chain{Name: name, Table: t.table,
			Type: h.kind, Hooknum: h.hook, Priority: h.prio})
		t.chains[name] = c
	}
	return c
}

// Spec is a rule as text, in a chain.
type Spec struct {
	Chain string // one of [Chains]
	Text  string // as nft(8) writes rules
}

// Rule is one or more live rules that stand together.
type Rule struct {
	table *Table
	parts []part
	hits  int // once it is deleted, -1 before
}

// part is one rule in the kernel.
type part struct {
	chain *nftables.Chain
	tag   []byte
}

// Add installs rules that stand together: all of them, or, on error, none. An
// error in a text is an *[nft.Error].
func (t *Table) Add(specs ...Spec) (*Rule, error) {
	compiled := make([]*nft.Rule, len(specs))
	for i, s := range specs {
		if _, ok := hooks[s.Chain]; !ok {
			return nil, &nft.Error{Word: s.Chain,
				Msg: fmt.Sprintf("there is no chain %q; the chains are: %s", s.Chain, strings.Join(Chains(), ", "))}
		}
		var err error
		if compiled[i], err = nft.Compile(s.Text); err != nil {
			return nil, err
		}
	}
	r := &Rule{table: t, hits: -1}
	err := t.do(func() error {
		for i, c := range compiled {
			if err := t.addSets(c); err != nil {
				return err
			}
			t.rules++
			p := part{chain: t.chain(specs[i].Chain), tag: fmt.Appendf(nil, "netrepro-%d", t.rules)}
			exprs := slices.Concat(c.Match, []expr.Any{&expr.Counter{}}, c.Act)
			t.conn.AddRule(&nftables.Rule{Table: t.table, Chain: p.chain, Exprs: exprs, UserData: p.tag})
			r.parts = append(r.parts, p)
		}
		if err := t.flush(fmt.Sprintf("the kernel refuses the rule %q in chain %s", specs[0].Text, specs[0].Chain)); err != nil {
			return err
		}
		for _, s := range specs {
			t.notrack = t.notrack || strings.Contains(s.Text, "notrack")
		}
		// There is no such setting before a rule needs connection tracking, or at all.
		_ = sysctl.Set(t.ns, topology.Setting{Name: "net.netfilter.nf_conntrack_timestamp", Value: "1"})
		return nil
	})
	if err != nil {
		return nil, err
	}
	return r, nil
}

// addSets makes the anonymous sets of a rule.
func (t *Table) addSets(r *nft.Rule) error {
	for _, s := range r.Sets {
		// The kernel compares bytes: the type is for those who list rules.
		key := nftables.TypeInteger
		key.Bytes = uint32(s.Size)
		set := &nftables.Set{Table: t.table, Anonymous: true, Constant: true, Interval: s.Interval, KeyType: key}
		var elements []nftables.SetElement
		for _, e := range s.Elements {
			elements = append(elements, nftables.SetElement{Key: e.Key, IntervalEnd: e.End})
		}
		if err := t.conn.AddSet(set, elements); err != nil {
			return fmt.Errorf("%s: add set: %w", t.ns.Name(), err)
		}
		s.Lookup.SetName, s.Lookup.SetID = set.Name, set.ID
	}
	return nil
}

// each finds the live rules of r and hands them out.
func (r *Rule) each(f func(*nftables.Rule) error) error {
	for _, p := range r.parts {
		rules, err := r.table.conn.GetRules(r.table.table, p.chain)
		if err != nil {
			return fmt.Errorf("%s: read rules: %w", r.table.ns.Name(), err)
		}
		i := slices.IndexFunc(rules, func(x *nftables.Rule) bool { return bytes.Equal(x.UserData, p.tag) })
		if i < 0 {
			return fmt.Errorf("%s: a rule is gone", r.table.ns.Name())
		}
		if err := f(rules[i]); err != nil {
			return err
		}
	}
	return nil
}

// Hits is how many packets the rule matched so far.
func (r *Rule) Hits() (n int, err error) {
	if r.hits >= 0 {
		return r.hits, nil
	}
	err = r.table.do(func() error {
		return r.each(func(x *nftables.Rule) error {
			for _, e := range x.Exprs {
				if c, ok := e.(*expr.Counter); ok {
					n += int(c.Packets)
				}
			}
			return nil
		})
	})
	return n, err
}

// Delete takes the rule out again. Its hits stay.
func (r *Rule) Delete() error {
	n, err := r.Hits()
	if err != nil || r.hits >= 0 {
		return err
	}
	err = r.table.do(func() error {
		err := r.each(func(x *nftables.Rule) error {
			x.Table = r.table.table
			return r.table.conn.DelRule(x)
		})
		if err != nil {
			return err
		}
		return r.table.flush("delete rule")
	})
	if err == nil {
		r.hits = n
	}
	return err
}
