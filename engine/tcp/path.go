package tcp

import (
	"slices"

	"netrepro/engine/packet"
	"netrepro/engine/tcp/reset"
	"netrepro/engine/tcp/sender"
	"netrepro/engine/tcp/sighting"
	"netrepro/engine/tcp/translated"
	"netrepro/engine/tcp/tuple"
)

// known is what is known of a packet from where it was seen first. It holds wherever
// the packet is seen.
type known struct {
	conn    *Conn
	packet  tuple.Tuple
	sending sender.Sending
	verdict *reset.Verdict
}

// first is a packet as it was seen first.
type first = sighting.Packet[known]

// sight is the first sighting of r's packet, if that was at another point; else nil,
// and r's own is the newest.
func (a *Analyzer) sight(r *Record, c *Conn) *first {
	s := sighting.Sighting{N: r.N, Time: r.Time, Point: r.Point, Leaves: r.Direction == Out, Packet: r.Packet,
		Payload: r.Payload,
		SameAs:  r.SameAs, Paired: r.Paired, More: r.More}
	w, fresh := a.sightings.Seen(&s, known{conn: c, packet: tuple.Of(r.Packet)}, func(o known) bool {
		return o.conn == c || c != nil && o.conn != nil && c.joins(o.conn) // behind a NAT perhaps
	})
	if a.newest = nil; fresh {
		a.newest = w
		return nil
	}
	return w
}

// joins reports whether c can be o behind a NAT: a connection not joined to
// another yet, or to o's.
func (c *Conn) joins(o *Conn) bool {
	return c.Nat == nil && c != o.kin() && c.kin().ID > o.kin().ID && c.Packets[0]+c.Packets[1] <= 2 ||
		c.kin() == o.kin()
}

// copied fills in what is known of a packet that was seen before.
func (a *Analyzer) copied(r *Record, first *first) {
	r.Copy = first.N
	o, c := first.Known.conn, r.Conn
	if o == c {
		return
	}
	if root := o.kin(); c.kin() != root && len(root.Legs) < maxMembers {
		root.points = append(root.points, c.points...)
		root.Legs = append(root.Legs, c)
		c.Nat = root
	}
	if !c.told.nat && tuple.Of(r.Packet) != first.Known.packet {
		c.told.nat = true
		r.Notes = append(r.Notes, translated.Note(first.Known.packet, tuple.Of(r.Packet)))
	}
}

// maxMembers bounds how many connections are taken for one behind NATs, and maxAwaited how many
// retransmissions wait to hear of their originals.
const maxMembers, maxAwaited = 8, 256

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
	for _, m := range k.Legs {
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
		return slices.Contains(own, at.point) && at.senders[1-side].Started()
	})
}

// leg is the connection as it is where packets of a side end: behind all NATs, or
// before them.
func (c *Conn) leg(side int) *Conn {
	k := c.kin()
	if side == 0 {
		return k.Legs[len(k.Legs)-1]
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

// await remembers a retransmission whose original may only be slow.
func (c *Conn) await(r *Record) {
	if len(c.awaited) < maxAwaited {
		c.awaited = append(c.awaited, r)
	}
}

// arrives takes in that a packet was seen again where its path ends, if it surely
// does: a retransmission that was sent after it was needless.
func (a *Analyzer) arrives(c *Conn, r *Record, first *first) {
	if len(c.awaited) == 0 || !r.AtDestination || r.Lost() || r.Conn != r.Conn.leg(r.Side) ||
		!a.ends(r.Conn, r.Side) {
		return
	}
	p := r.Packet
	for _, w := range c.awaited {
		if w.N > first.N && w.Side == r.Side && w.Original == "lost" && !packet.Before(w.Packet.Seq, p.Seq) &&
			!packet.After(w.Packet.Seq+w.Packet.SeqLen(), p.Seq+p.SeqLen()) {
			w.Original, w.OriginalIs = "arrived", "arrived"
		}
	}
}
