//go:build linux

// Package tracked says of packets what state the connection tracking of their node had
// their connection in.
//
// Connection tracking tells what it did and not for which packet: the flags and the
// direction of a packet tell that (tcp_conntracks of
// net/netfilter/nf_conntrack_proto_tcp.c).
//
// Invariant: it depends on the packets and on what connection tracking did, not on when
// anybody read that.
package tracked

import (
	"fmt"
	"net/netip"
	"time"

	"netrepro/engine/lab/firewall/tracking"
	"netrepro/engine/packet"
	"netrepro/engine/trace"
)

// flow is a connection that a node tracks.
type flow struct {
	events []tracking.Event
	next   int    // event that no packet has explained yet
	is     *state // nil before it is taken up
	// first is the frame that it was taken up with, 0 if that is not known.
	first int
	// arrives says of both directions, as it came and as answers come, whether packets
	// arrive at the node: others are its own.
	arrives [2]bool
	said    [2]string // of the last packet of each
}

type state struct {
	tcp    string
	status uint32
}

// place is a flow and a direction of it: 0 as it came, 1 as its answers come.
type place struct {
	flow      *flow
	direction int
}

// places are the flows by the tuples of packets, as they come to the node and as they
// leave it.
type places [2]map[tracking.Tuple][]place

// States says of each packet of a node that is tracked what state it was in when the node
// had it, by frame number. start is the start of the trace.
func States(packets []*trace.Packet, start time.Time, node string, events []tracking.Event) map[int]string {
	at := placesOf(events)
	if len(at[trace.In]) == 0 {
		return nil
	}
	var own []*trace.Packet
	for _, p := range packets {
		if p.Point != nil && p.Point.Node == node && p.Dropped == "" {
			own = append(own, p)
		}
	}
	for _, p := range own {
		for _, x := range at[p.Dir][tupleOf(p)] {
			x.flow.begin(p, x.direction, start.Add(p.Time))
		}
	}
	out := map[int]string{}
	for _, p := range own {
		now, said := start.Add(p.Time), ""
		for _, x := range at[p.Dir][tupleOf(p)] {
			if text := x.flow.pass(p, x.direction, now); text != "" {
				said = text
			}
		}
		if said != "" {
			out[p.N] = said
		}
	}
	return out
}

func placesOf(events []tracking.Event) places {
	at := places{{}, {}}
	byID := map[uint32]*flow{}
	for _, e := range events {
		f := byID[e.ID]
		if e.Kind == tracking.New {
			f = &flow{}
			byID[e.ID] = f
			for i, t := range []tracking.Tuple{e.Orig, e.Reply} {
				at[trace.In][t] = append(at[trace.In][t], place{f, i})
			}
			for i, t := range []tracking.Tuple{e.Reply.Reversed(), e.Orig.Reversed()} {
				at[trace.Out][t] = append(at[trace.Out][t], place{f, i})
			}
		}
		if f != nil {
			f.events = append(f.events, e)
		}
	}
	return at
}

func tupleOf(p *trace.Packet) tracking.Tuple {
	t := tracking.Tuple{Proto: p.Proto, Src: netip.AddrPortFrom(p.Src, p.SrcPort),
		Dst: netip.AddrPortFrom(p.Dst, p.DstPort)}
	if m := p.ICMP(); m != nil {
		t.Src, t.Dst = netip.AddrPortFrom(p.Src, m.EchoKey.ID), netip.AddrPortFrom(p.Dst, m.EchoKey.ID)
	}
	return t
}

// begin looks whether a packet is the one that f was taken up with: the last that arrived
// before, or, where the node sends it itself, the first that left after. Without the time
// it is the first.
func (f *flow) begin(p *trace.Packet, direction int, now time.Time) {
	f.arrives[direction] = f.arrives[direction] || p.Dir == trace.In
	if direction != 0 {
		return
	}
	switch start := f.events[0].Start; {
	case start.IsZero():
		if f.first == 0 {
			f.first = p.N
		}
	case p.Dir == trace.In && !now.After(start):
		f.first = p.N
	case p.Dir == trace.Out && !f.arrives[0] && f.first == 0 && !now.Before(start):
		f.first = p.N
	}
}

// pass lets a packet explain what f's connection tracking did next, and is what is said of
// it.
func (f *flow) pass(p *trace.Packet, direction int, now time.Time) string {
	said := &f.said[direction]
	switch {
	case f.is == nil && p.N == f.first, f.is != nil && (p.Dir == trace.In || !f.arrives[direction]):
		if f.is == nil || f.next < len(f.events) && f.explains(p, direction, &f.events[f.next]) {
			f.take()
		}
		*said = f.at(now)
	}
	return *said // what is forwarded was told as it came
}

func (f *flow) take() {
	e := &f.events[f.next]
	now := &state{e.State, e.Status}
	if f.is != nil && now.tcp == "" { // only the status is another
		now.tcp = f.is.tcp
	}
	f.is = now
	f.next++
}

// explains reports whether a packet may have made connection tracking do e.
func (f *flow) explains(p *trace.Packet, direction int, e *tracking.Event) bool {
	if e.Kind != tracking.Update || e.Status&^f.is.status&tracking.SeenReply != 0 && direction == 0 {
		return false
	}
	if e.State == "" || e.State == f.is.tcp || !p.IsTCP() {
		return true
	}
	has, wants := p.Flags&(packet.SYN|packet.FIN|packet.RST|packet.ACK), packet.ACK
	switch e.State {
	case "SYN_SENT", "SYN_SENT2":
		wants = packet.SYN
	case "SYN_RECV":
		return has.Has(packet.SYN) && direction == 1
	case "FIN_WAIT", "LAST_ACK":
		return has.Has(packet.FIN)
	case "CLOSE":
		return has.Has(packet.RST)
	}
	return has == wants
}

// at is what is said of a packet that passes now, empty if nothing is known.
func (f *flow) at(now time.Time) string {
	if f.is == nil {
		return ""
	}
	if last := f.events[len(f.events)-1]; last.Kind == tracking.Destroy {
		switch {
		case last.Stop.IsZero() && f.next == len(f.events)-1:
			return "" // it may have been forgotten, or not yet
		case !last.Stop.IsZero() && now.After(last.Stop):
			return fmt.Sprintf("none: forgotten %.3fs before", now.Sub(last.Stop).Seconds())
		}
	}
	e := f.events[0]
	text := f.is.tcp
	if text != "" {
		text += " "
	}
	if f.is.status&tracking.SeenReply == 0 {
		text += "[UNREPLIED] "
	}
	if f.is.status&tracking.Assured != 0 {
		text += "[ASSURED] "
	}
	return fmt.Sprintf("%s%s > %s, answers %s > %s", text, end(e.Orig.Src), end(e.Orig.Dst), end(e.Reply.Src),
		end(e.Reply.Dst))
}

// end is an address with its port, if it has one.
func end(a netip.AddrPort) string {
	if a.Port() == 0 {
		return a.Addr().String()
	}
	return a.String()
}
