// Package translation has the rules for addresses and ports that are not what an end
// thinks: NAT that is bypassed, ports that clash or are used again.
package translation

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/packet"
)

// Rules are the rules of this room.
var Rules = []finding.Rule{finding.Each(reused), finding.Each(redirected), escaped, elsewhere}

// soon is within what time one packet is the cause of another.
const soon = 5 * time.Second

// escaped is a packet that comes to a host from an address that it did not call: the
// host's kernel resets it. Either nothing translates the answers, or one packet was not
// translated because conntrack called it invalid.
func escaped(in *incident.Incident) (found []*finding.Finding) {
	in.All(func(f *incident.Flow) {
		for side := range f.Ends {
			if c := untranslated(f, side); c != nil {
				found = append(found, c)
				return
			}
			if c := kept(f, side); c != nil {
				found = append(found, c)
				return
			}
			if c := strange(f, side); c != nil {
				found = append(found, c)
				return
			}
		}
	})
	return found
}

// strange looks for resets that an end of f sends to a peer which it knows by another
// address.
func strange(f *incident.Flow, side int) *finding.Finding {
	resets := f.Sides[side].Resets
	if len(resets) == 0 {
		return nil
	}
	rst := resets[0]
	asked := called(f, side)
	if asked == nil || resetThere(asked, rst) {
		return nil
	}
	if f.Confirm != nil && f.Opened() && asked.SYN != nil && !f.Translated(asked) {
		return nil // it was opened by itself: they know each other
	}
	var came []*incident.Segment
	for _, g := range f.Sides[1-side].Segments {
		if g.Time <= rst.Time && rst.Time-g.Time < soon && answersTo(rst, g) {
			came = append(came, g)
		}
	}
	if len(came) == 0 {
		return nil
	}
	last := came[len(came)-1]
	came = append(same(f, last), last)
	host, peer, vip := f.Ends[side], f.Ends[1-side], asked.Ends[1-sideOf(asked, f.Ends[side])]
	if last.Has(packet.SYN) {
		c := finding.New("snat-missing", asked).
			Say("%s called %s and the SYN-ACK comes from %s, which it did not call: the answer goes past the NAT, and "+
				"%s resets it.", host, vip, peer, host.Addr())
		c.For(2.5, "the answer comes from another address than was called", came...).Cite(resets...)
		return c.IsNot("rst-no-socket-stale: the socket is there, for another address").
			IsNot("rst-no-listener: the reset is the client's")
	}
	c := finding.New("conntrack-invalid-escapes-dnat", asked).
		Say("A packet of the connection to %s comes to %s from %s, untranslated: conntrack called it invalid, and the "+
			"kernel of %s resets a connection that it does not know.", vip, host, peer, host.Addr())
	c.For(2.2, fmt.Sprintf("it comes from %s, the connection is to %s", peer, vip), came...).Cite(resets...)
	return c.IsNot("rst-middlebox-injected: the host itself resets, for it was not the peer's address").
		IsNot("rst-linger-or-unread: the socket of the connection did not reset")
}

// untranslated is, in a capture of both sides of a NAT, a reset that an end sends to
// another address than all that it sent before.
func untranslated(f *incident.Flow, side int) *finding.Finding {
	s := &f.Sides[side]
	if len(s.Segments) == 0 {
		return nil
	}
	to := s.Segments[0].Dst
	for _, rst := range s.Resets {
		if rst.Dst == to {
			continue
		}
		var came *incident.Segment
		for _, g := range f.Sides[1-side].Segments {
			if g.Time <= rst.Time && rst.Time-g.Time < soon && answersTo(rst, g) {
				came = g
			}
		}
		if came == nil {
			continue
		}
		id, why := "conntrack-invalid-escapes-dnat", "conntrack called it invalid"
		if came.Has(packet.SYN) {
			id, why = "snat-missing", "nothing translates the answers"
		}
		c := finding.New(id, f).
			Say("Frame %d comes to %s from %s though the connection is to %s there: it was not translated, for "+
				"%s. The kernel "+
				"resets a connection that it does not know.", came.N, f.Ends[side].Addr(), rst.Dst, to, why)
		c.For(2.6, fmt.Sprintf("the reset goes to %s, everything before to %s", rst.Dst, to), came).Cite(s.Resets...)
		return c.IsNot("rst-middlebox-injected: the host itself resets, for it was not the peer's address").
			IsNot("rst-linger-or-unread: the socket of the connection did not reset")
	}
	return nil
}

// kept is, in a capture of both sides of a NAT, a packet for an end that the NAT does not pass on
// as it does all others: its own kernel takes it, and resets it in the end's name.
func kept(f *incident.Flow, side int) *finding.Finding {
	peer := &f.Sides[1-side]
	passed := 0
	for _, g := range peer.Segments {
		if passedOn(g) && slices.ContainsFunc(g.Copies, func(c incident.Sighting) bool {
			return c.Packet.Dst != g.Dst || c.Packet.DstPort != g.DstPort
		}) {
			passed++
		}
	}
	if passed < 3 {
		return nil
	}
	var came, resets []*incident.Segment
	for _, rst := range f.Sides[side].Resets {
		if passedOn(rst) {
			continue
		}
		var last *incident.Segment
		for _, g := range peer.Segments {
			if g.Time <= rst.Time && rst.Time-g.Time < soon && !passedOn(g) && g.Point == rst.Point && answersTo(rst, g) {
				last = g
			}
		}
		if last != nil {
			came, resets = append(came, last), append(resets, rst)
		}
	}
	if len(came) == 0 || passed <= len(came) {
		return nil
	}
	c := finding.New("conntrack-invalid-escapes-dnat", f).
		Say("%d of the %s's packets are not translated and passed on as the others are: conntrack calls them invalid, the "+
			"host of the NAT takes them for its own, knows no such connection and resets it in the %s's name.", len(came),
			incident.Name(1-side), incident.Name(side))
	c.For(2.6, fmt.Sprintf("%d packets are passed on, these are not, and a reset that comes from the NAT answers each",
		passed), came...).Cite(resets...)
	return c.IsNot("rst-middlebox-injected: the NAT's own kernel resets").
		IsNot("rst-linger-or-unread: the %s's socket did not reset", incident.Name(side))
}

// passedOn reports whether a packet was seen at another point too.
func passedOn(g *incident.Segment) bool {
	return slices.ContainsFunc(g.Copies, func(c incident.Sighting) bool { return c.Point != g.Point })
}

// same are the other segments of a flow with the numbers of g.
func same(f *incident.Flow, g *incident.Segment) (found []*incident.Segment) {
	for _, o := range f.Sides[g.Side].Segments {
		if o != g && o.Seq == g.Seq && o.PayloadLen == g.PayloadLen && o.Flags == g.Flags {
			found = append(found, o)
		}
	}
	return found
}

// answersTo reports whether a reset is a kernel's answer to a segment.
func answersTo(rst, g *incident.Segment) bool {
	if rst.Missing&(packet.NoSeq|packet.NoOrigin) != 0 {
		return true
	}
	return g.Has(packet.ACK) && rst.Seq == g.Ack || rst.Has(packet.ACK) && rst.Ack == g.End()
}

// called is the connection that the end of a flow has with another address on the same
// port of its own, nil if there is none.
func called(f *incident.Flow, side int) *incident.Flow {
	var found, exact *incident.Flow
	callers := 0 // of an end that listens
	for _, o := range f.File.Flows {
		if s := sideOf(o, f.Ends[side]); o != f && s >= 0 && !f.Translated(o) {
			callers++
		}
		if o == f || len(o.Segments) == 0 || o.Segments[0].Time > f.Last().Time {
			continue
		}
		s := sideOf(o, f.Ends[side])
		if s < 0 || o.Ends[1-s].Addr() == f.Ends[1-side].Addr() || o.Ends[1-s].Port() == 0 {
			continue
		}
		if o.Segments[0].Time < f.Segments[0].Time+soon && len(o.Sides[s].Segments) > 0 && related(o, s, f, side) {
			found = o
			if sentUpTo(o, s, f, side) {
				exact = o
			}
		}
	}
	if callers > 1 && (found == nil || !f.Translated(found)) {
		return exact // others call it too, each from an address of its own
	}
	return found
}

// sentUpTo reports whether the end, where it resets f, does so at a number up to which it had
// sent in o, from the same port of its peer.
func sentUpTo(o *incident.Flow, s int, f *incident.Flow, side int) bool {
	if o.Ends[1-s].Port() != f.Ends[1-side].Port() {
		return false
	}
	const numbers = packet.NoSeq | packet.NoOrigin
	for _, rst := range f.Sides[side].Resets {
		for _, g := range o.Sides[s].Data {
			if (rst.Missing|g.Missing)&numbers == 0 && g.Time <= rst.Time && g.End() == rst.Seq {
				return true
			}
		}
	}
	return false
}

// related reports whether both are one connection to the peer: of the same numbers.
func related(o *incident.Flow, s int, f *incident.Flow, side int) bool {
	if o.SYN != nil && f.SYN != nil && f.Translated(o) {
		return true
	}
	for _, rst := range f.Sides[side].Resets {
		if rst.Missing&(packet.NoSeq|packet.NoOrigin) != 0 {
			return true
		}
		if d := int32(rst.Seq - o.Sides[s].Segments[0].Seq); d >= 0 && d < 1<<30 || d < 0 && d > -1<<16 {
			return true
		}
	}
	return false
}

// sideOf is the side of a flow that an end is, -1 if it is none.
func sideOf(f *incident.Flow, e netip.AddrPort) int { return slices.Index(f.Ends[:], e) }

// resetThere reports whether the same reset is in the connection to the other address
// too: then it was only translated.
func resetThere(o *incident.Flow, rst *incident.Segment) bool {
	for i := range o.Sides {
		for _, g := range o.Sides[i].Resets {
			if g.Seq == rst.Seq && g.Time <= rst.Time && rst.Time-g.Time < soon {
				return true
			}
		}
	}
	return false
}

// elsewhere is an answer that comes from another address than was called, without a
// reset being seen, and clashes of translated ports.
func elsewhere(in *incident.Incident) []*finding.Finding {
	found := append(translated(in), notAsked(in)...)
	in.All(func(f *incident.Flow) {
		if f.SYNACK == nil || f.SYN != nil || f.Confirm != nil || len(f.Sides[incident.Client].Resets) > 0 {
			return
		}
		for _, o := range f.Others(func(o *incident.Flow) bool {
			return o.SYN != nil && o.SYNACK == nil && o.Ends[0] == f.Ends[0] && o.SYN.End() == f.SYNACK.Ack &&
				o.Ends[1].Addr() != f.Ends[1].Addr()
		}) {
			c := finding.New("snat-missing", o).
				Say("%s called %s and the SYN-ACK comes from %s: the answer goes past the NAT.", o.Ends[0], o.Ends[1],
					f.Ends[1])
			found = append(found, c.For(2, "the answer comes from another address than was called", o.SYN, f.SYNACK))
		}
	})
	return found
}

// crafted reports whether no kernel sent the SYN, but a program that looks for open ports:
// its kernel then resets the answer.
func crafted(syn *incident.Segment) bool {
	return syn.Window == 0 && !syn.Missing.Has(packet.NoWindow)
}

// overtaken reports whether the client began the same over the other version of IP a moment before,
// and that was sooner: it gives this attempt up (RFC 8305, section 5).
func overtaken(f *incident.Flow) bool {
	const moment = 2 * time.Second
	if len(f.Sides[incident.Client].SYNs) > 1 {
		return false // it still wants the connection
	}
	port := f.Ends[incident.Server].Port()
	return len(f.Others(func(o *incident.Flow) bool {
		return o.SYN != nil && o.Confirm != nil && o.Ends[incident.Server].Port() == port &&
			o.Ends[incident.Server].Addr().Is4() != f.Ends[incident.Server].Addr().Is4() &&
			(f.SYN.Time-o.SYN.Time).Abs() < moment && o.Confirm.Time < f.SYNACK.Time+moment
	})) > 0
}

// notAsked is a client that resets the SYN-ACK to its own SYN, again and again: it comes
// to it from an address that it did not call.
func notAsked(in *incident.Incident) (found []*finding.Finding) {
	in.All(func(f *incident.Flow) {
		if f.SYN == nil || f.SYNACK == nil || f.Sides[incident.Client].Bytes > 0 || f.Predecessor() != nil ||
			crafted(f.SYN) || overtaken(f) {
			return
		}
		var resets []*incident.Segment
		for _, r := range f.Sides[incident.Client].Resets {
			if !r.Has(packet.ACK) && r.Seq == f.SYNACK.Ack && r.Time > f.SYNACK.Time {
				resets = append(resets, r)
			}
		}
		if len(resets) == 0 || f.From == incident.AtClient || f.Confirm != nil {
			return
		}
		c := finding.New("snat-missing", f).
			Say("%s resets the SYN-ACK to its own SYN: it comes to it from %s, which it did not call. The SYN "+
				"came through a "+
				"NAT, the answer goes past it.", f.Ends[incident.Client].Addr(), f.Ends[incident.Server])
		c.For(0.6, "the client answers the SYN-ACK with a bare reset, as a kernel without such a socket", f.SYN,
			f.SYNACK)
		c.Cite(f.Sides[incident.Client].SYNs...).Cite(f.Sides[incident.Server].SYNs...).Cite(resets...)
		if len(resets) > 1 {
			c.For(0.8, "each time, and its kernel sends the SYN again: the connection is still wanted")
		}
		if n := f.Siblings(); n > 0 {
			c.For(0.5, "connections of others to the same port open")
		}
		found = append(found, c.IsNot("rst-no-listener: the reset is the client's"))
	})
	return found
}
