package tcp

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"slices"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/tcp/reset"
)

// twin is a packet as it was seen first, to know it again at the capture
// points after.
type twin struct {
	sum     uint64
	n       int
	time    time.Duration
	seenAt  []hop // one for each time to live that it had
	conn    *Conn
	sending Sending
	verdict *reset.Verdict
	packet  tuple
}

// of reports whether the packet can be one of c, behind a NAT perhaps.
func (w *twin) of(c *Conn) bool {
	return w.conn == c || c != nil && w.conn != nil && c.joins(w.conn)
}

// hop is where a packet was seen with one time to live. It may pass a point again
// after it was routed, as where a router is on a stick.
type hop struct {
	ttl    uint8
	points [2]uint64 // by direction
}

// at is the hop of a time to live, nil if it was not seen with that.
func (w *twin) at(ttl uint8) *hop {
	for i := range w.seenAt {
		if w.seenAt[i].ttl == ttl {
			return &w.seenAt[i]
		}
	}
	return nil
}

// pass notes a sighting.
func (w *twin) pass(ttl uint8, dir int, bit uint64) {
	h := w.at(ttl)
	if h == nil {
		w.seenAt = append(w.seenAt, hop{ttl: ttl})
		h = &w.seenAt[len(w.seenAt)-1]
	}
	h.points[dir] |= bit
}

// may reports whether the packet may be at a point now: it was not there yet with
// this time to live, which only becomes less.
func (w *twin) may(ttl uint8, dir int, bit uint64) bool {
	if h := w.at(ttl); h != nil {
		return h.points[dir]&bit == 0
	}
	return len(w.seenAt) < maxHops && (ttl < w.seenAt[0].ttl || w.seenAt[0].points[dir]&bit == 0)
}

// maxHops bounds the hops of one packet: as many as a time to live can count.
const maxHops = 256

// twins finds packets again. Where the capture does not say which sightings are
// of one packet, it is a cache: the more packets there are between two
// sightings, the more may be missed.
type twins struct {
	slots [][ways]*twin
	out   map[int]*twin // by the frame in which it left, until it arrives
	order []int         // of out, oldest first
	last  *twin         // of the packet at hand, if this is its first sighting
}

const (
	twinSlots = 1 << 13
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
func sum(r *Record) uint64 {
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
	for _, c := range r.Payload[:min(len(r.Payload), sampled)] {
		h.add(uint64(c))
	}
	if p.Proto != packet.ProtoUDP {
		for _, a := range [...]netip.Addr{p.Src, p.Dst} {
			b := a.As16()
			h.add(binary.BigEndian.Uint64(b[8:]))
		}
	}
	if m := p.ICMP(); m != nil {
		h.add(uint64(m.Type)<<8 | uint64(m.Code))
	}
	return uint64(h)
}

// seen returns the first sighting of r's packet, if that was at another point;
// else r's own is remembered as last.
func (t *twins) seen(r *Record, c *Conn) *twin {
	if t.slots == nil {
		t.slots, t.out = make([][ways]*twin, twinSlots), map[int]*twin{}
	}
	t.last = nil
	dir := 0
	if r.Direction == Out { // a packet may leave where it came in
		dir = 1
	}
	bit := uint64(1) << (r.Point % 64)
	// A file may say anything of which frames are one packet.
	if w := t.out[r.SameAs]; w != nil && r.SameAs > 0 && w.of(c) {
		if !r.More {
			delete(t.out, r.SameAs)
		}
		w.pass(r.Packet.TTL, dir, bit)
		return w
	}
	s := sum(r)
	slot := &t.slots[s%twinSlots]
	var w *twin
	oldest := 0
	for i, o := range slot {
		if o == nil || slot[oldest] != nil && o.n < slot[oldest].n {
			oldest = i
		}
		if o != nil && o.sum == s && o.may(r.Packet.TTL, dir, bit) && r.Time-o.time < together && (w == nil || o.n < w.n) &&
			o.of(c) {
			w = o
		}
	}
	found := w != nil
	if !found {
		w = &twin{sum: s, n: r.N, time: r.Time, conn: c, packet: tupleOf(r.Packet)}
		slot[oldest], t.last = w, w
	}
	w.pass(r.Packet.TTL, dir, bit)
	if r.Paired {
		t.out[r.N] = w
		if t.order = append(t.order, r.N); len(t.order) > maxUnderWay {
			delete(t.out, t.order[0])
			t.order = t.order[1:]
		}
	}
	if !found {
		return nil
	}
	return w
}

// joins reports whether c can be o behind a NAT: a connection not joined to
// another yet, or to o's.
func (c *Conn) joins(o *Conn) bool {
	return c.Nat == nil && c != o.kin() && c.kin().ID > o.kin().ID && c.Packets[0]+c.Packets[1] <= 2 || c.kin() == o.kin()
}

// copied fills in what is known of a packet that was seen before.
func (a *Analyzer) copied(r *Record, first *twin) {
	r.Copy = first.n
	o, c := first.conn, r.Conn
	if o == c {
		return
	}
	if root := o.kin(); c.kin() != root && len(root.members) < maxMembers {
		root.points = append(root.points, c.points...)
		root.members = append(root.members, c)
		c.Nat = root
	}
	if !c.told.nat && tupleOf(r.Packet) != first.packet {
		c.told.nat = true
		p := r.Packet
		r.Notes = append(r.Notes, fmt.Sprintf("NAT: %s:%d > %s:%d became %s:%d > %s:%d", first.packet.src, first.packet.srcPort, first.packet.dst,
			first.packet.dstPort, p.Src, p.SrcPort, p.Dst, p.DstPort))
	}
}

// maxMembers bounds how many connections are taken for one behind NATs.
const maxMembers = 8

// original tells what became of what a segment sends again: whether it has
// reached the node that it was for. Where it is not known whose wires were
// captured, it tells only of what was lost before the last of them.
func (a *Analyzer) original(r *Record) string {
	p := r.Packet
	if p.SeqLen() == 0 {
		return ""
	}
	last := r.Conn.leg(r.Side)
	if own := a.owners[last.Ends[1-r.Side].Addr()]; len(own) > 0 {
		for i := range last.at {
			at := &last.at[i]
			if !slices.Contains(own, at.point) || !at.senders[r.Side].Saw(p.Seq, p.Seq+p.SeqLen()) {
				continue
			}
			if !a.ends(last, r.Side) {
				return "" // it may have been translated, and lost then
			}
			return "arrived"
		}
		return "lost"
	}
	k := r.Conn.kin()
	far := k.far(r.Side)
	if far < 0 || far == r.Point {
		return ""
	}
	for _, m := range k.members {
		for i := range m.at {
			if m.at[i].point == far && !m.at[i].senders[r.Side].Saw(p.Seq, p.Seq+p.SeqLen()) {
				return "lost"
			}
		}
	}
	return "" // what it has seen may have been lost behind it
}

// ends reports whether packets of a side surely end at the node that has their
// destination address. One with several wires may translate and forward them,
// unless it has answered.
func (a *Analyzer) ends(last *Conn, side int) bool {
	own := a.owners[last.Ends[1-side].Addr()]
	if len(own) == 1 {
		return true
	}
	return slices.ContainsFunc(last.at, func(at pointState) bool {
		return slices.Contains(own, at.point) && at.senders[1-side].started
	})
}

// leg is the connection as it is where packets of a side end: behind all NATs, or
// before them.
func (c *Conn) leg(side int) *Conn {
	k := c.kin()
	if side == 0 {
		return k.members[len(k.members)-1]
	}
	return k
}

// far is the capture point that packets of a side pass last, -1 if only one is
// known.
func (c *Conn) far(side int) int {
	if len(c.points) < 2 {
		return -1
	}
	if side == 0 {
		return int(c.points[len(c.points)-1])
	}
	return int(c.points[0])
}

// maxAwaited bounds how many retransmissions wait to hear of their originals.
const maxAwaited = 256

// await remembers a retransmission whose original may only be slow.
func (c *Conn) await(r *Record) {
	if len(c.awaited) < maxAwaited {
		c.awaited = append(c.awaited, r)
	}
}

// arrives takes in that a packet was seen again where its path ends, if it surely
// does: a retransmission that was sent after it was needless.
func (a *Analyzer) arrives(c *Conn, r *Record, first *twin) {
	if len(c.awaited) == 0 || !r.AtDestination || r.KernelDrop != "" || r.Conn != r.Conn.leg(r.Side) || !a.ends(r.Conn, r.Side) {
		return
	}
	p := r.Packet
	for _, w := range c.awaited {
		if w.N > first.n && w.Side == r.Side && w.Original == "lost" && !packet.Before(w.Packet.Seq, p.Seq) && !packet.After(w.Packet.Seq+w.Packet.SeqLen(), p.Seq+p.SeqLen()) {
			w.Original = "arrived"
		}
	}
}
