package incident

import (
	"cmp"
	"net/netip"
	"slices"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/sender"
)

// Study works out what the segments of each flow say together.
func (f *File) Study() {
	f.Thin(0)
	for _, fl := range f.Flows {
		fl.Ends = fl.Conn.Ends
		fl.roles()
		fl.sides()
		fl.acknowledged()
		if fl.opening(); f.Timeless {
			f.End, fl.RTT, fl.Sides[Client].Least, fl.Sides[Server].Least = 0, 0, 0, 0
		}
	}
	f.messages()
	f.places()
}

// messages finds the flow that a message is about which does not quote it far enough:
// its receiver sent something to the host in question just before.
func (f *File) messages() {
	const soon = time.Second
	ends := map[netip.Addr][]*Flow{}
	for _, fl := range f.Flows {
		for _, e := range fl.Ends {
			ends[e.Addr()] = append(ends[e.Addr()], fl)
		}
	}
	for _, m := range f.Messages {
		q := m.ICMP().Quoted
		if m.About != nil || q == nil && !refusal(m) {
			continue
		}
		var best *Segment
		var about *Flow
		for _, fl := range ends[m.Dst][:min(len(ends[m.Dst]), maxAsked)] {
			side := 0
			if fl.Ends[1].Addr() == m.Dst {
				side = 1
			}
			if q != nil && q.Dst.IsValid() && fl.Ends[1-side].Addr() != q.Dst {
				continue
			}
			if g := fl.lastBefore(m.Time, side); g != nil && m.Time-g.Time < soon && (best == nil ||
				g.Time >= best.Time) {
				best, about = g, fl
			}
		}
		if best != nil {
			m.About, m.Side = about, best.Side
			about.Messages = append(about.Messages, m)
		}
	}
}

const (
	// maxFlows is how many connections of a file are compared with each other, maxAsked
	// how many one message is held against.
	maxFlows = 4000
	maxAsked = 200
)

// Thin leaves aside the shortest connections of a file that has very many, but for so many that
// had a packet last, which may go on. It returns those left aside.
func (f *File) Thin(recent int) []*Flow {
	if len(f.Flows) <= maxFlows+recent {
		return nil
	}
	last := func(fl *Flow) int {
		if n := len(fl.Segments); n > 0 {
			return fl.Segments[n-1].N
		}
		return 0
	}
	flows := slices.Clone(f.Flows)
	slices.SortStableFunc(flows, func(a, b *Flow) int { return len(b.Segments) - len(a.Segments) })
	slices.SortStableFunc(flows[maxFlows:], func(a, b *Flow) int { return last(b) - last(a) })
	aside := flows[maxFlows+recent:]
	for _, fl := range aside {
		f.Beyond += len(fl.Segments)
	}
	kept := slices.Clone(flows[:maxFlows+recent]) // the others are freed
	slices.SortFunc(kept, func(a, b *Flow) int { return a.ID - b.ID })
	f.Flows = kept
	return aside
}

// lastBefore is the last segment of a side that came before a time, among the few before
// it.
func (f *Flow) lastBefore(t time.Duration, side int) *Segment {
	const few = 16
	at, _ := slices.BinarySearchFunc(f.Segments, t, func(g *Segment,
		t time.Duration) int {
		return cmp.Compare(g.Time, t+1)
	})
	for i := at - 1; i >= max(at-few, 0); i-- {
		if f.Segments[i].Side == side {
			return f.Segments[i]
		}
	}
	return nil
}

// refusal reports whether a message says that a packet could not be delivered.
func refusal(m *Message) bool {
	i := m.ICMP()
	return m.Proto == packet.ProtoICMP && i.Type == 3 || m.Proto == packet.ProtoICMPv6 && (i.Type == 1 || i.Type == 2)
}

// registered is the highest port that clients do not take by themselves, as a rule:
// Linux begins at 32768, others at 49152 (RFC 6335).
const registered = 32767

// services are ports that are surely a server's, where the other end's port is low too.
var services = map[uint16]bool{22: true, 25: true, 53: true, 80: true, 110: true, 111: true, 143: true, 389: true,
	443: true, 445: true, 465: true, 587: true, 636: true, 873: true, 993: true, 995: true, 1433: true, 1521: true,
	1883: true, 2049: true, 3260: true, 3306: true, 3389: true, 5432: true, 5672: true, 6379: true, 8080: true,
	8443: true, 9092: true, 27017: true}

// roles finds out who is the client where the SYN was not captured: the end with the
// port that a service would have.
func (f *Flow) roles() {
	for _, g := range f.Segments {
		if g.Has(packet.SYN) {
			return
		}
	}
	a, b := f.Ends[0].Port(), f.Ends[1].Port()
	if known := services[a]; known && !services[b] || known == services[b] && a < b &&
		(a < 1024 || a <= registered && b > registered) {
		f.Ends[0], f.Ends[1] = f.Ends[1], f.Ends[0]
		f.Carried.Swap()
		for _, g := range f.Segments {
			g.Side = 1 - g.Side
		}
		for _, m := range f.Messages {
			m.Side = 1 - m.Side
		}
	}
}

func (f *Flow) sides() {
	for i := range f.Sides {
		f.Sides[i].TTLs, f.Sides[i].Scale = map[uint8]int{}, -1
	}
	for _, g := range f.Segments {
		s := &f.Sides[g.Side]
		if g.Has(packet.RST) {
			s.Resets = append(s.Resets, g)
			continue
		}
		s.Segments = append(s.Segments, g)
		if g.TTL > 0 {
			s.TTLs[g.TTL]++
		}
		s.take(g)
		if g.Has(packet.ACK) && !g.Missing.Has(packet.NoAck) && (!s.Acks || packet.After(g.Ack, s.MaxAck)) {
			s.Acks, s.MaxAck = true, g.Ack
		}
	}
}

func (s *Side) take(g *Segment) {
	switch g.Checksum {
	case packet.BadSum, packet.PartialSum:
		s.Bad++
	case packet.BadTunnel:
		s.BadTunnels++
	case packet.GoodSum:
		s.Good++
	}
	switch {
	case g.Has(packet.SYN):
		if len(s.SYNs) > 0 && s.SYNs[0].Numbered() && g.Numbered() && s.SYNs[0].Seq != g.Seq {
			return // of another connection on the same ports
		}
		s.SYNs = append(s.SYNs, g)
		s.MSS, s.Scale = int(g.MSS), int(g.WScale)
	case g.Class&sender.KeepAlive != 0:
		s.Probes = append(s.Probes, g)
	case g.Class&sender.Rexmit != 0:
		s.Resent = append(s.Resent, g)
		s.Bytes += s.extent.Again(g.Seq, int(g.PayloadLen))
	case g.IsData():
		s.Data = append(s.Data, g)
		s.Bytes += int(g.PayloadLen)
		s.extent.New(g.Seq, int(g.PayloadLen))
	}
	if g.Has(packet.FIN) && s.FIN == nil {
		s.FIN = g
	}
	if g.Window == 0 && !g.Missing.Has(packet.NoWindow) && g.Has(packet.ACK) && !g.Has(packet.SYN) {
		s.Zero = append(s.Zero, g)
	}
	s.Largest = max(s.Largest, int(g.PayloadLen))
}

// acknowledged finds the segment that acknowledges each.
func (f *Flow) acknowledged() {
	var waiting [2][]*Segment
	var acked [2]uint32
	var any [2]bool
	defer f.arrived()
	for _, g := range f.Segments {
		if g.Has(packet.RST) {
			continue
		}
		if g.Has(packet.ACK) && !g.Missing.Has(packet.NoAck) {
			peer := 1 - g.Side
			if g.Dsack = g.dsack(any[peer]); g.Dsack {
				f.Sides[g.Side].Dsacks = append(f.Sides[g.Side].Dsacks, g)
			}
			if !any[peer] || packet.After(g.Ack, acked[peer]) {
				acked[peer], any[peer] = g.Ack, true
				waiting[peer] = f.settle(waiting[peer], g)
			}
			sacked(waiting[peer], g)
		}
		if g.SeqLen() > 0 && g.Numbered() && len(waiting[g.Side]) < 8192 {
			waiting[g.Side] = append(waiting[g.Side], g)
		}
	}
}

// settle takes those that an acknowledgement covers out of the ones waiting.
func (f *Flow) settle(waiting []*Segment, by *Segment) []*Segment {
	rest := waiting[:0]
	for _, w := range waiting {
		if packet.After(w.End(), by.Ack) {
			rest = append(rest, w)
			continue
		}
		w.Acked = by
	}
	clear(waiting[len(rest):])
	return rest
}

func sacked(waiting []*Segment, by *Segment) {
	for _, b := range by.SACK() {
		for _, w := range waiting {
			if w.Sacked == nil && !packet.Before(w.Seq, b.Left) && !packet.After(w.End(), b.Right) {
				w.Sacked = by
			}
		}
	}
}

// dsack reports whether the first SACK block is of what was acknowledged already, or
// lies within the second (RFC 2883, section 4). known says that something was.
func (g *Segment) dsack(known bool) bool {
	bs := g.SACK()
	if len(bs) == 0 {
		return false
	}
	if known && !packet.After(bs[0].Right, g.Ack) {
		return true
	}
	return len(bs) > 1 && !packet.Before(bs[0].Left, bs[1].Left) && !packet.After(bs[0].Right, bs[1].Right)
}

// opening finds the handshake and the least round trip.
func (f *Flow) opening() {
	for _, g := range f.Segments {
		switch {
		case g.Has(packet.RST):
		case g.Has(packet.SYN | packet.ACK):
			if f.SYNACK == nil && g.Side == Server {
				f.SYNACK = g
			}
		case g.Has(packet.SYN):
			if f.SYN == nil {
				f.SYN = g
			}
		case g.Side == Client && f.SYNACK != nil && f.Confirm == nil && g.Has(packet.ACK):
			f.Confirm = g
		}
		if s := &f.Sides[1-g.Side]; g.RTT > 0 && (s.Least == 0 || g.RTT < s.Least) {
			s.Least = g.RTT
		}
	}
	f.RTT = f.Sides[0].Least + f.Sides[1].Least
	switch a, b := f.Sides[0].Least, f.Sides[1].Least; {
	case a == 0 || b == 0:
		f.RTT = max(a, b)
	case f.Both(): // each is of the whole path
		f.RTT = min(a, b)
	}
	if f.SYN != nil && f.SYNACK != nil && f.Confirm != nil && !f.SYN.Again() && len(f.Sides[0].SYNs) == 1 &&
		f.Confirm.Time > f.SYN.Time {
		if d := f.Confirm.Time - f.SYN.Time; f.RTT == 0 || d < f.RTT {
			f.RTT = d
		}
	}
}

// atOnce is how much sooner the near end answers than the far one.
const atOnce = 4

// places finds out where each flow was captured: at the end that answers at once, that
// sends what the network card has still to finish, or whose interface the packet
// leaves.
func (f *File) places() {
	votes := map[netip.Addr]int{}
	for _, fl := range f.Flows {
		for side, n := range fl.nearness() {
			votes[fl.Ends[side].Addr()] += n
		}
	}
	for _, fl := range f.Flows {
		c, s := votes[fl.Ends[Client].Addr()], votes[fl.Ends[Server].Addr()]
		switch {
		case fl.Both():
			fl.From = AtBoth
		case c > 0 && c > s && !fl.Sides[Client].Travelled():
			fl.From = AtClient
		case s > 0 && s > c && !fl.Sides[Server].Travelled():
			fl.From = AtServer
		case fl.forwarded():
			fl.From = AtMiddle
		case c < 0 && s < 0:
			fl.From = AtMiddle
		default:
			fl.From = AtUnknown
		}
	}
}

// nearness is, for each end, how much speaks for that the capture was made on it.
func (f *Flow) nearness() (n [2]int) {
	if f.SYN != nil && f.SYNACK != nil && f.Confirm != nil && len(f.Sides[0].SYNs) == 1 &&
		len(f.Sides[1].SYNs) == 1 && !f.File.Timeless {
		far, near := f.SYNACK.Time-f.SYN.Time, f.Confirm.Time-f.SYNACK.Time
		switch {
		case far > atOnce*near && near < 2*time.Millisecond:
			n[Client] += 4
		case near > atOnce*far && far < 2*time.Millisecond:
			n[Server] += 4
		case near > 2*time.Millisecond && far > 2*time.Millisecond:
			n[Client]--
			n[Server]--
		}
	}
	for side := range f.Sides {
		s := &f.Sides[side]
		if s.Bad > 2*s.Good && s.Bad > 1 && !s.Travelled() {
			n[side] += 2
		}
		if mss := f.Sides[1-side].MSS; mss > 0 && s.Largest > mss {
			n[side]++ // cut by its card later, or joined by the other end's
		}
	}
	for _, g := range f.Segments {
		if len(g.Copies) > 0 {
			continue
		}
		switch g.Direction {
		case tcp.Out:
			n[g.Side]++
			return n
		case tcp.In:
			n[1-g.Side]++
			return n
		}
	}
	return n
}

// forwarded reports whether packets were seen to come in and go out again.
func (f *Flow) forwarded() bool {
	if f.File.Owned {
		return false
	}
	both := 0
	for _, g := range f.Segments {
		for _, c := range g.Copies {
			if c.Direction != g.Direction && g.Direction != tcp.Unknown && c.TTLBelow(g) {
				both++
				break
			}
		}
	}
	return both*2 > len(f.Segments)
}

// TTLBelow reports whether the sighting may be behind the node that forwarded g.
func (s *Sighting) TTLBelow(g *Segment) bool { return s.Packet.TTL <= g.TTL }
