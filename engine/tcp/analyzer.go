// Package tcp follows the connections of a capture in one pass and says of
// every packet what it was.
//
// It reads packets, not files, and judges nothing; package expect does.
//
// Invariant: memory depends on how many connections are followed at once, not
// on how many packets there were.
package tcp

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/tcp/input"
	"netrepro/engine/tcp/opening"
	"netrepro/engine/tcp/payload"
	"netrepro/engine/tcp/reset"
	"netrepro/engine/tcp/reset/ports"
	"netrepro/engine/tcp/sender"
	"netrepro/engine/tcp/sighting"
	"netrepro/engine/tcp/translated"
	"netrepro/engine/tcp/tuple"
	"netrepro/engine/tcp/wireshark"
)

// Point is a capture point.
type Point = input.Point

// Input is one captured packet.
type Input = input.Input

// Direction is that of a packet, seen from the node whose wire it crossed.
type Direction = input.Direction

// Directions.
const (
	Unknown = input.Unknown
	In      = input.In
	Out     = input.Out
)

// Record is what the analysis says of one packet. It is the one structure that
// every view is drawn from.
type Record struct {
	Input
	Conn *Conn // nil if the packet is no TCP segment
	Side int   // which of the connection's ends sent it
	// About is the connection that an ICMP error is about, nil if it is none.
	About    *Conn
	Seq, Ack uint32 // relative, as Wireshark counts
	// Flags are Wireshark's: of the file as it is, all its interfaces taken
	// for one. Where a capture may have any number of points ([input.Point]), they are of
	// what was seen first.
	Flags wireshark.Flags
	// Sending is what the segment was to its sender: judged at the capture point
	// where the packet was seen first. It is the same wherever the packet is seen.
	sender.Sending
	// AtPoint is what it would be by what its own capture point has seen alone,
	// where a retransmission of what was lost before that point is new.
	AtPoint sender.Sending
	// Copy is the number of the frame in which the same packet was seen
	// before, at another capture point; 0 if this is the first.
	Copy int
	// RTT is the round trip that this segment completes, as seen from its
	// capture point; 0 if it completes none.
	RTT time.Duration
	// AckDelay is how long this acknowledgement was held back, as far as the
	// quickest one tells; 0 if it was not.
	AckDelay time.Duration
	// InFlight is how many bytes its sender has in flight after it.
	InFlight uint32
	// Backoff is how many timeouts in a row this one is, from 1, if Class has
	// RTO.
	Backoff int
	// Original is what became of what is sent again here, where another
	// capture point shows it: "lost" or "arrived", empty if it is not known.
	Original string
	// AtDestination says that the packet was seen on a wire of the node that
	// has its destination address.
	AtDestination bool
	App           []payload.Event
	Reset         *reset.Verdict
	// Notes say in words what else there is to know.
	Notes []string
}

// Options of an analyzer.
type Options struct {
	// MaxConns is how many connections are followed at once; beyond it, the
	// one that was idle longest is forgotten. 0 means DefaultConns.
	MaxConns int
}

// maxOwned is at how many points it is known whose wires they are on.
const maxOwned = 256

// DefaultConns is how many connections are followed at once.
const DefaultConns = 1 << 15

// Analyzer is one pass over a capture.
type Analyzer struct {
	follower  Follower
	points    []Point
	owners    map[netip.Addr][]int // points on a node's own wires, by its address
	several   bool                 // there is more than one point
	sightings sighting.Table[known]
	newest    *first // of the packet at hand, if this is its first sighting
	ports     ports.Table
	calls     opening.Calls
	gaps      wireshark.Gaps
	evs       []payload.Event
	datagrams translated.Datagrams
}

// New begins a pass.
func New(o Options) *Analyzer {
	return &Analyzer{follower: *NewFollower(o.MaxConns), owners: map[netip.Addr][]int{}}
}

// Describe names the capture points; points may come to be known while the
// capture is read.
func (a *Analyzer) Describe(points []Point) {
	for i := len(a.points); i < len(points); i++ {
		if i >= maxOwned {
			break
		}
		for _, addr := range points[i].Addrs {
			a.owners[addr] = append(a.owners[addr], i)
		}
	}
	a.points, a.several = points, len(points) > 1 || len(points) == 1 && points[0].Open
}

// Following is how many connections are followed.
func (a *Analyzer) Following() int { return a.follower.conns.n }

// pointName names a capture point for a message.
func (a *Analyzer) pointName(i int) string {
	if i < len(a.points) && a.points[i].Name != "" {
		return a.points[i].Name
	}
	return "another interface"
}

// Add takes in the next packet and fills in r. What r refers to is good until
// the next call, but for Reset, Notes and Conn, which stay.
func (a *Analyzer) Add(in *Input, r *Record) {
	*r = Record{Input: *in}
	p := in.Packet
	if a.several {
		r.AtDestination = slices.Contains(a.owners[p.Dst], in.Point) && !r.stopped()
	}
	switch {
	case p.Proto == packet.ProtoTCP && p.IsTCP():
		a.tcp(r)
	case p.Src.IsValid():
		if p.ICMP() != nil {
			a.icmp(r)
		}
		if a.several {
			if first := a.sight(r, nil); first != nil && (!p.Fragment || !first.Known.packet.Ported()) {
				r.Copy = first.N
				r.Notes = append(r.Notes, a.datagrams.Notes(first.Known.packet, tuple.Of(p))...)
			}
		}
	}
}

func (a *Analyzer) tcp(r *Record) {
	p, now := r.Packet, r.Time
	e, fresh := a.follower.of(p, now)
	c := e.conn
	r.Conn, r.Side = c, e.side
	c.Packets[r.Side]++
	if called, ok := a.calls.Other(p); ok {
		c.called = called
	}
	at := a.follower.state(c, r.Point, r.Side)
	var seen *first
	if a.several {
		seen = a.sight(r, c)
	}
	if seen == nil || seen.Known.conn != c {
		c.opening.Follow(p, r.Side, now)
	}
	if seen != nil && r.Point < len(a.points) && a.points[r.Point].Open {
		r.Seq, r.Ack = c.ws.Relative(p, e.side) // nobody sent it again
	} else {
		r.Flags, r.Seq, r.Ack = c.ws.Segment(p, e.side, now, fresh)
	}
	if c.ws.Since(a.gaps.After(r.Omitted), e.side, &r.Flags) {
		r.Notes = append(r.Notes, "packets before it were left out of the text")
	}
	a.follow(r, at, seen)
	if a.newest != nil {
		a.newest.Known.sending = r.Sending
	}
	if seen != nil {
		a.copied(r, seen)
	} else if r.Carries != nil {
		r.App = append(a.evs[:0], *r.Carries)
	} else if (len(r.Payload) > 0 || p.PayloadLen > 0) && !p.Missing.Has(packet.NoSeq) {
		from := p.Seq
		if p.Flags.Has(packet.SYN) {
			from++ // data in a SYN (RFC 7413) begins after it
		}
		a.evs = c.streams[r.Side].Feed(from, int(p.PayloadLen), r.Payload, a.evs[:0])
		r.App = a.evs
	}
	frame := r.N // the number that the packet is known by
	if seen != nil {
		frame = seen.N
	}
	switch {
	case r.stopped():
	case p.Flags.Has(packet.RST):
		a.reset(r, at, seen)
	default:
		if seen == nil && p.Flags.Has(packet.ACK) {
			a.ports.Sends(netip.AddrPortFrom(p.Src, p.SrcPort))
		}
		at.sides[r.Side].Note(p, frame, now, r.Class&sender.KeepAlive != 0, r.Class&sender.RTO != 0)
		at.sides[1-r.Side].Heard(p)
		if v := c.verdicts[r.Side]; v != nil && seen == nil && !p.Flags.Has(packet.SYN) {
			v.GoesOn(r.N)
			r.Notes = append(r.Notes, "sent after its side's reset, which is therefore: "+v.String())
			c.verdicts[r.Side] = nil
		}
	}
}

// follow lets both senders take in the segment, as seen at its point.
func (a *Analyzer) follow(r *Record, at *pointState, first *first) {
	p, c, s := r.Packet, r.Conn, &at.senders[r.Side]
	if r.stopped() {
		if first != nil {
			r.Sending = first.Known.sending
		}
		return
	}
	if p.Flags.Has(packet.SYN) {
		c.offer(p, r.Side)
	}
	if first == nil && s.Repeats(p.Seq) {
		r.Original = cmp.Or(r.OriginalIs, a.original(r)) // before the segment itself is taken in
	}
	if first != nil && r.KernelDrop != "" {
		r.Sending = first.Known.sending // the node behind the point threw it away
		a.arrives(c.kin(), r, first)
		return
	}
	r.AtPoint = s.Sent(p, r.Time)
	r.Sending = r.AtPoint
	if r.Class&sender.Rexmit == 0 {
		r.Original = ""
	}
	if r.RTT = at.senders[1-r.Side].Acknowledged(p, r.Time); r.RTT > 0 {
		a.acknowledges(r, at, first)
	}
	if s.Outstanding() {
		r.InFlight = s.InFlight()
	}
	if first != nil {
		r.Sending = first.Known.sending
		a.arrives(c.kin(), r, first)
		return
	}
	if r.Kept && r.Original == "lost" {
		c.kin().await(r)
	}
	if r.Class&sender.RTO != 0 {
		r.Backoff = s.Timeouts()
		a.sizes(r, s)
	}
	if int(p.PayloadLen) > c.Largest[r.Side] {
		c.Largest[r.Side] = int(p.PayloadLen)
		c.unsegmented(r)
	}
}

// stopped reports that the packet was dropped where it arrived: the node behind
// the capture point never had it.
func (r *Record) stopped() bool { return r.Dropped != "" && r.Direction == In }

// First is the number of the frame in which the packet was seen first.
func (r *Record) First() int {
	if r.Copy > 0 {
		return r.Copy
	}
	return r.N
}

// Root is the connection that the packet belongs to or is about, as it was
// before any NAT; nil if there is none.
func (r *Record) Root() *Conn {
	switch {
	case r.Conn != nil:
		return r.Conn.kin()
	case r.About != nil:
		return r.About.kin()
	}
	return nil
}
