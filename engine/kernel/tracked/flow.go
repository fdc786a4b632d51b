//go:build linux

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
	// first is the frame that it was taken up with, 0 if that is not known; before is when
	// the last packet came that may have been it.
	first  int
	before time.Time
	sides  [2]side
	text   string // what is said of packets in this state
}

type state struct {
	tcp    string
	status uint32
}

// side is what one direction of a TCP connection has said of the other.
type side struct {
	acks   bool
	ack    uint32 // the highest
	window uint32
	scale  int8 // -1 if it has none
	opened bool // its SYN was seen
}

// translates reports whether the addresses or ports of a flow are changed.
func (f *flow) translates() bool { return f.events[0].Orig != f.events[0].Reply.Reversed() }

// pass lets a packet explain what connection tracking did next, and is what is said of it;
// empty if nothing is known.
func (f *flow) pass(p *trace.Packet, direction int, now time.Time) string {
	if f.is == nil && p.N != f.first {
		return ""
	}
	if f.is == nil || f.next < len(f.events) && f.explains(p, direction, now) {
		f.take()
	}
	if p.IsTCP() && f.expects(p, direction) {
		f.sides[direction].hear(p)
	}
	return f.at(now)
}

// take goes on to the next event.
func (f *flow) take() {
	e := &f.events[f.next]
	f.next++
	now := &state{e.State, e.Status}
	if f.is != nil && now.tcp == "" { // only the status is another
		now.tcp = f.is.tcp
	}
	f.is, f.text = now, ""
	if now.tcp != "" {
		f.text = now.tcp + " "
	}
	if now.status&tracking.SeenReply == 0 {
		f.text += "[UNREPLIED] "
	}
	if now.status&tracking.Assured != 0 {
		f.text += "[ASSURED] "
	}
	first := f.events[0]
	f.text += ends(first.Orig) + ", answers " + ends(first.Reply)
}

// streams is how old a flow of UDP is at least that is assured (nf_conntrack_udp_packet
// of net/netfilter/nf_conntrack_proto_udp.c).
const streams = 2 * time.Second

// explains reports whether a packet may have made connection tracking do what it did next.
func (f *flow) explains(p *trace.Packet, direction int, now time.Time) bool {
	e := &f.events[f.next]
	gained := e.Status &^ f.is.status
	if e.Kind != tracking.Update || gained&tracking.SeenReply != 0 && direction == 0 {
		return false
	}
	if !p.IsTCP() {
		begun := f.events[0].Start
		return gained&tracking.Assured == 0 || p.Proto != packet.ProtoUDP || !begun.IsZero() && now.Sub(begun) >= streams
	}
	if e.State == "" || e.State == f.is.tcp {
		return true
	}
	has := known(p)
	switch e.State {
	case "SYN_SENT", "SYN_SENT2":
		return has == packet.SYN
	case "SYN_RECV":
		return has == packet.SYN|packet.ACK
	case "FIN_WAIT", "LAST_ACK":
		return has.Has(packet.FIN) && f.expects(p, direction)
	case "CLOSE":
		return has.Has(packet.RST) && f.expects(p, direction)
	}
	return has == packet.ACK && f.expects(p, direction)
}

// expects reports whether the number of a segment is one that the other side waits for: a
// segment that is not is invalid and changes no state.
func (f *flow) expects(p *trace.Packet, direction int) bool {
	other := &f.sides[1-direction]
	if !other.acks {
		return true
	}
	const least = 1 << 16
	room := max(other.window<<uint(max(other.scale, 0)), least)
	if !other.opened {
		room = 1 << 30 // the scale is not known
	}
	ahead := int32(p.Seq - other.ack)
	if known(p).Has(packet.RST) {
		return ahead >= 0 && uint32(ahead) <= room
	}
	return ahead <= int32(room) && ahead >= -int32(room)
}

// hear takes in what a segment says.
func (s *side) hear(p *trace.Packet) {
	flags := known(p)
	if flags.Has(packet.SYN) {
		s.opened, s.scale = true, p.WScale
	}
	if flags.Has(packet.RST) || !flags.Has(packet.ACK) {
		return
	}
	if !s.acks || int32(p.Ack-s.ack) > 0 {
		s.acks, s.ack = true, p.Ack
	}
	s.window = uint32(p.Window)
}

// at is what is said of a packet that passes now.
func (f *flow) at(now time.Time) string {
	if last := f.events[len(f.events)-1]; last.Kind == tracking.Destroy {
		switch {
		case last.Stop.IsZero() && f.next == len(f.events)-1:
			return "" // it may have been forgotten, or not yet
		case !last.Stop.IsZero() && now.After(last.Stop):
			return fmt.Sprintf("none: forgotten %.3fs before", now.Sub(last.Stop).Seconds())
		}
	}
	return f.text
}

// ends are the ends of a direction, with ports or the ID of an echo request.
func ends(t tracking.Tuple) string {
	if t.Proto == packet.ProtoICMP || t.Proto == packet.ProtoICMPv6 {
		return fmt.Sprintf("%s > %s id %d", t.Src.Addr(), t.Dst.Addr(), t.Src.Port())
	}
	return end(t.Src) + " > " + end(t.Dst)
}

// end is an address with its port, if it has one.
func end(a netip.AddrPort) string {
	if a.Port() == 0 {
		return a.Addr().String()
	}
	return a.String()
}
