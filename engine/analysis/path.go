package analysis

import (
	"encoding/binary"
	"fmt"
	"net/netip"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/reset"
)

// twin is a packet as it was seen first, to know it again at the capture
// points after.
type twin struct {
	sum     uint64
	n       int
	time    time.Duration
	points  uint64 // that it was seen at
	conn    *Conn
	sending Sending
	verdict *reset.Verdict
	packet  tuple
}

// twins finds packets again. It is a cache: the more packets there are between
// two sightings, the more may be missed, none is mistaken for another that
// differs in sequence number, acknowledgement, length, identification or time
// stamp.
type twins struct {
	slots []twin
	last  *twin
}

const (
	twinSlots = 1 << 14
	// together is how long a packet takes from one capture point to another
	// at most.
	together = 2 * time.Second
)

// sum is what a packet keeps on its way through routers and NAT.
func sum(p *packet.Packet) uint64 {
	h := uint64(14695981039346656037)
	if p.Proto != packet.ProtoTCP {
		for _, a := range [...]netip.Addr{p.Src, p.Dst} {
			b := a.As16()
			h = (h ^ binary.BigEndian.Uint64(b[8:])) * 1099511628211
		}
		h ^= uint64(p.Proto)<<32 | uint64(uint32(p.IPLen))
		if m := p.ICMP(); m != nil {
			h ^= uint64(m.Type)<<8 | uint64(m.Code)
		}
	}
	for _, v := range [...]uint64{uint64(p.Seq)<<32 | uint64(p.Ack), uint64(p.TSVal)<<32 | uint64(p.TSEcr),
		uint64(p.ID)<<48 | uint64(uint32(p.PayloadLen))<<16 | uint64(p.Window), uint64(p.Flags)} {
		h = (h ^ v) * 1099511628211
		h ^= h >> 29
	}
	return h
}

// seen returns the first sighting of r's packet, if that was at another point;
// else r's own is remembered, and what it was is filled in by remember.
func (t *twins) seen(r *Record, c *Conn) *twin {
	if t.slots == nil {
		t.slots = make([]twin, twinSlots)
	}
	s := sum(r.Packet)
	slot := &t.slots[s%twinSlots]
	bit := uint64(1) << (r.Point % 64)
	if slot.sum == s && slot.points != 0 && slot.points&bit == 0 && r.Time-slot.time < together && (slot.conn == c || c != nil && slot.conn != nil && c.joins(slot.conn)) {
		slot.points |= bit
		t.last = nil
		return slot
	}
	*slot = twin{sum: s, n: r.N, time: r.Time, points: bit, conn: c, packet: tupleOf(r.Packet)}
	t.last = slot
	return nil
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
	if root := o.kin(); c.kin() != root {
		root.points = append(root.points, c.points...)
		root.members = append(root.members, c)
		c.Nat = o
	}
	if !c.told.nat {
		c.told.nat = true
		p := r.Packet
		r.Notes = append(r.Notes, fmt.Sprintf("NAT: %s:%d > %s:%d became %s:%d > %s:%d", first.packet.src, first.packet.srcPort, first.packet.dst,
			first.packet.dstPort, p.Src, p.SrcPort, p.Dst, p.DstPort))
	}
}

// original tells what became of what a segment sends again: whether the last
// capture point of the path has seen it.
func (a *Analyzer) original(r *Record) string {
	p := r.Packet
	if p.SeqLen() == 0 {
		return ""
	}
	k := r.Conn.kin()
	far := k.far(r.Side)
	if far < 0 || far == r.Point {
		return ""
	}
	for _, m := range k.members {
		for i := range m.at {
			if m.at[i].point != far {
				continue
			}
			if m.at[i].senders[r.Side].Saw(p.Seq, p.Seq+p.SeqLen()) {
				return "arrived"
			}
			return "lost"
		}
	}
	return ""
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
