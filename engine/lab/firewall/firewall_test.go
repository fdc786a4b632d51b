//go:build linux

package firewall

import (
	"errors"
	"net"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"netrepro/engine/lab/firewall/nft"
	"netrepro/engine/lab/netns"
	"netrepro/engine/testutil/leaks"
)

// alone is a namespace whose only device, lo, is up, and an empty rule set for it.
func alone(t *testing.T) (*netns.NS, *Table) {
	t.Helper()
	leaks.Lab(t)
	ns, err := netns.New("alone")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ns.Close(); err != nil {
			t.Error(err)
		}
	})
	if err := Probe(ns); err != nil {
		if errors.Is(err, unix.EPERM) {
			t.Fatal(err)
		}
		t.Skipf("the kernel takes no rules: %v", err)
	}
	err = ns.Do(func() error {
		lo, err := netlink.LinkByName("lo")
		if err != nil {
			return err
		}
		return netlink.LinkSetUp(lo)
	})
	if err != nil {
		t.Fatal(err)
	}
	table := New(ns)
	t.Cleanup(func() {
		if err := table.Close(); err != nil {
			t.Error(err)
		}
	})
	return ns, table
}

// send sends a datagram from a port to a port of the same host. That nobody
// listens there, or that a rule refuses it, is no matter.
func send(t *testing.T, ns *netns.NS, from, to int) {
	t.Helper()
	err := ns.Do(func() error {
		c, err := net.DialUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: from},
			&net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: to})
		if err != nil {
			return err
		}
		_, err = c.Write([]byte("x"))
		if errors.Is(err, unix.EPERM) { // dropped on its way out
			err = nil
		}
		return errors.Join(err, c.Close())
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestHits counts what rules of every kind match: a rule counts before it acts.
func TestHits(t *testing.T) {
	for _, tt := range []struct {
		name  string
		specs []Spec
		want  int
	}{
		{"one port", []Spec{{"output", "udp dport 2000 drop"}}, 2},
		{"another port", []Spec{{"output", "udp dport 2001 drop"}}, 0},
		{"a set", []Spec{{"output", "udp dport { 1999-2000, 3000 } accept"}}, 3},
		{"rules that stand together", []Spec{{"output", "udp dport 2000"}, {"input", "udp dport 3000"}}, 3},
		{"an address of the other version", []Spec{{"output", "ip6 daddr ::1 drop"}}, 0},
		{"tracked", []Spec{{"output", "udp dport 3000 ct state new"}}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			ns, table := alone(t)
			r, err := table.Add(tt.specs...)
			if err != nil {
				t.Fatal(err)
			}
			send(t, ns, 1000, 2000)
			send(t, ns, 1001, 2000)
			send(t, ns, 1002, 3000)
			if n, err := r.Hits(); err != nil || n != tt.want {
				t.Errorf("%d hits, %v; want %d", n, err, tt.want)
			}
			if err := r.Delete(); err != nil {
				t.Fatal(err)
			}
			send(t, ns, 1003, 2000)
			send(t, ns, 1004, 3000)
			if n, err := r.Hits(); err != nil || n != tt.want {
				t.Errorf("once deleted %d hits, %v; want %d", n, err, tt.want)
			}
			if err := r.Delete(); err != nil {
				t.Errorf("deleting twice: %v", err)
			}
		})
	}
}

// TestAddRefuses adds rules that stand together with one that is wrong: the error
// names the word, and none is there.
func TestAddRefuses(t *testing.T) {
	_, table := alone(t)
	good := Spec{"output", "udp dport 2000 drop"}
	for _, tt := range []struct {
		name string
		spec Spec
		word string // empty if the kernel refuses it
	}{
		{"no such chain", Spec{"outpt", "drop"}, "outpt"},
		{"no such word", Spec{"output", "udp dport 2000 frobnicate"}, "frobnicate"},
		{"a translation where none is", Spec{"input", "ip daddr 127.0.0.1 dnat to 127.0.0.2"}, ""},
	} {
		_, err := table.Add(good, tt.spec)
		var ne *nft.Error
		switch named := errors.As(err, &ne); {
		case err == nil:
			t.Errorf("%s: added", tt.name)
		case tt.word != "" && (!named || ne.Word != tt.word):
			t.Errorf("%s: error %v, want one at %q", tt.name, err, tt.word)
		case tt.word == "" && (named || !strings.HasPrefix(err.Error(), "alone: the kernel refuses the rule")):
			t.Errorf("%s: error %v", tt.name, err)
		}
	}
	r, err := table.Add(good) // what was refused does not stand in its way
	if err != nil {
		t.Fatal(err)
	}
	err = table.do(func() error {
		rules, err := table.conn.GetRules(table.table, r.parts[0].chain)
		if len(rules) != 1 {
			t.Errorf("%d rules are in the chain, want 1", len(rules))
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestChains adds a rule to every chain and asks the kernel where it hooks in: a
// rule is what its text says with a counter before what it does.
func TestChains(t *testing.T) {
	ns, table := alone(t)
	for _, name := range Chains() {
		if _, err := table.Add(Spec{name, "udp dport 9 accept"}); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	err := ns.Do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		chains, err := c.ListChains()
		if err != nil {
			return err
		}
		var names []string
		for _, chain := range chains {
			h := hooks[chain.Name]
			names = append(names, chain.Name)
			if chain.Type != h.kind || *chain.Hooknum != *h.hook || *chain.Priority != *h.prio {
				t.Errorf("%s is a %s chain of hook %d at %d", chain.Name, chain.Type, *chain.Hooknum, *chain.Priority)
			}
			rules, err := c.GetRules(chain.Table, chain)
			if err != nil || len(rules) != 1 {
				t.Errorf("%s has %d rules, %v", chain.Name, len(rules), err)
				continue
			}
			n := len(rules[0].Exprs)
			_, counts := rules[0].Exprs[n-2].(*expr.Counter)
			if _, acts := rules[0].Exprs[n-1].(*expr.Verdict); !counts || !acts {
				t.Errorf("%s: the rule ends in %T, %T", chain.Name, rules[0].Exprs[n-2], rules[0].Exprs[n-1])
			}
		}
		slices.Sort(names)
		if !slices.Equal(names, Chains()) {
			t.Errorf("the kernel has the chains %v, want %v", names, Chains())
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// TestConntrack lists what is tracked, as it came and as its answer would, and
// forgets a part of it.
func TestConntrack(t *testing.T) {
	ns, table := alone(t)
	if _, err := table.Add(Spec{"output", "udp dport 2000 ct mark set 7"}); err != nil {
		t.Fatal(err)
	}
	send(t, ns, 1000, 2000)
	send(t, ns, 1001, 3000)
	ports := func() (out []int) {
		entries, err := Conntrack(ns)
		if err != nil {
			t.Fatal(err)
		}
		for _, e := range entries {
			if e.Proto != unix.IPPROTO_UDP { // that nobody listens is said, too
				continue
			}
			out = append(out, e.Orig.DPort)
			home := netip.AddrFrom4([4]byte{127, 0, 0, 1})
			want := Tuple{Src: home, Dst: home, SPort: e.Orig.DPort, DPort: e.Orig.SPort}
			mark := map[int]uint32{2000: 7}[e.Orig.DPort]
			if e.Reply != want || e.Orig.Src != home || e.Mark != mark || e.State != "" || e.Timeout <= 0 {
				t.Errorf("entry %+v", e)
			}
		}
		slices.Sort(out)
		return out
	}
	if got := ports(); !slices.Equal(got, []int{2000, 3000}) {
		t.Errorf("ports %v are tracked", got)
	}
	n, err := Forget(ns, func(e *Entry) bool { return e.Mark == 7 })
	if err != nil || n != 1 {
		t.Errorf("%d were forgotten, %v", n, err)
	}
	if got := ports(); !slices.Equal(got, []int{3000}) {
		t.Errorf("then ports %v are tracked", got)
	}
}
