// Package golden reduces a trace to what it means: who did what, in which order
// and why, without times, addresses and chance.
//
// Two runs of the same case have the same normal form, however busy the host
// was: what TCP's timers and the host's scheduler are free to choose is left
// out. These are bare acknowledgements, how a stream was cut into segments,
// the exact number of repetitions, which of the quick repairs resent a segment
// and whether one did so needlessly, and the order of events that no acknowledgement puts in order.
//
// It reads records of package tcp and judges nothing.
package golden

import (
	"fmt"
	"net/netip"
	"strings"

	"netrepro/engine/packet"
	"netrepro/engine/pattern"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/payload"
)

// Names gives nodes to addresses.
type Names func(netip.Addr) string

// scriptLine is where in a script the fault stands that dropped a packet: the same fault elsewhere
// means the same.
var scriptLine = pattern.New(` \([^()]+:\d+\)$`)

// Form is the normal form of the records, one event a line.
func Form(rs []*tcp.Record, names Names) []string {
	f := former{names: names, conns: map[*tcp.Conn]*exchange{}, fate: map[int]*fate{}, added: map[int]bool{},
		reached: map[netip.Addr]bool{}}
	for _, r := range rs {
		f.follow(r)
	}
	for _, r := range rs {
		f.add(r)
	}
	var out []string
	for i, x := range f.order {
		out = append(out, x.lines(i+1, names)...)
	}
	return append(out, f.rest...)
}

// former makes a form.
type former struct {
	names Names
	conns map[*tcp.Conn]*exchange
	order []*exchange
	rest  []string
	seen  map[string]bool
	fate  map[int]*fate // by first frame
	added map[int]bool  // first frames
	// reached are the addresses at which packets are seen to arrive; what is
	// sent to others may have arrived unseen.
	reached map[netip.Addr]bool
}

// fate is what became of a packet.
type fate struct {
	dropped string
	arrived bool // at the node with its destination address, or as far as any does
}

// follow notes how far packets came.
func (f *former) follow(r *tcp.Record) {
	n := r.First()
	g := f.fate[n]
	if g == nil {
		g = &fate{}
		f.fate[n] = g
	}
	if r.Dropped != "" {
		g.dropped = scriptLine.ReplaceAllString(r.Dropped, "")
	}
	if r.Direction == tcp.In && r.AtDestination {
		g.arrived = true
		f.reached[r.Packet.Dst] = true
	}
}

func (f *former) add(r *tcp.Record) {
	if f.added[r.First()] {
		return
	}
	f.added[r.First()] = true
	c := r.Root()
	if c == nil {
		f.other(r)
		return
	}
	x := f.conns[c]
	if x == nil {
		x = &exchange{conn: c}
		f.conns[c] = x
		f.order = append(f.order, x)
	}
	if r.Conn == nil {
		text := fmt.Sprintf("is refused by %s: ICMP %s", f.names(r.Packet.Src), icmpText(r.Packet))
		if g := f.fate[r.First()]; g.dropped != "" {
			text += ", dropped: " + g.dropped
		}
		x.note(r.Side, text)
		return
	}
	x.segment(r, f.fate[r.First()], f.reached[r.Packet.Dst])
}

func icmpText(p *packet.Packet) string {
	m := p.ICMP()
	s := fmt.Sprintf("type %d code %d", m.Type, m.Code)
	if m.MTU > 0 {
		s += fmt.Sprintf(" mtu %d", m.MTU)
	}
	return s
}

// other says once that there was something else between two nodes.
func (f *former) other(r *tcp.Record) {
	p := r.Packet
	if !p.Src.IsValid() {
		return
	}
	var s string
	switch {
	case p.ICMP() != nil:
		s = fmt.Sprintf("%s > %s ICMP %s", f.names(p.Src), f.names(p.Dst), icmpText(p))
	case p.Proto == packet.ProtoUDP:
		s = fmt.Sprintf("%s > %s UDP %d", f.names(p.Src), f.names(p.Dst), min(p.SrcPort, p.DstPort))
	default:
		s = fmt.Sprintf("%s > %s protocol %d", f.names(p.Src), f.names(p.Dst), p.Proto)
	}
	if f.seen == nil {
		f.seen = map[string]bool{}
	}
	if !f.seen[s] {
		f.seen[s] = true
		f.rest = append(f.rest, s)
	}
}

// appText is what of an event belongs to the form: encrypted records come in as
// many pieces as their sender likes.
func appText(e payload.Event) string {
	switch {
	case e.Proto == "tls" && (e.Name == "application-data" || e.Name == "finished" || e.Name == "change-cipher-spec" ||
		e.Name == "new-session-ticket"):
		return ""
	case e.Proto == "tls" && strings.HasPrefix(e.Detail, "probably"):
		return "tls " + e.Name
	}
	return e.String()
}
