// Package pathmtu has the rules for segments that are too large for the path.
package pathmtu

import (
	"fmt"
	"net/netip"
	"strings"
	"time"

	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/packet"
	"netrepro/engine/tcp/sender"
)

// Rules are the rules of this room.
var Rules = []finding.Rule{finding.Sides(tooBig), finding.Sides(hole)}

const (
	// large is the least payload that a path may be too narrow for in practice: what
	// fits into the least MTU of IPv6 fits everywhere (RFC 8200, section 5).
	large = 1100
	// headers are those of IP and TCP without options.
	headers = 40
)

// tooBig is a large segment that is sent again and again while smaller ones get through.
func tooBig(f *incident.Flow, side int) *finding.Finding {
	s := &f.Sides[side]
	var refusals []*incident.Message
	for _, m := range f.Messages {
		if m.ICMP().MTU > 0 && m.Side == side {
			refusals = append(refusals, m)
		}
	}
	stuck := stuckLarge(f, s)
	if len(stuck) < 2 {
		return nil
	}
	again := len(stuck) - 1
	size := int(stuck[0].PayloadLen)
	if mss := f.Sides[1-side].MSS; mss > 0 && size > mss {
		size = int(stuck[len(stuck)-1].PayloadLen) // what the device cut it into was sent again
	}
	cut := cutSmaller(s, stuck, f.Sides[1-side].MSS)
	became := again > 1 && narrowed(f, side, stuck)
	if size <= s.LargestAcked && !became || again < 2 && len(refusals) < 1 && cut == nil {
		return nil
	}
	ignored := 0
	for _, m := range refusals {
		for _, g := range stuck {
			if g.Time > m.Time {
				ignored++
				break
			}
		}
	}
	c := finding.New("pmtu-blackhole", f)
	if id := tunnelled(f, side); id != "" && len(refusals) == 0 {
		c = finding.New("mss-not-clamped", f).For(0.8, id, f.SYN, f.SYNACK)
	}
	small := smaller(s, size)
	c.For(1.4, fmt.Sprintf("%d bytes are sent %d times and never acknowledged", size, len(stuck)), stuck...)
	if len(small) > 0 {
		c.For(1.2, fmt.Sprintf("segments of up to %d bytes arrive", max(s.LargestAcked,
			int(small[len(small)-1].PayloadLen))))
	}
	if again > 2 {
		c.For(0.5, "again and again")
	}
	if became && size <= s.LargestAcked {
		text := "before, segments of that size arrived: the path changed"
		if ttl := anotherWay(f, side, stuck[0]); ttl != "" {
			text += ", and " + ttl
		}
		c.For(0.5, text)
	}
	if cut != nil {
		c.For(0.8, fmt.Sprintf("sent again in pieces of %d bytes, the same arrives", cut.PayloadLen), cut)
	}
	switch {
	case ignored > 0:
		c.For(1.2, fmt.Sprintf("ICMP says so %d times, next-hop MTU %d, and the sender goes on", len(refusals),
			refusals[0].ICMP().MTU)).CiteMessages(refusals...)
		c.Say("The %s sends segments of %d bytes again and again, though a router says that they need a path MTU "+
			"of %d: "+
			"the message does not reach its TCP, or is ignored.", incident.Name(side), size, refusals[0].ICMP().MTU)
	default:
		never := "never arrive"
		if became && size <= s.LargestAcked {
			never = "do not arrive any more"
		}
		c.Say("The %s's segments of %d bytes %s, smaller ones do: the path's MTU is below %d, and no message says so.",
			incident.Name(side), size, never, stuck[0].IPLen)
	}
	if idle, after := f.Idle(); idle > 28*time.Second && after == stuck[0] {
		c.Against(2, fmt.Sprintf("it comes after %v of silence: the pause may be the cause", idle.Round(time.Second)))
	}
	if size < large {
		c.Against(2, "segments of that size pass almost everywhere")
	}
	if n := smallLost(s, size); n > 0 && len(refusals) == 0 {
		c.Against(2, fmt.Sprintf("%d small segments had to be sent again too", n))
	}
	if f.Sides[1-side].Zero != nil {
		c.Against(1.5, "the receiver's window was closed")
	}
	return notLoss(c)
}

// smallLost counts small segments that were sent again by a timer, and SYNs.
func smallLost(s *incident.Side, size int) (n int) {
	for _, g := range s.Resent {
		if int(g.PayloadLen) < min(size/2, 500) && g.Class&sender.RTO != 0 {
			n++
		}
	}
	return n + max(len(s.SYNs)-1, 0)
}

func notLoss(c *finding.Finding) *finding.Finding {
	return c.IsNot("loss-one-way: what is lost is what is large, each time").
		IsNot("slow-application: the data was sent; it is the path that does not take it")
}

// stuckLarge are the transmissions of the first large segment that was sent several
// times and was not acknowledged until it was sent smaller, if ever.
func stuckLarge(f *incident.Flow, s *incident.Side) []*incident.Segment {
	tries := map[uint32][]*incident.Segment{}
	var order []uint32
	for _, g := range s.Segments {
		if g.IsData() && int(g.PayloadLen) >= 500 {
			if tries[g.Seq] == nil {
				order = append(order, g.Seq)
			}
			tries[g.Seq] = append(tries[g.Seq], g)
		}
	}
	for _, seq := range order {
		ts := tries[seq]
		if len(ts) < 2 {
			continue
		}
		size := ts[0].PayloadLen
		if mss := f.Sides[1-ts[0].Side].MSS; mss > 0 && int(size) > mss {
			size = ts[1].PayloadLen
		}
		n := 0
		for _, g := range ts {
			if g.PayloadLen >= size && (g.Acked == nil || between(s.Resent, g, g.Acked)) && g.Sacked == nil {
				n++
			}
		}
		if n == len(ts) && n >= 2 && int(size) >= s.LargestAcked {
			return ts
		}
		if n >= 2 && len(ts) > n {
			return ts[:n]
		}
	}
	return nil
}

// narrowed reports whether, from a stuck segment on, nothing of its size arrives, of several that are
// sent, and something smaller does: before, the path may have taken them. That the path is there at all
// is known by what came through since the second try, in this connection or in another of the same hosts.
func narrowed(f *incident.Flow, side int, stuck []*incident.Segment) bool {
	const several = 3
	size := stuck[0].PayloadLen
	full, smaller := map[uint32]bool{}, false
	heard := func(o *incident.Flow) bool {
		from := o.Sides[1-side].Segments
		return len(from) > 0 && from[len(from)-1].Time > stuck[1].Time
	}
	if !heard(f) && len(f.Others(func(o *incident.Flow) bool {
		return o.File == f.File && o.Ends[0].Addr() == f.Ends[0].Addr() && o.Ends[1].Addr() == f.Ends[1].Addr() && heard(o)
	})) == 0 {
		return false
	}
	for _, g := range f.Sides[side].Segments {
		if g.Time < stuck[0].Time || !g.IsData() {
			continue
		}
		switch arrived := g.Acked != nil || g.Sacked != nil; {
		case g.PayloadLen < size:
			smaller = smaller || arrived
		case arrived:
			return false
		default:
			full[g.Seq] = true
		}
	}
	return smaller && len(full) >= several
}

// anotherWay says that the time to live of the other end's packets is not what it was before g;
// empty if it is, or is not known.
func anotherWay(f *incident.Flow, side int, g *incident.Segment) string {
	was, is := uint8(0), uint8(0)
	for _, o := range f.Sides[1-side].Segments {
		if o.Time < g.Time {
			was = o.TTL
		} else {
			is = o.TTL
		}
	}
	if was == is || was == 0 || is == 0 {
		return ""
	}
	return fmt.Sprintf("the %s's time to live with it, from %d to %d", incident.Name(1-side), was, is)
}

// cutSmaller is what carries the beginning of a stuck segment in a smaller piece, which arrives, where
// several of that size were sent and none came through; nil if there is none.
func cutSmaller(s *incident.Side, stuck []*incident.Segment, mss int) (cut *incident.Segment) {
	const several, least = 3, 256
	if mss > 0 && int(stuck[0].PayloadLen) > mss {
		return nil // a device cuts it: its pieces are as large as those of the first try
	}
	size, full := stuck[0].PayloadLen, 0
	for _, g := range s.Segments {
		if g.PayloadLen == size {
			full++
		}
		if g.Seq == stuck[0].Seq && g.Time > stuck[len(stuck)-1].Time && g.PayloadLen < size && g.PayloadLen >= least &&
			g.Acked != nil && cut == nil {
			cut = g
		}
	}
	if full < several+len(stuck)-1 {
		return nil
	}
	return cut
}

// between reports whether the bytes of g were sent in smaller segments between g and
// the acknowledgement of them.
func between(again []*incident.Segment, g, acked *incident.Segment) bool {
	for _, o := range again {
		if o.Time > g.Time && o.Time < acked.Time && o.Seq == g.Seq && o.PayloadLen < g.PayloadLen && o.PayloadLen > 0 {
			return true
		}
	}
	return false
}

// smaller are segments below size that arrived.
func smaller(s *incident.Side, size int) (found []*incident.Segment) {
	for _, g := range s.Segments {
		if n := int(g.PayloadLen); n > 0 && n < size && (g.Acked != nil || g.Sacked != nil) {
			found = append(found, g)
		}
	}
	return found
}

// tunnelled says why the end that receives from side is behind a tunnel that its MSS
// does not allow for; empty if nothing speaks for that.
func tunnelled(f *incident.Flow, side int) string {
	to, from := f.Sides[1-side].MSS, f.Sides[side].MSS
	for _, g := range f.Segments {
		if isTunnel(g.Interface()) && to > 1400-headers {
			return fmt.Sprintf("captured on the tunnel %s, and the %s offers an MSS of %d", g.Interface(),
				incident.Name(1-side), to)
		}
	}
	if to > 0 && from > 0 && to >= from+40 && from < 1440 {
		return fmt.Sprintf("the MSS is clamped in one direction only: the %s offers %d, the %s %d",
			incident.Name(1-side), to,
			incident.Name(side), from)
	}
	if o := neighbour(f, side, to); o != nil {
		return fmt.Sprintf("%s, in the same network, offers an MSS of %d and gets full segments; this %s offers %d",
			o.Ends[1-side].Addr(), o.Sides[1-side].MSS, incident.Name(1-side), to)
	}
	return ""
}

// neighbour is a connection of another host in the network of the end that receives from
// side: the same other end, a lower MSS, and full segments that arrive.
func neighbour(f *incident.Flow, side, mss int) *incident.Flow {
	network := func(o *incident.Flow) netip.Prefix {
		a := o.Ends[1-side].Addr()
		bits := 64
		if a.Is4() {
			bits = 24
		}
		p, _ := a.Prefix(bits)
		return p
	}
	found := f.Others(func(o *incident.Flow) bool {
		lower := o.Sides[1-side].MSS
		return o.SameServer(f) && network(o) == network(f) && lower > 0 && mss >= lower+40 &&
			o.Sides[side].LargestAcked >= lower-60
	})
	if len(found) == 0 {
		return nil
	}
	return found[0]
}

// hole is the view from the receiver: full segments never come, what is smaller does.
func hole(f *incident.Flow, side int) *finding.Finding {
	s, peer := &f.Sides[side], &f.Sides[1-side]
	limit := peer.MSS
	if limit == 0 || !f.Opened() || s.MSS > 0 && s.Largest >= min(limit, s.MSS)-40 {
		return nil
	}
	limit = min(limit, max(s.MSS, 536))
	var gap *incident.Segment // what came behind the hole
	next := f.SYN.End()
	if side == incident.Server {
		next = f.SYNACK.End()
	}
	for _, g := range s.Segments {
		if g.Has(packet.SYN) || g.SeqLen() == 0 && !packet.After(g.Seq, next) {
			continue
		}
		if packet.After(g.Seq, next) {
			if gap == nil {
				gap = g
			}
			continue
		}
		if packet.After(g.End(), next) {
			if gap != nil && g.Time-gap.Time > time.Second && int(gap.Seq-next) >= limit-60 {
				break // it is filled in smaller segments, much later
			}
			next, gap = g.End(), nil
		}
	}
	if gap == nil || int(gap.Seq-next) < limit-60 || int(gap.Seq-next) > 1<<20 {
		return nil
	}
	var holes []*incident.Segment
	for _, g := range peer.Segments {
		if g.Time >= gap.Time && g.Ack == next && len(g.SACK()) > 0 {
			holes = append(holes, g)
		}
	}
	stall := f.File.End - gap.Time
	if len(holes) == 0 && gap.SACK() == nil && stall < time.Second {
		return nil
	}
	missing := int(gap.Seq - next)
	id, why := "pmtu-blackhole", tunnelled(f, side)
	if why != "" {
		id = "mss-not-clamped"
	}
	c := finding.New(id, f)
	c.Say("Of the %s's answer %d bytes in full segments never arrive, the small rest does: the path does not take "+
		"segments as large as the %s's MSS of %d allows.", incident.Name(side), missing, incident.Name(1-side), limit)
	if why != "" {
		c.For(1, why, f.SYN, f.SYNACK)
	}
	c.For(1.2, fmt.Sprintf("%d bytes are missing, what comes behind them arrives", missing),
		holes[:min(len(holes), 1)]...)
	c.For(0.8, fmt.Sprintf("no segment above %d bytes was ever received from it", s.Largest))
	if stall > time.Second {
		c.For(0.6, "nothing fills the hole")
	}
	if len(holes) == 0 {
		c.Cite(gap)
	}
	return notLoss(c)
}

// isTunnel reports whether the name of an interface says that it is one of a tunnel.
func isTunnel(name string) bool {
	if _, dev, ok := strings.Cut(name, "/"); ok {
		name = dev
	}
	for _, p := range []string{"tun", "tap", "wg", "ppp", "vpn", "ipsec", "utun", "gre", "sit", "vti", "xfrm", "l2tp",
		"pppoe", "tailscale", "zt", "nordlynx"} {
		if strings.HasPrefix(name, p) {
			return true
		}
	}
	return false
}
