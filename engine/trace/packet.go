package trace

import (
	"net/netip"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/payload"
	"netrepro/engine/tcp/sender"
)

// Dir is the way a packet crossed its capture point.
type Dir uint8

// Directions, seen from the node.
const (
	Out Dir = iota
	In
)

// Point is a capture point: one end of one wire.
type Point struct {
	Index int // interface number in trace.pcapng
	Node  string
	Wire  string
	Far   string // the node at the other end of the wire
	Dev   string // device inside the node
	MTU   int
	Hub   bool // the node takes frames for any MAC address: a switch
	MAC   [6]byte
	Addrs []netip.Addr

	trace *Trace
}

// Name is the interface name in trace.pcapng: "node/wire".
func (p *Point) Name() string { return p.Node + "/" + p.Wire }

// HeldBy is what [Packet.Fault] says of what a fault keeps or has kept, before its name.
const HeldBy = "held by "

// Packet is one frame at one capture point. What it says of the frame itself
// is shared between the record where it left and the one where it arrived.
type Packet struct {
	*Segment
	N       int           // frame number, from 1
	Time    time.Duration // since the start of the trace
	Point   *Point
	Dir     Dir
	Dropped string // what dropped it, empty if nothing did
	// Fault says what faults and boxes did to it besides: "delayed by 40ms
	// (wan:delay {})", empty if nothing.
	Fault string
	// Sent is the record of an arrival where the packet left the other end of
	// the wire; nil if nothing there sent it.
	Sent *Packet
	// More says that another arrival of the same Sent follows.
	More bool
	// Queued is how many bytes waited before it on a wire with a rate.
	Queued int32
}

// Segment is a decoded frame with its place in its connection.
type Segment struct {
	packet.Packet
	Conn   *tcp.Conn // nil if not TCP or UDP
	Side   int       // which of the connection's ends sent it
	RelSeq uint32
	RelAck uint32
	// AtPoint is what the segment was as far as the point where it left has seen: a
	// retransmission of what was lost before that point is new there. What it was to
	// its sender is in [Packet.Finding].
	AtPoint sender.Sending
	// Frame is what is kept of the frame: all of it up to [WholeBytes] of a
	// trace, its headers after that.
	Frame []byte
	// Payload is the transport payload as far as it is in Frame.
	Payload []byte
	// App is what it says in TLS or HTTP, if that is asked for while packets
	// pass ([Trace.ReadApps]).
	App []payload.Event

	kept bool // Frame is a copy
}

// set gives s its place in its connection.
func (s *Segment) set(pl tcp.Place) {
	s.Conn, s.Side, s.RelSeq, s.RelAck = pl.Conn, pl.Side, pl.Seq, pl.Ack
}

// End is the relative sequence number after the space s takes.
func (s *Segment) End() uint32 { return s.RelSeq + s.SeqLen() }

// Is reports whether all bits of c are set in what s was at its point.
func (s *Segment) Is(c sender.Class) bool { return s.AtPoint.Class&c == c }

// Absolute is the number on the wire of a relative one, of the sender of s or,
// with other, of the side that it acknowledges.
func (s *Segment) Absolute(relative uint32, other bool) uint32 {
	side := s.Side
	if other {
		side = 1 - side
	}
	return s.Conn.Absolute(relative, side)
}
