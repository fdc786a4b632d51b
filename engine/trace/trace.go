package trace

import (
	"net/netip"
	"sync"
	"time"

	"netrepro/engine/capture/pcap"
	"netrepro/engine/packet"
	"netrepro/engine/tcp"
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
	flows    []map[connKey]*flow // by point
	conns    map[connKey][]*Conn

	mu        sync.RWMutex
	names     map[netip.Addr]string
	packets   []*Packet
	n         int
	conn      int
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
	t := &Trace{Start: start, Points: points, file: file, conns: map[connKey][]*Conn{}, names: map[netip.Addr]string{}}
	for _, p := range points {
		p.trace = t
		t.flows = append(t.flows, map[connKey]*flow{})
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
	f := t.flow(p)
	if f == nil {
		return p
	}
	p.Conn, p.Opener = f.conn, f.conn.openedBy(&p.Packet)
	if p.IsTCP() {
		f.own = t.names[p.Src] == point.Node
		f.conn.relate(p.Segment)
		sent := f.out.Sent(&p.Packet, at)
		p.Class, p.Resent = sent.Class, sent.Resent
		if t.apps {
			p.App = f.app.Feed(p.Seq, int(p.PayloadLen), payload, nil)
		}
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
	if p.Dir == In && p.Dropped == "" && p.IsTCP() {
		if f := t.flow(p); f != nil {
			f.out.Acknowledged(&p.Packet, p.Time)
		}
	}
	t.add(p, data)
}

// Arrival is a packet that reaches the end of a wire.
type Arrival struct {
	Sent   *Packet // where it left the other end, nil if nothing there sent it
	Point  *Point
	At     time.Duration
	Harmed string // what was done to it on the way
	More   bool   // it will arrive again
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
	q.Dir, q.Sent, q.Harmed, q.More = In, a.Sent, a.Harmed, a.More
	if a.Decoded == nil {
		return q
	}
	q.made = true
	if q.Conn = t.existing(q); q.Conn == nil {
		f := t.flow(q)
		if f == nil {
			return q
		}
		q.Conn = f.conn
		if q.IsTCP() {
			q.Opener = f.conn.openedBy(&q.Packet)
			f.conn.relate(q.Segment)
		}
	}
	q.Opener = q.Conn.openedBy(&q.Packet)
	if q.IsTCP() {
		q.Conn.number(q.Segment)
		q.Class = t.class(q, a.Sent)
	}
	return q
}

// existing is the connection that a packet which was changed or forged is said
// to be of, nil if there is none yet. Whatever its numbers are, it opens no
// other.
func (t *Trace) existing(q *Packet) *Conn {
	k, ok := keyOf(&q.Packet)
	if !ok {
		return nil
	}
	if f := t.flows[q.Point.Index][k]; f != nil {
		return f.conn
	}
	if n := len(t.conns[k]); n > 0 {
		return t.conns[k][n-1]
	}
	return nil
}

// class is what a segment that was changed or forged is: what it was when it was
// sent, or what it would be as the first of its connection.
func (t *Trace) class(q, sent *Packet) tcp.Class {
	if sent != nil && sent.PayloadLen == q.PayloadLen {
		return sent.Class
	}
	var s tcp.Sender
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
		f := pcap.Frame{Interface: p.Point.Index, Time: t.Start.UnixNano() + int64(p.Time), Data: data, Length: int(p.Length),
			Direction: dir, ID: uint64(p.N)}
		if p.Sent != nil {
			f.ID = uint64(p.Sent.N)
		}
		if p.Dropped != "" {
			f.Comments = append(f.Comments, pcap.CommentDropped+p.Dropped)
		}
		if p.Harmed != "" {
			f.Comments = append(f.Comments, pcap.CommentFault+p.Harmed)
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
func (t *Trace) Unacked() bool {
	for _, flows := range t.flows {
		for _, f := range flows {
			if f.own && f.out.Outstanding() {
				return true
			}
		}
	}
	return false
}

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

// flow finds or makes the state of p's connection at p's point, nil if p has
// none.
func (t *Trace) flow(p *Packet) *flow {
	k, ok := keyOf(&p.Packet)
	if !ok {
		return nil
	}
	flows := t.flows[p.Point.Index]
	f := flows[k]
	opens := p.Flags.Has(packet.SYN) && !p.Flags.Has(packet.ACK) && !p.made
	if f == nil || opens && f.conn.differs(p) {
		f = &flow{conn: t.connection(k, p, opens)}
		flows[k] = f
	}
	return f
}

// connection is the newest connection on k, or a new one if p opens another.
func (t *Trace) connection(k connKey, p *Packet, opens bool) *Conn {
	known := t.conns[k]
	if n := len(known); n > 0 && (!opens || !known[n-1].differs(p)) {
		return known[n-1]
	}
	t.conn++
	c := &Conn{ID: t.conn, Proto: p.Proto, Opener: netip.AddrPortFrom(p.Src, p.SrcPort), Other: netip.AddrPortFrom(p.Dst, p.DstPort)}
	if p.Flags.Has(packet.SYN | packet.ACK) {
		c.Opener, c.Other = c.Other, c.Opener
	}
	t.conns[k] = append(known, c)
	return c
}

// openedBy reports whether p comes from the side that opened c.
func (c *Conn) openedBy(p *packet.Packet) bool {
	return c.Opener == netip.AddrPortFrom(p.Src, p.SrcPort)
}

// differs reports whether p, a SYN, opens another connection than c.
func (c *Conn) differs(p *Packet) bool {
	side := 1
	if c.Opener == netip.AddrPortFrom(p.Src, p.SrcPort) {
		side = 0
	}
	return !c.known[side] || c.base[side] != p.Seq
}

// relate fills in the relative numbers of p, as Wireshark counts them: a SYN
// is 0, the first byte is 1. What p says of them for the first time is learned.
func (c *Conn) relate(p *Segment) {
	me := 1
	if p.Opener {
		me = 0
	}
	// A SYN says what the number is; everything else only lets it be guessed.
	guess := !c.known[me] && (!p.Flags.Has(packet.RST) || p.Flags.Has(packet.ACK))
	if guess || p.Flags.Has(packet.SYN) {
		c.base[me], c.known[me] = p.Seq, !p.Flags.Has(packet.RST)
		if !p.Flags.Any(packet.SYN | packet.RST) {
			c.base[me]--
		}
	}
	if p.Flags.Has(packet.ACK) {
		if !c.known[1-me] {
			c.base[1-me], c.known[1-me] = p.Ack-1, true
		}
	}
	c.number(p)
}

// number fills in the relative numbers of p and learns nothing.
func (c *Conn) number(p *Segment) {
	me := 1
	if p.Opener {
		me = 0
	}
	if p.Flags.Has(packet.ACK) {
		p.RelAck = p.Ack - c.base[1-me]
	}
	p.RelSeq = p.Seq - c.base[me]
}
