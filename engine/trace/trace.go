package trace

import (
	"net/netip"
	"sync"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/pcap"
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
	keepChunk = 256 << 10 // bytes of payload allocated at a time
)

// Trace collects packets from the wires and follows their connections. Arrive,
// Record and Deliver belong to one goroutine, the relay's; everything else may
// be called from any.
type Trace struct {
	Start  time.Time // time 0 of every packet
	Points []*Point

	file     *pcap.Writer
	written  int // bytes of frames given to file
	kept     int // bytes of payload in memory
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
// relative numbers and class. payload is copied. The packet is not part of the
// trace until [Trace.Record].
func (t *Trace) Arrive(point *Point, at time.Duration, decoded *packet.Packet, payload []byte) *Packet {
	s := alloc(&t.segments)
	s.Packet = *decoded
	s.Payload = t.keep(payload)
	p := alloc(&t.records)
	p.Segment, p.Point, p.Time = s, point, at
	if f := t.flow(p); f != nil && p.IsTCP() {
		f.conn.relate(s)
		sent := f.out.Sent(&s.Packet, at)
		s.Class, s.Resent = sent.Class, sent.Resent
	}
	return p
}

// keep copies payload, as long as there is room.
func (t *Trace) keep(payload []byte) []byte {
	n := len(payload)
	if n == 0 || t.kept > WholeBytes {
		return nil
	}
	t.kept += n
	if len(t.bytes)+n > cap(t.bytes) {
		t.bytes = make([]byte, 0, max(keepChunk, n))
	}
	at := len(t.bytes)
	t.bytes = append(t.bytes, payload...)
	return t.bytes[at:len(t.bytes):len(t.bytes)]
}

// Record adds p to the trace and data to the capture file; dropped names what
// dropped it, empty if nothing did.
func (t *Trace) Record(p *Packet, data []byte, dropped string) {
	p.Dropped = dropped
	comment := ""
	if dropped != "" {
		comment = "dropped: " + dropped
	}
	t.add(p, data, comment)
}

// Deliver adds the arrival of p, sent at the other end of the wire, at point.
func (t *Trace) Deliver(p *Packet, point *Point, at time.Duration, data []byte) {
	q := alloc(&t.records)
	q.Segment, q.Point, q.Dir, q.Time = p.Segment, point, In, at
	if f := t.flow(q); f != nil && q.IsTCP() {
		f.out.Acknowledged(&q.Packet, at)
	}
	t.add(q, data, "")
}

func (t *Trace) add(p *Packet, data []byte, comment string) {
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
		f := pcap.Frame{Interface: p.Point.Index, Time: t.Start.UnixNano() + int64(p.Time), Data: data, Length: int(p.Length), Direction: dir}
		if comment != "" {
			f.Comments = []string{comment}
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

// Unacked reports whether a sender waits for an acknowledgement, and so will
// send again before long. It must be called as Record is.
func (t *Trace) Unacked() bool {
	for _, flows := range t.flows {
		for _, f := range flows {
			if f.out.Outstanding() {
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

// Packets returns the packets so far, in the order of their frame numbers.
func (t *Trace) Packets() []*Packet {
	t.mu.RLock()
	defer t.mu.RUnlock()
	return t.packets[:len(t.packets):len(t.packets)]
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
	opens := p.Flags.Has(packet.SYN) && !p.Flags.Has(packet.ACK)
	if f == nil || opens && f.conn.differs(p) {
		f = &flow{conn: t.connection(k, p, opens)}
		flows[k] = f
	}
	if p.Dir == In {
		return f
	}
	p.Conn = f.conn
	p.Opener = f.conn.Opener == netip.AddrPortFrom(p.Src, p.SrcPort)
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

// differs reports whether p, a SYN, opens another connection than c.
func (c *Conn) differs(p *Packet) bool {
	side := 1
	if c.Opener == netip.AddrPortFrom(p.Src, p.SrcPort) {
		side = 0
	}
	return !c.known[side] || c.base[side] != p.Seq
}

// relate fills in the relative numbers of p, as Wireshark counts them: a SYN
// is 0, the first byte is 1.
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
		p.RelAck = p.Ack - c.base[1-me]
	}
	p.RelSeq = p.Seq - c.base[me]
}
