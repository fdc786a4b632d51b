//go:build linux

package firewall

import (
	"fmt"

	"github.com/google/nftables"
	"github.com/google/nftables/expr"

	"netrepro/engine/lab/netns"
)

// Rules are the rules of all tables in ns, a line each: where it is, what packets and
// bytes it has counted, and its verdict. They are read from the kernel.
func Rules(ns *netns.NS) (out []string, err error) {
	err = ns.Do(func() error {
		c, err := nftables.New()
		if err != nil {
			return err
		}
		chains, err := c.ListChains()
		if err != nil {
			return err
		}
		for _, chain := range chains {
			rules, err := c.GetRules(chain.Table, chain)
			if err != nil {
				return err
			}
			for i, r := range rules {
				out = append(out, fmt.Sprintf("%s %s #%d%s", chain.Table.Name, chain.Name, i+1, told(r.Exprs)))
			}
		}
		return nil
	})
	return out, err
}

// told are the parts of a rule that say what became of packets.
func told(exprs []expr.Any) (s string) {
	for _, e := range exprs {
		switch e := e.(type) {
		case *expr.Counter:
			s += fmt.Sprintf(" %d packets %d bytes", e.Packets, e.Bytes)
		case *expr.Verdict:
			s += map[expr.VerdictKind]string{expr.VerdictDrop: " drop", expr.VerdictAccept: " accept"}[e.Kind]
		case *expr.NAT:
			s += map[expr.NATType]string{expr.NATTypeSourceNAT: " snat", expr.NATTypeDestNAT: " dnat"}[e.Type]
		case *expr.Masq:
			s += " masquerade"
		case *expr.Redir:
			s += " redirect"
		case *expr.Reject:
			s += " reject"
		}
	}
	return s
}
