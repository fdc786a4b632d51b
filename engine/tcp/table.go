package tcp

import (
	"net/netip"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/tcp/payload"
	"netrepro/engine/tcp/wireshark"
)

// end is a connection as seen from the packets of one direction.
type end struct {
	conn *Conn
	side int // which of the connection's ends sends these
}

// table finds connections, and forgets those that were idle longest when it is
// full.
type table struct {
	ends   map[tuple]end
	recent [recentEnds]found // what was looked up last, by a cheap sum
	limit  int
	n      int
	states int // points at which connections are followed besides one each
	nextID int
	newest *Conn
	oldest *Conn
}

// found is an answer of the map.
type found struct {
	tuple tuple
	end   end
}

const (
	recentEnds = 1 << 12
	// relink is how often a connection in use is moved to the front of the
	// order of last use.
	relink = time.Second
)

// slot is where the answer for t is kept.
func (b *table) slot(t *tuple) *found {
	return &b.recent[(uint32(t.srcPort)*31^uint32(t.dstPort)*17^uint32(t.srcPort)>>7)%recentEnds]
}

// find is the connection that a packet with t belongs to.
func (b *table) find(t tuple) (end, bool) {
	s := b.slot(&t)
	if s.end.conn != nil && s.tuple == t {
		return s.end, true
	}
	e, ok := b.ends[t]
	if ok {
		*s = found{t, e}
	}
	return e, ok
}

// drop forgets what was looked up for t, and for its answers.
func (b *table) drop(t tuple) {
	*b.slot(&t) = found{}
	t = t.reversed()
	*b.slot(&t) = found{}
}

func newTable(limit int) table {
	return table{ends: map[tuple]end{}, limit: limit}
}

// open makes a connection of which a packet with t is the first, in place of
// the one before on the same ports.
func (b *table) open(t tuple, p *packet.Packet, now time.Duration) end {
	if old, ok := b.ends[t]; ok {
		b.forget(old.conn)
	}
	c := &Conn{ID: b.nextID, Proto: p.Proto, Start: now, last: now, ws: wireshark.NewConversation(),
		Ends: [2]netip.AddrPort{netip.AddrPortFrom(p.Src, p.SrcPort), netip.AddrPortFrom(p.Dst, p.DstPort)}}
	c.members = []*Conn{c}
	side := 0
	if p.Flags.Has(packet.SYN | packet.ACK) {
		c.Ends[0], c.Ends[1] = c.Ends[1], c.Ends[0]
		side = 1
	}
	c.Text = [2]string{c.Ends[0].String(), c.Ends[1].String()}
	b.nextID++
	b.n++
	b.drop(t)
	b.ends[t] = end{c, side}
	if r := t.reversed(); r != t {
		b.ends[r] = end{c, 1 - side}
	}
	b.link(c)
	if b.n > b.limit {
		b.forget(b.oldest)
	}
	return end{c, side}
}

// used marks c as the one used last.
func (b *table) used(c *Conn, now time.Duration) {
	if b.newest == c || now-c.last < relink && now >= c.last {
		return
	}
	c.last = now
	b.unlink(c)
	b.link(c)
}

func (b *table) link(c *Conn) {
	c.older, c.newer = b.newest, nil
	if b.newest != nil {
		b.newest.newer = c
	}
	b.newest = c
	if b.oldest == nil {
		b.oldest = c
	}
}

func (b *table) unlink(c *Conn) {
	if c.newer != nil {
		c.newer.older = c.older
	} else {
		b.newest = c.older
	}
	if c.older != nil {
		c.older.newer = c.newer
	} else {
		b.oldest = c.newer
	}
	c.newer, c.older = nil, nil // whoever keeps c does not keep the others
}

func (b *table) forget(c *Conn) {
	t := tuple{c.Ends[0].Addr(), c.Ends[1].Addr(), c.Ends[0].Port(), c.Ends[1].Port(), c.Proto}
	b.drop(t)
	if b.ends[t].conn == c {
		delete(b.ends, t)
		delete(b.ends, t.reversed())
	}
	b.unlink(c)
	b.n--
	b.states -= max(len(c.at)-1, 0)
	c.at, c.awaited, c.streams = nil, nil, [2]payload.Stream{}
}
