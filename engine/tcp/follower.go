package tcp

import (
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/tcp/payload"
	"netrepro/engine/tcp/sender"
	"netrepro/engine/tcp/tuple"
)

// Follower knows of which connection a packet is, what its numbers are there, and
// what it was to its sender as far as a capture point has seen. It is what an
// [Analyzer] follows recorded packets with, and a relay those that pass.
type Follower struct {
	conns table
}

// Place is where a packet stands in its connection.
type Place struct {
	Conn     *Conn  // nil if it is of none
	Side     int    // which of the connection's ends sent it
	Seq, Ack uint32 // relative, as Wireshark counts; 0 if it is no TCP segment
}

// NewFollower follows at most so many connections at once: beyond them, the one
// that was idle longest is forgotten. 0 means [DefaultConns].
func NewFollower(maxConns int) *Follower {
	if maxConns <= 0 {
		maxConns = DefaultConns
	}
	return &Follower{conns: newTable(maxConns)}
}

// of finds or opens the connection of a packet. A SYN with another initial sequence
// number than the one before on the same ports opens a fresh one.
func (f *Follower) of(p *packet.Packet, now time.Duration) (e end, fresh bool) {
	t := tuple.Of(p)
	e, known := f.conns.ends.Get(t)
	if known && p.Flags.Has(packet.SYN) && !p.Flags.Has(packet.ACK) && e.conn.ws.Replaces(p, e.side) {
		known, fresh = false, true
	}
	if !known {
		e = f.conns.open(t, p, now)
	}
	f.conns.used(e.conn, now)
	return e, fresh
}

// hasPorts reports whether p can be told to be of a connection.
func hasPorts(p *packet.Packet) bool {
	return (p.Proto == packet.ProtoTCP || p.Proto == packet.ProtoUDP) && !p.Fragment && p.Malformed() == ""
}

// Leave takes in a packet that leaves a node at a capture point; own says that it
// is the node's own, and not one that it forwards. It returns its place and what it
// was to its sender, as far as that point knows.
func (f *Follower) Leave(point int, p *packet.Packet, own bool, now time.Duration) (Place, sender.Sending) {
	if !hasPorts(p) {
		return Place{}, sender.Sending{}
	}
	e, _ := f.of(p, now)
	pl := Place{Conn: e.conn, Side: e.side}
	if !p.IsTCP() {
		return pl, sender.Sending{}
	}
	e.conn.ws.Learn(p, e.side)
	pl.Seq, pl.Ack = e.conn.ws.Relative(p, e.side)
	at := f.state(e.conn, point, e.side)
	at.own[e.side] = at.own[e.side] || own
	return pl, at.senders[e.side].Sent(p, now)
}

// Read finds what a packet that left at a capture point, and is of a place, says in
// TLS and HTTP. What it returns is good until the next call of the same place.
func (f *Follower) Read(point int, pl Place, p *packet.Packet, data []byte) []payload.Event {
	if pl.Conn == nil || !p.IsTCP() {
		return nil
	}
	at := f.state(pl.Conn, point, pl.Side)
	if at.streams == nil {
		at.streams = &[2]payload.Stream{}
	}
	return at.streams[pl.Side].Feed(p.Seq, int(p.PayloadLen), data, nil)
}

// Arrive takes in a segment that arrived at a capture point: what it acknowledges,
// the node there need not send again.
func (f *Follower) Arrive(point int, p *packet.Packet, now time.Duration) {
	if !p.IsTCP() || !hasPorts(p) {
		return
	}
	e, _ := f.of(p, now)
	f.state(e.conn, point, e.side).senders[1-e.side].Acknowledged(p, now)
}

// Lookup is the place of a packet that was changed or forged on its way: its numbers
// prove nothing, so nothing is learned from them, and it opens no other connection
// than the first on its ports.
func (f *Follower) Lookup(p *packet.Packet, now time.Duration) Place {
	if !hasPorts(p) {
		return Place{}
	}
	e, known := f.conns.ends.Get(tuple.Of(p))
	if !known {
		e = f.conns.open(tuple.Of(p), p, now)
		if p.IsTCP() {
			e.conn.ws.Learn(p, e.side)
		}
	}
	pl := Place{Conn: e.conn, Side: e.side}
	if p.IsTCP() {
		pl.Seq, pl.Ack = e.conn.ws.Relative(p, e.side)
	}
	return pl
}

// Outstanding reports whether a node waits for an acknowledgement of what it has
// sent itself, and so will send again before long.
func (f *Follower) Outstanding() bool {
	for e := f.conns.order.Front(); e != nil; e = e.Next() {
		c := e.Value.(*Conn)
		for i := range c.at {
			at := &c.at[i]
			if at.own[0] && at.senders[0].Outstanding() || at.own[1] && at.senders[1].Outstanding() {
				return true
			}
		}
	}
	return false
}

// Absolute is the number on the wire of a relative one that a side of c counts.
func (c *Conn) Absolute(relative uint32, side int) uint32 { return c.ws.Absolute(relative, side) }
