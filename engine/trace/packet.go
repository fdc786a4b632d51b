package trace

import (
	"net/netip"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/payload"
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

// Packet is one frame at one capture point. What it says of the frame itself
// is shared between the record where it left and the one where it arrived.
type Packet struct {
	*Segment
	N       int           // frame number, from 1
	Time    time.Duration // since the start of the trace
	Point   *Point
	Dir     Dir
	Dropped string // what dropped it, empty if nothing did
	// Harmed says what faults and boxes did to it besides: "delayed by 40ms
	// (wan:delay {})", empty if nothing.
	Harmed string
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
	Conn   *Conn // nil if not TCP or UDP
	RelSeq uint32
	RelAck uint32
	Resent int32 // how often this sequence space was sent before
	Class  tcp.Class
	Opener bool // sent by the side that opened Conn
	// Frame is what is kept of the frame: all of it up to [WholeBytes] of a
	// trace, its headers after that.
	Frame []byte
	// Payload is the transport payload as far as it is in Frame.
	Payload []byte
	// App is what it says in TLS or HTTP, if that is asked for while packets
	// pass ([Trace.ReadApps]).
	App []payload.Event

	kept bool // Frame is a copy
	made bool // it was changed or forged on the way: its numbers prove nothing
}

// End is the relative sequence number after the space s takes.
func (s *Segment) End() uint32 { return s.RelSeq + s.SeqLen() }

// Is reports whether all bits of c are set.
func (s *Segment) Is(c tcp.Class) bool { return s.Class&c == c }

// Conn is one connection, from its first SYN on. A new SYN with another
// initial sequence number on the same ports is another Conn.
type Conn struct {
	ID     int
	Proto  uint8
	Opener netip.AddrPort // sent the first SYN, or the first packet seen
	Other  netip.AddrPort
	base   [2]uint32 // initial sequence number of the opener and of the other
	known  [2]bool
}

// connKey names a connection the same way from either side.
type connKey struct {
	lo, hi netip.AddrPort
	proto  uint8
}

func keyOf(p *packet.Packet) (connKey, bool) {
	if p.Proto != packet.ProtoTCP && p.Proto != packet.ProtoUDP || p.Fragment || p.Malformed() != "" {
		return connKey{}, false
	}
	a, b := netip.AddrPortFrom(p.Src, p.SrcPort), netip.AddrPortFrom(p.Dst, p.DstPort)
	if b.Compare(a) < 0 {
		a, b = b, a
	}
	return connKey{a, b, p.Proto}, true
}

// Absolute is the number on the wire of a relative one, of the sender of s or,
// with other, of the side that it acknowledges.
func (s *Segment) Absolute(relative uint32, other bool) uint32 {
	me := 1
	if s.Opener != other {
		me = 0
	}
	return s.Conn.base[me] + relative
}
