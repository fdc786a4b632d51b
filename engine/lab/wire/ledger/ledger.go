//go:build linux

// Package ledger keeps what there is to say of the frames that a lab's wires
// carry: the records of the trace, what was lost, and when something was last
// handled.
//
// Its methods are called by one goroutine at a time; the relay's lock sees to it.
package ledger

import (
	"time"

	"netrepro/engine/lab/stall"
	"netrepro/engine/packet"
	"netrepro/engine/trace"
)

// Ledger is what is recorded and counted of the frames of one lab.
type Ledger struct {
	trace   *trace.Trace
	stalls  *stall.Monitor
	start   int64 // of the trace, nanoseconds since 1970
	dec     packet.Decoder
	dirty   int64 // when the first record came that is not yet in the capture file, 0 if none
	lost    uint64
	lostWhy error
	activity
}

// New makes a ledger that writes into a trace, and notes what came late in stalls,
// which may be nil.
func New(t *trace.Trace, stalls *stall.Monitor) *Ledger {
	return &Ledger{trace: t, stalls: stalls, start: t.Start.UnixNano()}
}

// Clock is the time that the kernel stamps frames with, nanoseconds since 1970.
func Clock() int64 { return time.Now().UnixNano() }

// Leaves makes a packet of a frame that leaves the node of a capture point, of
// which data was captured and which had length bytes. It counts as one that enters
// a wire. It is not in the trace until [Ledger.Record].
func (l *Ledger) Leaves(at *trace.Point, arrival int64, data []byte, length int) *trace.Packet {
	l.frames++
	var d packet.Packet
	l.dec.Ethernet(data, length, &d)
	return l.trace.Arrive(at, time.Duration(arrival-l.start), &d, data, l.dec.Payload())
}

// Arrival is a frame that reaches the node of a capture point.
type Arrival struct {
	Sent    *trace.Packet // where it left the other end, nil if nothing there sent it
	Data    []byte
	Altered bool   // Data is not what Sent says
	Fault   string // what was done to it on the way
	More    bool   // it will arrive again
}

// Made reports whether the engine made the frame, or what is in it.
func (a *Arrival) Made() bool { return a.Sent == nil || a.Altered }

// Reaches makes a packet of a frame that arrives now. It is not in the trace until
// [Ledger.Record].
func (l *Ledger) Reaches(at *trace.Point, a *Arrival) *trace.Packet {
	t := trace.Arrival{Sent: a.Sent, Point: at, At: time.Duration(Clock() - l.start),
		Data: a.Data, Fault: a.Fault, More: a.More}
	if a.Made() {
		var d packet.Packet
		l.dec.Ethernet(a.Data, len(a.Data), &d)
		t.Decoded, t.Payload = &d, l.dec.Payload()
	}
	return l.trace.Reach(&t)
}

// Record adds a packet to the trace, and its frame to the capture file.
func (l *Ledger) Record(p *trace.Packet, data []byte) { l.trace.Record(p, data) }

// Owns reports whether the address of a packet is one of the node behind a point.
func (l *Ledger) Owns(at *trace.Point, p *trace.Packet) bool { return l.trace.Owns(at, p.Dst) }

// Late notes that something was done so long, in nanoseconds, after it was due.
func (l *Ledger) Late(by int64) { l.stalls.Note(time.Duration(by)) }

// Lose counts frames that were lost without a fault, and why the last one was.
func (l *Ledger) Lose(n uint64, why error) {
	l.lost += n
	l.lostWhy = why
}

// Lost is what [Ledger.Lose] has counted, and why the last one was lost.
func (l *Ledger) Lost() (n uint64, why error) { return l.lost, l.lostWhy }

// flushAfter is how long a packet may stay in memory before it is written to the
// capture file.
const flushAfter = 10 * time.Millisecond

// Flush writes to the capture file what is due there, and returns in how many
// milliseconds more will be, -1 for never.
func (l *Ledger) Flush() (next int) {
	if l.dirty == 0 {
		return -1
	}
	left := l.dirty + int64(flushAfter) - Clock()
	if left > 0 {
		return int(left/int64(time.Millisecond)) + 1
	}
	l.trace.Flush()
	l.dirty = 0
	return -1
}
