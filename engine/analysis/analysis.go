// Package analysis follows the connections of a capture in one pass and says of
// every packet what it was.
//
// It reads packets, not files, and judges nothing; package expect does.
//
// Invariant: memory depends on how many connections are followed at once, not
// on how many packets there were.
package analysis

import (
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/wireshark"
)

// Input is one captured packet.
type Input struct {
	N       int           // frame number, from 1
	Time    time.Duration // since the first frame
	Point   int           // capture point: the interface of the file
	Packet  *packet.Packet
	Payload []byte // what was captured of the transport payload
}

// Record is what the analysis says of one packet.
type Record struct {
	*Input
	Conn     *Conn // nil if the packet is no TCP segment
	Side     int   // which of the connection's ends sent it
	Seq, Ack uint32
	Flags    wireshark.Flags
}

// Options of an analyzer.
type Options struct {
	// MaxConns is how many connections are followed at once; beyond it, the
	// one that was idle longest is forgotten. 0 means DefaultConns.
	MaxConns int
}

// DefaultConns is how many connections are followed at once.
const DefaultConns = 1 << 16

// Analyzer is one pass over a capture.
type Analyzer struct {
	conns table
}

// New begins a pass.
func New(o Options) *Analyzer {
	if o.MaxConns <= 0 {
		o.MaxConns = DefaultConns
	}
	return &Analyzer{conns: newTable(o.MaxConns)}
}

// Add takes in the next packet and fills in r.
func (a *Analyzer) Add(in *Input, r *Record) {
	*r = Record{Input: in}
	p := in.Packet
	switch {
	case p.Proto == packet.ProtoTCP && p.IsTCP():
		a.tcp(in, r)
	case p.ICMP() != nil && p.ICMP().Quoted != nil && p.ICMP().Quoted.TCP:
		a.quoted(p.ICMP().Quoted, in.Time)
	}
}

func (a *Analyzer) tcp(in *Input, r *Record) {
	p := in.Packet
	t := tupleOf(p)
	e, known := a.conns.ends[t]
	fresh := false
	if known && p.Flags.Has(packet.SYN) && !p.Flags.Has(packet.ACK) && e.conn.ws.Replaces(p, e.side) {
		known, fresh = false, true
	}
	if !known {
		e = a.conns.open(t, p, in.Time)
	}
	a.conns.used(e.conn, in.Time)
	r.Conn, r.Side = e.conn, e.side
	r.Flags, r.Seq, r.Ack = e.conn.ws.Segment(p, e.side, in.Time, fresh)
}

func (a *Analyzer) quoted(q *packet.Quote, now time.Duration) {
	if e, ok := a.conns.ends[tuple{q.Src, q.Dst, q.SrcPort, q.DstPort, q.Proto}]; ok {
		e.conn.ws.Quoted(q.Flags, e.side, now)
	}
}
