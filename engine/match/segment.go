package match

import (
	"netrepro/engine/match/value"
	"netrepro/engine/packet"
	"netrepro/engine/tcp/sender"
)

// segment is what a TCP segment can be: by its flags, by what it was to its sender,
// or by both.
type segment struct {
	name       string
	mask, want packet.TCPFlags // of the flags in mask, these are set
	class      sender.Class    // all of these
	test       func(p *Packet) bool
}

// segmentList are what segments can be, in the order in which they are listed. Data
// is new data only; any is data, new or sent again. Those from tlp on are the timers
// and rules that send again, and what is sent to see whether the other side lives.
var segmentList = []segment{
	{name: "syn", mask: packet.SYN | packet.ACK, want: packet.SYN},
	{name: "synack", mask: packet.SYN | packet.ACK, want: packet.SYN | packet.ACK},
	{name: "data", class: sender.Data},
	{name: "ack", class: sender.PureAck},
	{name: "fin", mask: packet.FIN, want: packet.FIN},
	{name: "rst", mask: packet.RST, want: packet.RST},
	{name: "rexmit", class: sender.Rexmit},
	{name: "rto", class: sender.RTO},
	{name: "fast", class: sender.Fast},
	{name: "any", test: func(p *Packet) bool {
		return p.PayloadLen > 0 && p.Sending.Class&(sender.KeepAlive|sender.WindowProbe) == 0
	}},
	{name: "tlp", class: sender.TLP},
	{name: "rack", class: sender.RACK},
	{name: "recovery", class: sender.Recovery},
	{name: "pmtu", class: sender.Resized},
	{name: "keep-alive", class: sender.KeepAlive},
	{name: "window-probe", class: sender.WindowProbe},
	{name: "zero-window", test: func(p *Packet) bool {
		return p.Window == 0 && !p.Flags.Any(packet.SYN|packet.FIN|packet.RST)
	}},
}

// segments are the rows of segmentList by name, each with its test.
var segments = func() map[string]segment {
	m := map[string]segment{}
	for _, s := range segmentList {
		if s.test == nil {
			s.test = func(p *Packet) bool { return p.Flags&s.mask == s.want && p.Sending.Class&s.class == s.class }
		}
		m[s.name] = s
	}
	return m
}()

// Segments are the names of what a TCP segment can be, for messages and completion.
func Segments() []string {
	var s []string
	for _, k := range segmentList {
		s = append(s, k.name)
	}
	return s
}

var kindTCP = value.Words("kind of TCP segment", Segments()...)

// quickTCP is the quick part of asking for a kind of segment.
func quickTCP(v any, q *Quick) {
	s := segments[v.(string)]
	q.flags(s.mask, s.want)
	q.class |= s.class
	if s.name == "any" {
		q.least = max(q.least, 1)
	}
}

// FlagsOf are the flags that a kind of TCP segment has: of those in mask, those of want.
func FlagsOf(kind string) (mask, want packet.TCPFlags) {
	s := segments[kind]
	return s.mask, s.want
}
