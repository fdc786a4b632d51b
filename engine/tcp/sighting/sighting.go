// Package sighting finds a packet again at the capture points after the first: behind
// routers, and behind NAT.
//
// Invariant: its memory is bounded, and no packet costs more than a constant time.
package sighting

import (
	"encoding/binary"
	"net/netip"
	"time"

	"netrepro/engine/packet"
)

// Packet is a packet as it was seen first, to know it again at the capture points
// after. Known is what its owner knows of it.
type Packet[T any] struct {
	N     int // of the frame
	Known T

	sum      uint64
	src, dst netip.Addr // of an ICMP message
	time     time.Duration
	seenAt   []hop // one for each time to live that it had
}

// hop is where a packet was seen with one time to live. It may pass a point again
// after it was routed, as where a router is on a stick.
type hop struct {
	ttl    uint8
	points [2]uint64 // by direction
}

// shares reports whether p can be w by its addresses. An ICMP message has little else that
// tells it from others: a NAT leaves it one of its two.
func (w *Packet[T]) shares(p *packet.Packet) bool {
	return p.ICMP() == nil || w.src == p.Src || w.dst == p.Dst
}

// at is the hop of a time to live, nil if it was not seen with that.
func (w *Packet[T]) at(ttl uint8) *hop {
	for i := range w.seenAt {
		if w.seenAt[i].ttl == ttl {
			return &w.seenAt[i]
		}
	}
	return nil
}

// pass notes a sighting.
func (w *Packet[T]) pass(ttl uint8, dir int, bit uint64) {
	h := w.at(ttl)
	if h == nil {
		w.seenAt = append(w.seenAt, hop{ttl: ttl})
		h = &w.seenAt[len(w.seenAt)-1]
	}
	h.points[dir] |= bit
}

// may reports whether the packet may be at a point now: it was not there yet with
// this time to live, which only becomes less.
func (w *Packet[T]) may(ttl uint8, dir int, bit uint64) bool {
	if h := w.at(ttl); h != nil {
		return h.points[dir]&bit == 0
	}
	return len(w.seenAt) < maxHops && (ttl < w.seenAt[0].ttl || w.seenAt[0].points[dir]&bit == 0)
}

// maxHops bounds the hops of one packet: as many as a time to live can count.
const maxHops = 256

// Table finds packets again. Where the capture does not say which sightings are
// of one packet, it is a cache: the more packets there are between two
// sightings, the more may be missed.
type Table[T any] struct {
	slots [][ways]*Packet[T]
	out   map[int]*Packet[T] // by the frame in which it left, until it arrives
	order []int              // of out, oldest first
}

const (
	slots = 1 << 13
	// ways is how many packets that look alike may be under way at once.
	ways = 4
	// together is how long a packet takes from one capture point to another
	// at most.
	together = 10 * time.Second
	// sampled is how much of the payload of a packet without sequence number
	// tells it from others.
	sampled = 64
)

// maxUnderWay bounds how many packets are remembered as having left.
const maxUnderWay = 1 << 16

// mixer is FNV-1a (draft-eastlake-fnv) with the high bits folded in.
type mixer uint64

func (h *mixer) add(v uint64) {
	x := (uint64(*h) ^ v) * 1099511628211
	*h = mixer(x ^ x>>29)
}

// sum is what a packet keeps on its way through routers and NAT.
func sum(r *Sighting) uint64 {
	p := r.Packet
	h := mixer(14695981039346656037)
	h.add(uint64(p.Seq)<<32 | uint64(p.Ack))
	h.add(uint64(p.TSVal)<<32 | uint64(p.TSEcr))
	h.add(uint64(p.ID)<<48 | uint64(uint32(p.PayloadLen))<<16 | uint64(p.Window))
	h.add(uint64(p.Proto)<<32 | uint64(p.Flags))
	for _, s := range p.SACK() {
		h.add(uint64(s.Left)<<32 | uint64(s.Right))
	}
	if p.Proto == packet.ProtoTCP {
		return uint64(h)
	}
	m := p.ICMP()
	if m == nil || m.Quoted == nil { // NAT changes what an ICMP error quotes
		for _, c := range r.Payload[:min(len(r.Payload), sampled)] {
			h.add(uint64(c))
		}
	}
	switch {
	case m != nil:
		h.add(uint64(m.Type)<<8 | uint64(m.Code))
		if m.Quoted != nil {
			h.add(uint64(m.Quoted.Seq)<<8 | uint64(m.Quoted.Proto))
		}
	case p.Proto != packet.ProtoUDP:
		for _, a := range [...]netip.Addr{p.Src, p.Dst} {
			b := a.As16()
			h.add(binary.BigEndian.Uint64(b[8:]))
		}
	}
	return uint64(h)
}

// Sighting is a packet at a capture point.
type Sighting struct {
	N       int           // of the frame
	Time    time.Duration // since the first frame
	Point   int
	Leaves  bool // the node at the point; a packet may leave where it came in
	Packet  *packet.Packet
	Payload []byte
	// SameAs is the frame in which the same packet left, 0 if that is not known. A
	// frame of which another may say so is Paired. More says that another frame will
	// be the same as SameAs.
	SameAs       int
	Paired, More bool
}

// Seen returns the first sighting of a packet. It is fresh if that is this one: then
// what is known of it is known. may says of what is known of another packet whether
// this can be it.
func (t *Table[T]) Seen(s *Sighting, known T, may func(T) bool) (first *Packet[T], fresh bool) {
	if t.slots == nil {
		t.slots, t.out = make([][ways]*Packet[T], slots), map[int]*Packet[T]{}
	}
	dir := 0
	if s.Leaves {
		dir = 1
	}
	bit := uint64(1) << (s.Point % 64)
	// A file may say anything of which frames are one packet.
	if w := t.out[s.SameAs]; w != nil && s.SameAs > 0 && may(w.Known) {
		if !s.More {
			delete(t.out, s.SameAs)
		}
		w.pass(s.Packet.TTL, dir, bit)
		return w, false
	}
	w, place := t.find(s, dir, bit, may)
	if fresh = w == nil; fresh {
		w = &Packet[T]{sum: sum(s), N: s.N, time: s.Time, Known: known}
		if s.Packet.ICMP() != nil {
			w.src, w.dst = s.Packet.Src, s.Packet.Dst
		}
		*place = w
	}
	w.pass(s.Packet.TTL, dir, bit)
	if s.Paired {
		t.out[s.N] = w
		if t.order = append(t.order, s.N); len(t.order) > maxUnderWay {
			delete(t.out, t.order[0])
			t.order = t.order[1:]
		}
	}
	return w, fresh
}

// find is the packet by what it keeps on its way, nil if it was not seen before, and
// the place that one seen first is kept at.
func (t *Table[T]) find(s *Sighting, dir int, bit uint64, may func(T) bool) (found *Packet[T], place **Packet[T]) {
	n := sum(s)
	slot := &t.slots[n%slots]
	oldest := 0
	for i, o := range slot {
		if o == nil || slot[oldest] != nil && o.N < slot[oldest].N {
			oldest = i
		}
		if o != nil && o.sum == n && o.may(s.Packet.TTL, dir, bit) && s.Time-o.time < together &&
			(found == nil || o.N < found.N) && o.shares(s.Packet) && may(o.Known) {
			found = o
		}
	}
	return found, &slot[oldest]
}
