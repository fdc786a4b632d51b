package tcp

import (
	"container/list"
	"net/netip"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/tcp/payload"
	"netrepro/engine/tcp/tuple"
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
	ends   *tuple.Map[end]
	limit  int
	n      int
	states int // points at which connections are followed besides one each
	nextID int
	order  *list.List // of last use, the newest first
}

// relink is how often a connection in use is moved to the front of the order of last
// use.
const relink = time.Second

func newTable(limit int) table {
	return table{ends: tuple.NewMap[end](), limit: limit, order: list.New()}
}

// open makes a connection of which a packet with t is the first, in place of
// the one before on the same ports.
func (b *table) open(t tuple.Tuple, p *packet.Packet, now time.Duration) end {
	if old, ok := b.ends.Get(t); ok {
		b.forget(old.conn)
	}
	c := &Conn{ID: b.nextID, Proto: p.Proto, Start: now, last: now, ws: wireshark.NewConversation(),
		Ends: [2]netip.AddrPort{netip.AddrPortFrom(p.Src, p.SrcPort), netip.AddrPortFrom(p.Dst, p.DstPort)}}
	c.Legs = []*Conn{c}
	side := 0
	if p.Flags.Has(packet.SYN | packet.ACK) {
		c.Ends[0], c.Ends[1] = c.Ends[1], c.Ends[0]
		side = 1
	}
	c.Text = [2]string{c.Ends[0].String(), c.Ends[1].String()}
	b.nextID++
	b.n++
	b.ends.Set(t, end{c, side})
	if r := t.Reversed(); r != t {
		b.ends.Set(r, end{c, 1 - side})
	}
	c.place = b.order.PushFront(c)
	if b.n > b.limit {
		b.forget(b.order.Back().Value.(*Conn))
	}
	return end{c, side}
}

// used marks c as the one used last.
func (b *table) used(c *Conn, now time.Duration) {
	if now-c.last < relink && now >= c.last || c.place == nil {
		return
	}
	c.last = now
	b.order.MoveToFront(c.place)
}

func (b *table) forget(c *Conn) {
	t := tuple.Tuple{Src: c.Ends[0].Addr(), Dst: c.Ends[1].Addr(), SrcPort: c.Ends[0].Port(), DstPort: c.Ends[1].Port(),
		Proto: c.Proto}
	if e, ok := b.ends.Get(t); ok && e.conn == c {
		b.ends.Delete(t)
		b.ends.Delete(t.Reversed())
	}
	b.order.Remove(c.place)
	c.place = nil
	b.n--
	b.states -= max(len(c.at)-1, 0)
	c.at, c.awaited, c.streams = nil, nil, [2]payload.Stream{}
}
