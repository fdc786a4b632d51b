package tcp

import (
	"netrepro/engine/packet"
	"netrepro/engine/tcp/tuple"
)

// icmp relates an ICMP error to the connection it quotes.
func (a *Analyzer) icmp(r *Record) {
	q := r.Packet.ICMP().Quoted
	if q == nil || q.Proto == 0 {
		a.unquoted(r)
		return
	}
	e, ok := a.follower.conns.ends.Get(tuple.Tuple{Src: q.Src, Dst: q.Dst, SrcPort: q.SrcPort, DstPort: q.DstPort,
		Proto: q.Proto})
	if !ok || q.Proto != packet.ProtoTCP {
		return
	}
	if q.TCP {
		p := packet.Packet{Proto: packet.ProtoTCP, Src: q.Src, Dst: q.Dst, SrcPort: q.SrcPort, DstPort: q.DstPort,
			Seq: q.Seq, Flags: q.Flags}
		if q.Flags.Has(packet.SYN) && !q.Flags.Has(packet.ACK) && e.conn.ws.Replaces(&p, e.side) {
			e = a.follower.conns.open(tuple.Of(&p), &p, r.Time) // a SYN that is seen here first
		}
		e.conn.ws.Quoted(q.Flags, e.side, r.Time)
		r.Seq, _ = e.conn.ws.Relative(&p, e.side)
	}
	r.About, r.Side = e.conn, e.side
	e.tooBig(r)
}

// tooBig takes in that a router refused what one end of a connection sent for its size.
func (e *end) tooBig(r *Record) {
	c, mtu := e.conn.kin(), r.Packet.ICMP().MTU
	if mtu == 0 {
		return
	}
	c.TooBig, c.PathMTU = c.TooBig+1, mtu
	for _, m := range c.Legs {
		for i := range m.at {
			m.at[i].senders[e.side].TooBig(r.Time)
		}
	}
}

// unquoted relates a message on the size of a packet that text tells of without its
// ports: to the connections between the two hosts, or of the host that it went to.
func (a *Analyzer) unquoted(r *Record) {
	m := r.Packet.ICMP()
	if m.MTU == 0 {
		return
	}
	const most = 256 // connections that are looked through
	found, n := []end(nil), 0
	for at := a.follower.conns.order.Front(); at != nil && n < most; at, n = at.Next(), n+1 {
		c := at.Value.(*Conn)
		for side := range c.Ends {
			if c.Proto == packet.ProtoTCP && c.Ends[side].Addr() == r.Packet.Dst &&
				(m.Quoted == nil || c.Ends[1-side].Addr() == m.Quoted.Dst) {
				found = append(found, end{c, side})
				break
			}
		}
	}
	if m.Quoted == nil && len(found) > 1 {
		return // it may be about any
	}
	for i := range found {
		found[i].tooBig(r)
	}
	if len(found) == 1 {
		r.About, r.Side = found[0].conn, found[0].side
	}
}
