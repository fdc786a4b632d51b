//go:build linux

package kernel

import (
	"cmp"
	"hash/maphash"
	"net/netip"
	"slices"
	"time"

	"netrepro/engine/kernel/bpf"
	"netrepro/engine/packet"
	"netrepro/engine/tcp/sender"
	"netrepro/engine/trace"
)

// joiner joins each event to the packet that it is about. Which packet that is
// depends on the packets and the events alone, not on the order in which they
// came to be known.
type joiner struct {
	seed   maphash.Seed
	groups map[uint64]*group
	dirty  map[*group]bool
	// Few packets have an event. Of the others only this is kept: the newest of
	// those that are alike, and of each packet the one before it.
	newest map[uint64]int32
	before []int32         // by frame number, from 1
	known  []*trace.Packet // by frame number, from 1
	joined []*Event        // by frame number, from 1
}

func newJoiner() joiner {
	return joiner{seed: maphash.MakeSeed(), groups: map[uint64]*group{}, dirty: map[*group]bool{},
		newest: map[uint64]int32{}}
}

// alike is what an event and its packet have in common for sure.
type alike struct {
	node     string
	kind     bpf.Kind
	proto    uint8
	flags    packet.TCPFlags
	id       uint16
	seq, ack uint32
}

// group are packets and events that are alike, each in the order of their times.
type group struct {
	packets []*trace.Packet
	events  []*Event
}

const (
	// near is how far an event and its packet may be apart: on a host that is
	// stalled in between, seconds. Of several packets the nearest is meant.
	near = 5 * time.Second
	// skew is how much earlier than its packet an event may seem that cannot be:
	// the two are stamped by clocks of which one may be slewed.
	skew = 20 * time.Millisecond
)

// hear takes in an event.
func (j *joiner) hear(e *Event) {
	k, ok := e.alike()
	if !ok {
		return
	}
	h := maphash.Comparable(j.seed, k)
	g := j.groups[h]
	if g == nil {
		g = &group{}
		for n := j.newest[h]; n > 0; n = j.before[n-1] {
			g.packets = append(g.packets, j.known[n-1])
		}
		slices.SortStableFunc(g.packets, func(a, b *trace.Packet) int { return cmp.Compare(a.Time, b.Time) })
		j.groups[h] = g
	}
	g.events = insert(g.events, e, func(e *Event) time.Duration { return e.At })
	j.dirty[g] = true
}

// learn takes in a packet.
func (j *joiner) learn(p *trace.Packet) {
	for len(j.known) < p.N {
		j.known, j.joined, j.before = append(j.known, nil), append(j.joined, nil), append(j.before, 0)
	}
	k, ok := alikeOf(p)
	if !ok {
		return
	}
	h := maphash.Comparable(j.seed, k)
	j.known[p.N-1], j.before[p.N-1] = p, j.newest[h]
	j.newest[h] = int32(p.N)
	if g := j.groups[h]; g != nil {
		g.packets = insert(g.packets, p, func(p *trace.Packet) time.Duration { return p.Time })
		j.dirty[g] = true
	}
}

// settle takes in packets, joins anew what may have changed, and returns the
// number of the first packet of which something else is said now than before, 0
// if there is none; fresh ones are not among them.
func (j *joiner) settle(fresh []*trace.Packet) (changed int) {
	known := len(j.known)
	for _, p := range fresh {
		j.learn(p)
	}
	for g := range j.dirty {
		now := g.match()
		for _, p := range g.packets {
			e := now[p]
			if e == j.joined[p.N-1] {
				continue
			}
			j.joined[p.N-1] = e
			if p.N <= known && (changed == 0 || p.N < changed) {
				changed = p.N
			}
		}
	}
	clear(j.dirty)
	return changed
}

// of is the event that is joined to p, nil if none is.
func (j *joiner) of(p *trace.Packet) *Event {
	if p.N < 1 || p.N > len(j.joined) {
		return nil
	}
	return j.joined[p.N-1]
}

// insert puts x where its time says, behind its equals.
func insert[T any](all []T, x T, at func(T) time.Duration) []T {
	i := len(all)
	for i > 0 && at(all[i-1]) > at(x) {
		i--
	}
	return slices.Insert(all, i, x)
}

// match finds the packet of each event: from the last event back, the nearest
// packet that no later event is about. Of alike packets that come within one
// pass of the relay each is then given its own.
func (g *group) match() map[*trace.Packet]*Event {
	out := make(map[*trace.Packet]*Event, len(g.events))
	for _, e := range slices.Backward(g.events) {
		var best *trace.Packet
		least := 2 * near
		// Outward from the event: behind it first, then before it.
		from, _ := slices.BinarySearchFunc(g.packets, e.At,
			func(p *trace.Packet, at time.Duration) int { return int(p.Time - at) })
		try := func(p *trace.Packet, away time.Duration) (on bool) {
			if away > near || away >= least {
				return false
			}
			if meant, strictly := e.about(p); meant && out[p] == nil {
				if !strictly { // NAT of the node may have changed the addresses since
					away += near
				}
				if away < least {
					best, least = p, away
				}
			}
			return true
		}
		for i := from - 1; i >= 0 && try(g.packets[i], e.At-g.packets[i].Time); i-- {
		}
		for i := from; i < len(g.packets) && try(g.packets[i], g.packets[i].Time-e.At); i++ {
			if e.Kind == bpf.Drop && g.packets[i].Time-e.At > skew {
				break // nothing is dropped before it comes
			}
		}
		if best != nil {
			out[best] = e
		}
	}
	return out
}

// alikeOf is what an event about p would have, ok is false if there can be none.
func alikeOf(p *trace.Packet) (k alike, ok bool) {
	switch {
	case p.Dir == trace.In:
		return alike{p.Point.Node, bpf.Drop, p.Proto, p.Flags, p.ID, p.Seq, p.Ack}, true
	case !p.IsTCP():
		return k, false
	case p.Flags.Has(packet.RST):
		return resetAlike(p.Point.Node, p.Flags.Has(packet.ACK), p.Seq, p.Ack), true
	case p.Is(sender.Rexmit):
		return alike{node: p.Point.Node, kind: bpf.Retransmit, seq: p.Seq}, true
	}
	return k, false
}

// resetAlike is of a reset: with ACK it is its acknowledgement that tells, for its
// sequence number is not in every event.
func resetAlike(node string, ack bool, seq, acked uint32) alike {
	if ack {
		return alike{node: node, kind: bpf.SendReset, flags: packet.ACK, ack: acked}
	}
	return alike{node: node, kind: bpf.SendReset, seq: seq}
}

// alike is what the packet of e has, ok is false if e is about none that is in
// the trace.
func (e *Event) alike() (k alike, ok bool) {
	a := e.Answered
	switch e.Kind {
	case bpf.Retransmit:
		return alike{node: e.Node, kind: e.Kind, seq: e.SndUna}, true
	case bpf.Drop:
		if a == nil || e.ofAnother() {
			return k, false
		}
		return alike{e.Node, e.Kind, a.Proto, a.Flags, a.ID, a.Seq, a.Ack}, true
	case bpf.SendReset:
		switch {
		case !e.Passive():
			return resetAlike(e.Node, true, 0, e.RcvNxt), true
		case a == nil || !a.IsTCP():
			return k, false
		case a.Flags.Has(packet.ACK): // RFC 9293, section 3.10.7.1
			return resetAlike(e.Node, false, a.Ack, 0), true
		}
		return resetAlike(e.Node, true, 0, a.Seq+a.SeqLen()), true
	}
	return k, false
}

// copies are the functions that give raw sockets and captures a reference of
// their own to a packet, and drop it where nobody takes it.
var copies = []string{"packet_rcv", "packet_rcv_spkt", "tpacket_rcv", "raw_rcv", "rawv6_rcv", "raw_rcv_skb",
	"rawv6_rcv_skb"}

// ofAnother reports whether what was dropped was one of several references to a
// packet, of which another may have gone where it should: an answer to ping is
// given to the program's raw socket, and then to nobody (ping_rcv). A frame that a
// switch has flooded is not dropped where it is not for.
func (e *Event) ofAnother() bool {
	if e.Reason == "OTHERHOST" {
		return true
	}
	if !e.Cloned {
		return false
	}
	return e.Answered.ICMP() != nil || slices.Contains(copies, e.Function())
}

// about reports whether e is about p, which is alike, and whether the addresses
// are the same too.
func (e *Event) about(p *trace.Packet) (is, strictly bool) {
	src, dst := netip.AddrPortFrom(p.Src, p.SrcPort), netip.AddrPortFrom(p.Dst, p.DstPort)
	switch e.Kind {
	case bpf.Drop:
		a := e.Answered
		return same(a, &p.Packet), a.Src == p.Src && a.Dst == p.Dst && a.SrcPort == p.SrcPort && a.DstPort == p.DstPort
	case bpf.Retransmit:
		is = e.Local == src && e.Remote == dst
		return is, is
	}
	if e.Passive() && !e.Answered.Flags.Has(packet.ACK) && p.Seq != 0 {
		return false, false
	}
	from, to := e.Ends()
	return true, from == src && to == dst
}

// same reports whether a is the packet p, whose addresses and time to live the
// node may have changed before it dropped it.
func same(a, p *packet.Packet) bool {
	if a.Src.Is6() != p.Src.Is6() {
		return false
	}
	switch a.Proto {
	case packet.ProtoTCP:
		return a.SrcPort == p.SrcPort || a.DstPort == p.DstPort
	case packet.ProtoUDP:
		return a.PayloadLen == p.PayloadLen && (a.SrcPort == p.SrcPort || a.DstPort == p.DstPort)
	}
	return a.IPLen == p.IPLen && (a.Src == p.Src || a.Dst == p.Dst)
}
