package trace

import (
	"net/netip"
	"sync"
	"time"

	"netrepro/engine/capture"
	"netrepro/engine/capture/pcap"
	"netrepro/engine/packet"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/sender"
)

// Limit is how many packets a trace keeps in memory for judging. Those beyond
// it are in the capture file alone and [Trace.Truncated] says so.
const Limit = 1 << 20

// WholeBytes is how much of whole frames a capture file takes; after that
// every frame is cut to its first [SnapLen] bytes, so that a bulk transfer
// neither fills the disk nor is slowed down by it.
const WholeBytes = 16 << 20

// SnapLen is what is kept of a frame after [WholeBytes]: every header the
// engine reads, options and the beginning of the payload.
const SnapLen = 128

const (
	slab      = 512       // packets allocated at a time
	keepChunk = 256 << 10 // bytes of frames allocated at a time
)

// Trace collects packets from the wires and follows their connections. Arrive,
// Record and Deliver belong to one goroutine, the relay's; everything else may
// be called from any.
type Trace struct {
	Start  time.Time // time 0 of every packet
	Points []*Point

	file     *pcap.Writer
	written  int // bytes of frames given to file
	kept     int // bytes of frames in memory
	apps     bool
	bytes    []byte
	segments []Segment
	records  []Packet
	follower *tcp.Follower

	mu        sync.RWMutex
	names     map[netip.Addr]string
	packets   []*Packet
	n         int
	truncated bool

	findings findings
	// Now is the time since the start, and Stalled for how long of it the host
	// kept the engine from running since a time; both may be set before the first
	// packet. By themselves they are the machine's clock, and never.
	Now     func() time.Duration
	Stalled func(since time.Duration) time.Duration
}

func (t *Trace) now() time.Duration {
	if t.Now != nil {
		return t.Now()
	}
	return time.Since(t.Start)
}

func (t *Trace) stalledSince(since time.Duration) time.Duration {
	if t.Stalled == nil {
		return 0
	}
	return t.Stalled(since)
}

// New starts an empty trace. A nil file keeps it in memory alone.
func New(start time.Time, points []*Point, file *pcap.Writer) *Trace {
	t := &Trace{Start: start, Points: points, file: file, follower: tcp.NewFollower(0), names: map[netip.Addr]string{}}
	for _, p := range points {
		p.trace = t
		for _, a := range p.Addrs {
			t.names[a] = p.Node
		}
	}
	return t
}

// Arrive makes a packet of a frame that left a node at point: its connection,
// relative numbers and class. The packet is not part of the trace, and frame, of
// which payload is a part, is not copied, until [Trace.Record].
func (t *Trace) Arrive(point *Point, at time.Duration, decoded *packet.Packet, frame, payload []byte) *Packet {
	p := t.packet(point, at, decoded, frame, payload)
	pl, sending := t.follower.Leave(point.Index, &p.Packet, t.names[p.Src] == point.Node, at)
	p.set(pl)
	p.AtPoint = sending
	if t.apps {
		p.App = t.follower.Read(point.Index, pl, &p.Packet, payload)
	}
	return p
}

func (t *Trace) packet(point *Point, at time.Duration, decoded *packet.Packet, frame, payload []byte) *Packet {
	s := alloc(&t.segments)
	s.Packet = *decoded
	s.Frame, s.Payload = frame, payload
	p := alloc(&t.records)
	p.Segment, p.Point, p.Time = s, point, at
	return p
}

// ReadApps has every packet from now on read for TLS and HTTP while it passes.
// It must be called as [Trace.Record] is.
func (t *Trace) ReadApps() { t.apps = true }

// keep copies a frame: all of it as long as there is room, then its headers.
func (t *Trace) keep(frame, payload []byte) (kept, body []byte) {
	n := len(frame)
	head := n - len(payload)
	if len(payload) > 0 {
		// They end at the same byte of memory, but for what is behind the
		// IP packet.
		head = max(cap(frame)-cap(payload), 0)
	}
	if t.kept > WholeBytes || head+len(payload) > n {
		n, payload = min(head, n, SnapLen), nil
	}
	if n == 0 {
		return nil, nil
	}
	t.kept += n
	if len(t.bytes)+n > cap(t.bytes) {
		t.bytes = make([]byte, 0, max(keepChunk, n))
	}
	at := len(t.bytes)
	t.bytes = append(t.bytes, frame[:n]...)
	kept = t.bytes[at:len(t.bytes):len(t.bytes)]
	if len(payload) > 0 {
		body = kept[head : head+len(payload)]
	}
	return kept, body
}

// Record adds p to the trace and data to the capture file, with what befell it.
func (t *Trace) Record(p *Packet, data []byte) {
	if !p.kept {
		p.Frame, p.Payload = t.keep(p.Frame, p.Payload)
		p.kept = true
	}
	if p.Dir == In && p.Dropped == "" {
		t.follower.Arrive(p.Point.Index, &p.Packet, p.Time)
	}
	t.add(p, data)
}

// Arrival is a packet that reaches the end of a wire.
type Arrival struct {
	Sent  *Packet // where it left the other end, nil if nothing there sent it
	Point *Point
	At    time.Duration
	Fault string // what was done to it on the way
	More  bool   // it will arrive again
	// Decoded is what Data says and Payload a part of Data, if that is not what
	// was sent.
	Decoded       *packet.Packet
	Data, Payload []byte
}

// Reach makes a packet of an arrival, which is not part of the trace until
// [Trace.Record].
func (t *Trace) Reach(a *Arrival) *Packet {
	var q *Packet
	if a.Decoded == nil {
		q = alloc(&t.records)
		q.Segment, q.Point, q.Time = a.Sent.Segment, a.Point, a.At
	} else {
		q = t.packet(a.Point, a.At, a.Decoded, a.Data, a.Payload)
	}
	q.Dir, q.Sent, q.Fault, q.More = In, a.Sent, a.Fault, a.More
	if a.Decoded == nil {
		return q
	}
	q.set(t.follower.Lookup(&q.Packet, a.At))
	if q.IsTCP() {
		q.AtPoint.Class = t.class(q, a.Sent)
	}
	return q
}

// class is what a segment that was changed or forged is: what it was when it was
// sent, or what it would be as the first of its connection.
func (t *Trace) class(q, sent *Packet) sender.Class {
	if sent != nil && sent.PayloadLen == q.PayloadLen {
		return sent.AtPoint.Class
	}
	var s sender.Sender
	return s.Sent(&q.Packet, q.Time).Class
}

func (t *Trace) add(p *Packet, data []byte) {
	t.mu.Lock()
	t.n++
	p.N = t.n
	if len(t.packets) < Limit {
		t.packets = append(t.packets, p)
	} else {
		t.truncated = true
	}
	t.mu.Unlock()
	if t.file == nil {
		return
	}
	if t.written += len(data); t.written > WholeBytes {
		data = data[:min(len(data), SnapLen)]
	}
	dir := pcap.Outbound
	if p.Dir == In {
		dir = pcap.Inbound
	}
	t.file.Append(func(b []byte) []byte {
		f := pcap.Frame{Interface: p.Point.Index, Time: t.Start.UnixNano() + int64(p.Time), Data: data,
			Length:    int(p.Length),
			Direction: dir, ID: uint64(p.N)}
		if p.Sent != nil {
			f.ID = uint64(p.Sent.N)
		}
		if p.Dropped != "" {
			f.Comments = append(f.Comments, capture.CommentDropped+p.Dropped)
		}
		if p.Fault != "" {
			f.Comments = append(f.Comments, capture.CommentFault+p.Fault)
		}
		return t.file.Packet(b, &f)
	})
}

// Flush hands what is buffered for the capture file to the disk.
func (t *Trace) Flush() { t.file.Flush() }

// Secrets adds TLS key log lines to the capture file, before the packets that
// come later. It must be called from the relay's goroutine, as Record.
func (t *Trace) Secrets(lines []byte) {
	t.file.Append(func(b []byte) []byte { return t.file.Secrets(b, lines) })
}

// Unacked reports whether a node that sends waits for an acknowledgement, and so will
// send again before long. It must be called as Record is.
func (t *Trace) Unacked() bool { return t.follower.Outstanding() }

// Truncated reports whether packets were left out of memory.
func (t *Trace) Truncated() bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.truncated
}

// Whole reports whether every frame is in the capture file as it was. It must be
// called as Record is, or when nothing is recorded any more.
func (t *Trace) Whole() bool { return t.written <= WholeBytes && t.kept <= WholeBytes }

// Packets returns the packets so far, in the order of their frame numbers.
func (t *Trace) Packets() []*Packet {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.packets[:len(t.packets):len(t.packets)]
}

// Owns reports whether the node of a capture point has address a.
func (t *Trace) Owns(p *Point, a netip.Addr) bool {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.names[a] == p.Node
}

// Name is the node that has address a, or a itself.
func (t *Trace) Name(a netip.Addr) string {
	t.mu.RLock()
	defer t.mu.RUnlock()
	if n, ok := t.names[a]; ok {
		return n
	}
	return a.String()
}

// alloc takes one element of a slab, and a new slab when it is used up.
func alloc[T any](free *[]T) *T {
	if len(*free) == 0 {
		*free = make([]T, slab)
	}
	p := &(*free)[0]
	*free = (*free)[1:]
	return p
}
