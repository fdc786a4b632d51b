// Package translated says in words what a NAT made of a packet.
//
// It does not find the packet again behind the NAT; package sighting does. Invariant: its
// memory is bounded, and of datagrams every translation is told once.
package translated

import (
	"fmt"

	"netrepro/engine/tcp/tuple"
)

// Note says that was became is.
func Note(was, is tuple.Tuple) string {
	if was.SrcPort|was.DstPort|is.SrcPort|is.DstPort == 0 { // ICMP
		return fmt.Sprintf("NAT: %s > %s became %s > %s", was.Src, was.Dst, is.Src, is.Dst)
	}
	return fmt.Sprintf("NAT: %s:%d > %s:%d became %s:%d > %s:%d", was.Src, was.SrcPort, was.Dst, was.DstPort, is.Src,
		is.SrcPort, is.Dst, is.DstPort)
}

// Datagrams knows which translations of packets without a connection were told. Its zero
// value is ready.
type Datagrams struct{ told map[[2]tuple.Tuple]bool }

// most bounds how many translations are remembered; beyond it they are told anew.
const most = 1 << 12

// Notes says that was became is, if it did and that was not told before.
func (d *Datagrams) Notes(was, is tuple.Tuple) []string {
	k := [2]tuple.Tuple{was, is}
	if was == is || d.told[k] {
		return nil
	}
	if len(d.told) >= most || d.told == nil {
		d.told = map[[2]tuple.Tuple]bool{}
	}
	d.told[k] = true
	return []string{Note(was, is)}
}
