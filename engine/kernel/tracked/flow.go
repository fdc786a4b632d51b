//go:build linux

package tracked

import (
	"fmt"
	"net/netip"
	"slices"
	"time"

	"netrepro/engine/lab/firewall/tracking"
	"netrepro/engine/packet"
	"netrepro/engine/trace"
)

// flow is a connection that a node tracks.
type flow struct {
	number int // among the flows of the node
	events []tracking.Event
	next   int    // event that no packet has explained yet
	is     *state // nil before it is taken up
	// first is the frame that it was taken up with, 0 if that is not known; near says that
	// it came right before that.
	first int
	near  bool
	// lenient says that segments with any numbers may change its state (be_liberal).
	lenient bool
	sides   [2]side
	train   train
	text    string // what is said of packets in this state
	// since are the frames told of since the last event that a packet explained, doubt is
	// how many of them come before the first that may have changed the state.
	since []int
	doubt int
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

// train is where the last segment with ACK ended, and whose it was.
type train struct {
	direction int
	end       uint32
	acks      bool
}

// translates reports whether the addresses or ports of a flow are changed.
func (f *flow) translates() bool { return f.events[0].Orig != f.events[0].Reply.Reversed() }

// pending reports whether connection tracking did something that no packet explains.
func (f *flow) pending() bool {
	return f.is != nil && f.next < len(f.events) && f.events[f.next].Kind == tracking.Update
}

// doubtful are the frames of which too much was said: those after the last event that was
// explained, from the first on that may have changed the state.
func (f *flow) doubtful() []int {
	if !f.pending() {
		return nil
	}
	return f.since[min(f.doubt, len(f.since)):]
}

// pass lets a packet explain what connection tracking did next, and is what is said of it;
// empty if nothing is known.
func (f *flow) pass(p *trace.Packet, direction int, now time.Time) (said string) {
	if f.is == nil && p.N != f.first {
		return ""
	}
	explained := f.is == nil || f.next < len(f.events) && f.explains(p, direction, now)
	if explained {
		f.take()
	} else if e := f.waiting(); e != nil && f.doubt == len(f.since) && !f.changes(p, e) {
		f.doubt++
	}
	if p.IsTCP() && (f.lenient || f.expects(p, direction)) {
		f.sides[direction].hear(p)
		f.train = train{direction, p.Seq + p.SeqLen(), p.Flags.Has(packet.ACK) && known(p) == packet.ACK}
	}
	if said = f.at(now); said != "" {
		f.since = append(f.since, p.N)
		if explained {
			f.doubt = len(f.since)
		}
	}
	return said
}

// waiting is the event that waits for a packet to explain it, nil if there is none.
func (f *flow) waiting() *tracking.Event {
	if f.next < len(f.events) && f.events[f.next].Kind == tracking.Update {
		return &f.events[f.next]
	}
	return nil
}

// changes reports whether a packet may have changed the state to that of e, or to one before
// that was not told: for TCP one with SYN, FIN or RST.
func (f *flow) changes(p *trace.Packet, e *tracking.Event) bool {
	if !p.IsTCP() || e.State == "" || e.State == f.is.tcp || f.is.tcp != "ESTABLISHED" {
		return true
	}
	return p.Flags&(packet.SYN|packet.FIN|packet.RST) != 0
}

// take goes on to the next event.
func (f *flow) take() {
	e := &f.events[f.next]
	f.next++
	now := &state{e.State, e.Status}
	if f.is != nil && now.tcp == "" { // only the status is another
		now.tcp = f.is.tcp
	}
	f.is, f.text, f.since, f.doubt = now, "", nil, 0
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

// before are the states that a state of TCP comes after; others come after any. That of a
// packet which the node then drops is not told.
var before = map[string][]string{"SYN_RECV": {"SYN_SENT", "SYN_SENT2"}, "FIN_WAIT": {"SYN_RECV", "ESTABLISHED"},
	"CLOSE_WAIT": {"FIN_WAIT"}, "LAST_ACK": {"FIN_WAIT", "CLOSE_WAIT"}, "TIME_WAIT": {"LAST_ACK"}}

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
	if from := before[e.State]; from != nil && !slices.Contains(from, f.is.tcp) {
		return false
	}
	var wanted bool
	switch has := known(p); e.State {
	case "SYN_SENT", "SYN_SENT2":
		return has == packet.SYN
	case "SYN_RECV":
		return has == packet.SYN|packet.ACK
	case "FIN_WAIT", "LAST_ACK":
		wanted = has.Has(packet.FIN)
	case "CLOSE":
		wanted = has.Has(packet.RST)
	default:
		wanted = has == packet.ACK
	}
	return wanted && (f.lenient || f.expects(p, direction))
}

// expects reports whether the number of a segment is one that the other side waits for: a
// segment that is not is invalid and changes no state. A reset of an open connection changes
// it only if it is just the next number, or stands where its sender's last segment ended
// (nf_conntrack_tcp_packet of net/netfilter/nf_conntrack_proto_tcp.c).
func (f *flow) expects(p *trace.Packet, direction int) bool {
	other := &f.sides[1-direction]
	if !other.acks {
		return true
	}
	const least = 1 << 16
	room := max(other.window<<uint(f.shift(1-direction)), least)
	if !other.opened {
		room = 1 << 30 // the scale is not known
	}
	ahead := int32(p.Seq - other.ack)
	switch {
	case !known(p).Has(packet.RST):
		return ahead <= int32(room) && ahead >= -int32(room)
	case f.is != nil && f.is.tcp == "ESTABLISHED" && f.is.status&tracking.Assured != 0:
		return ahead == 0 || f.train.acks && f.train.direction == direction && f.train.end == p.Seq
	}
	return ahead >= 0 && uint32(ahead) <= room
}

// shift is the scale of a side's window: none is in use unless both have offered one
// (RFC 7323, section 2.2).
func (f *flow) shift(direction int) int8 {
	if f.sides[1-direction].opened && f.sides[1-direction].scale < 0 {
		return 0
	}
	return max(f.sides[direction].scale, 0)
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

// gone is when a flow was forgotten, as far as that is told: zero if it was not, or if the
// kernel does not say when.
func (f *flow) gone() time.Time {
	if last := f.events[len(f.events)-1]; last.Kind == tracking.Destroy {
		return last.Stop
	}
	return time.Time{}
}

// at is what is said of a packet that passes now.
func (f *flow) at(now time.Time) string {
	if gone := f.gone(); !gone.IsZero() && now.After(gone) {
		return fmt.Sprintf("none: forgotten %.3fs before", now.Sub(gone).Seconds())
	} else if gone.IsZero() && f.next < len(f.events) && f.events[f.next].Kind == tracking.Destroy {
		return "" // it may have been forgotten, or not yet
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
