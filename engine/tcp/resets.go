package tcp

import (
	"net/netip"
	"slices"

	"netrepro/engine/packet"
	"netrepro/engine/tcp/reset"
)

// reset judges a reset and remembers it.
func (a *Analyzer) reset(r *Record, at *pointState, first *first) {
	p := r.Packet
	from, peer := &at.sides[r.Side], &at.sides[1-r.Side]
	if first != nil && first.Known.verdict != nil {
		r.Reset = first.Known.verdict
		from.Reset(p, first.N, r.Time, r.Reset.Answers)
		return
	}
	if from.Count() == 0 && peer.Count() == 0 {
		// The point has seen nothing before: judge by one that has.
		for i := range r.Conn.at {
			if o := &r.Conn.at[i]; o.sides[0].Count()+o.sides[1].Count() > 0 {
				from, peer = &o.sides[r.Side], &o.sides[1-r.Side]
				break
			}
		}
	}
	s := reset.Situation{Packet: p, N: r.N, Now: r.Time, Sender: from, Peer: peer, Elsewhere: a.elsewhere(r),
		RTT: at.quickest[1-r.Side], Kernel: r.Kernel, Asked: r.Asked}
	if s.Elsewhere != "" {
		s.Arrived = a.arrived(r)
	}
	if r.Side == 0 && r.Conn.Nat == nil {
		s.Called = r.Conn.called
	}
	if p.Flags.Has(packet.ACK) {
		s.Others = a.ports.Reset(netip.AddrPortFrom(p.Src, p.SrcPort), r.Time)
	}
	r.Reset = reset.Judge(s)
	r.Conn.verdicts[r.Side] = r.Reset
	if a.newest != nil {
		a.newest.Known.verdict = r.Reset
	}
	from.Reset(p, r.N, r.Time, r.Reset.Answers)
}

// arrived is what the wires of a reset's sender have seen of the other side.
func (a *Analyzer) arrived(r *Record) (out []*reset.Side) {
	leg := r.Conn.leg(1 - r.Side)
	for i := range leg.at {
		if slices.Contains(a.owners[leg.Ends[r.Side].Addr()], leg.at[i].point) {
			out = append(out, &leg.at[i].sides[1-r.Side])
		}
	}
	return out
}

// elsewhere names the point where a packet was seen first, if the wires of its
// sender were captured and it did not come from there.
func (a *Analyzer) elsewhere(r *Record) string {
	own := a.owners[r.Packet.Src]
	if len(own) == 0 || r.Direction == Unknown || r.Direction == Out && slices.Contains(own, r.Point) {
		return ""
	}
	return a.pointName(r.Point)
}
