// Package idle has the rules for connections that something on the way forgets while nothing is
// sent.
package idle

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/packet"
	"netrepro/engine/tcp/sender"
)

// Rules are the rules of this room.
var Rules = []finding.Rule{finding.Each(forgotten), finding.Each(remapped)}

// Least is the least time after which something on the way forgets an idle connection: short
// UDP-like timeouts of carriers begin at 30 s.
const Least = 28 * time.Second

// forgotten is a connection of which nothing is answered any more after a pause; what comes first
// after it may be a keep-alive.
func forgotten(f *incident.Flow) *finding.Finding {
	if !f.Established() {
		return nil
	}
	idle, after := f.Idle()
	if last, silent := lastPause(f); silent != nil { // half closed, less is borne than before
		idle, after = last, silent
	}
	if after == nil || idle < Least {
		return nil
	}
	tail := []*incident.Segment{after}
	for _, g := range f.After(after, func(*incident.Segment) bool { return true }) {
		if g.Side != after.Side {
			return nil // it is answered
		}
		if heard(after, g) {
			return nil // answers came that the capture does not have
		}
		tail = append(tail, g)
	}
	tries := 0
	if !slices.ContainsFunc(tail, (*incident.Segment).Again) {
		return nil // the capture may only end before the answer comes
	}
	for _, g := range tail {
		if g.SeqLen() > 0 && g.Class&sender.KeepAlive == 0 { // a keep-alive may carry a byte
			tries++
		}
	}
	if tries < 3 {
		return nil
	}
	if fin := f.Sides[1-after.Side].FIN; fin != nil && fin.Time < after.Time {
		c := finding.New("half-close-timeout", f).
			Say("The %s closed its direction in frame %d; after a pause of %v what the %s still sends is not "+
				"answered any "+
				"more: what keeps state had given the half-closed connection up.", incident.Name(1-after.Side), fin.N,
				idle.Round(time.Second), incident.Name(after.Side))
		c.For(2.2, fmt.Sprintf("half closed, %v of silence, then %d tries without an answer",
			idle.Round(time.Second), tries),
			fin).Cite(tail...)
		return c.IsNot("pmtu-blackhole: it is the pause, not the size").
			IsNot("loss-one-way: it works until the pause")
	}
	c := finding.New("idle-timeout-middlebox", f).
		Say("After %v of silence nothing that the %s sends is answered any more, %d tries long: something on the "+
			"way forgot "+
			"the connection while it was idle.", idle.Round(time.Second), incident.Name(after.Side), tries)
	c.For(1.6, fmt.Sprintf("%v of silence, then %d tries without an answer", idle.Round(time.Second), tries), tail...)
	fresh := f.Others(func(o *incident.Flow) bool {
		return o.SameServer(f) && o.SYNACK != nil && o.SYN != nil && o.SYN.Time > after.Time
	})
	if len(fresh) > 0 {
		c.For(1.2, "a new connection to the same port opens at once", fresh[0].SYN, fresh[0].SYNACK)
	}
	return c.IsNot("loss-one-way: it works until the pause, and new connections do").
		IsNot("rst-no-socket-stale: nobody resets")
}

// lastPause is the pause before all that a side sends in vain at the end, and the first of that,
// where the other end had closed its direction; nil if there is none.
func lastPause(f *incident.Flow) (time.Duration, *incident.Segment) {
	first := len(f.Segments) - 1
	for first > 0 && f.Segments[first-1].Side == f.Segments[first].Side {
		first--
	}
	for i := max(first, 1); i < len(f.Segments); i++ { // it may have sent before the pause, too
		g := f.Segments[i]
		fin := f.Sides[1-g.Side].FIN
		pause := g.Time - f.Segments[i-1].Time
		if fin != nil && fin.Time < f.Segments[i-1].Time && pause >= Least && g.IsData() && !g.Again() {
			return pause, g
		}
	}
	return 0, nil
}

// heard reports whether the sender of a segment had heard from its peer when it sent another later:
// it acknowledges more, or echoes a newer timestamp (RFC 7323).
func heard(before, later *incident.Segment) bool {
	const ack = packet.NoAck
	return before.Has(packet.ACK) && later.Has(packet.ACK) && (before.Missing|later.Missing)&ack == 0 &&
		packet.After(later.Ack, before.Ack) ||
		before.HasTS && later.HasTS && packet.After(later.TSEcr, before.TSEcr)
}

// remapped is a connection that a NAT translates to another address or port than before:
// it had forgotten the connection and made a new entry.
func remapped(f *incident.Flow) *finding.Finding {
	type end struct {
		addr netip.Addr
		port uint16
	}
	for side := range f.Sides {
		at := map[int]end{}
		for _, g := range f.Sides[side].Segments {
			for _, c := range g.Copies {
				now := end{c.Packet.Src, c.Packet.SrcPort}
				was, ok := at[c.Point]
				if at[c.Point] = now; !ok || was == now || g.Has(packet.SYN) {
					continue
				}
				if now.addr == f.Ends[side].Addr() || was.addr == f.Ends[side].Addr() {
					continue // it is not translated at all: another cause
				}
				d := finding.New("idle-timeout-middlebox", f).
					Say("From frame %d on the NAT gives the %s's packets another port (%d, it was %d): it had "+
						"forgotten the "+
						"connection.", g.N, incident.Name(side), now.port, was.port)
				d.For(2.5, "one connection is translated in two ways", g)
				if rst := f.Reset(); rst != nil {
					d.Cite(rst)
				}
				return d.IsNot("rst-no-socket-stale: the connection is known, under another port")
			}
		}
	}
	return nil
}
