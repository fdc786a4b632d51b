// Package measured works out what the segments of a connection tell whatever is wrong:
// think times, other addresses, sizes that arrive, offloads, initial windows, and where
// losses were.
//
// It judges nothing.
//
// Invariant: what the capture does not tell is left empty, and time and memory grow no
// faster than the connection is long.
package measured

import (
	"net/netip"
	"slices"
	"time"

	"netrepro/engine/diagnose/incident"
	"netrepro/engine/packet"
	"netrepro/engine/tcp/sender"
)

// Facts are what is measured.
type Facts struct {
	// Think are the pauses of each side, by its program and the network behind the capture
	// point: from the other side's last byte to its own next.
	Think [2]Think
	// Also are the ends of the connection elsewhere, behind a NAT.
	Also [][2]netip.AddrPort
	// Arrived is the size of each side's largest packet that surely arrived and was not
	// larger than the MSS allows; NextHop the least MTU that a router tells, 0 if none does.
	Arrived [2]int
	NextHop int
	// AboveMSS counts each side's segments above the other's MSS: an offload made them.
	AboveMSS [2]int
	// Initial is how much each side sent before any of it was acknowledged; empty where
	// the handshake was not captured.
	Initial [2]Burst
	Losses  [2]Losses
}

// Think are pauses.
type Think struct {
	Count           int
	Median, Largest time.Duration
}

// Burst is what was sent without waiting.
type Burst struct{ Segments, Bytes int }

// Losses of what one side sent, by their place: between it and the capture point, behind
// the capture point, or not lost at all but missed by the capture.
type Losses struct{ Before, After, Missed int }

// maxAlso is how many other names a connection has at most.
const maxAlso = 4

// Of measures a connection.
func Of(f *incident.Flow) *Facts {
	m := &Facts{}
	m.think(f)
	m.names(f)
	m.sizes(f)
	for side := range f.Sides {
		if f.Opened() {
			m.Initial[side] = initial(f, side)
		}
		m.Losses[side] = Lost(f, side)
	}
	return m
}

func (m *Facts) think(f *incident.Flow) {
	var pauses [2][]time.Duration
	var last *incident.Segment
	for _, g := range f.Segments {
		if !g.IsData() || g.Again() {
			continue
		}
		if last != nil && last.Side != g.Side && g.Time >= last.Time {
			pauses[g.Side] = append(pauses[g.Side], g.Time-last.Time)
		}
		last = g
	}
	for side, ps := range pauses {
		if len(ps) == 0 {
			continue
		}
		slices.Sort(ps)
		m.Think[side] = Think{len(ps), ps[len(ps)/2], ps[len(ps)-1]}
	}
}

func (m *Facts) names(f *incident.Flow) {
	add := func(ends [2]netip.AddrPort) {
		if ends != f.Ends && ends != [2]netip.AddrPort{f.Ends[1], f.Ends[0]} && len(m.Also) < maxAlso &&
			!slices.Contains(m.Also, ends) {
			m.Also = append(m.Also, ends)
		}
	}
	for _, g := range f.Segments {
		for i := range g.Copies {
			p := &g.Copies[i].Packet
			ends := [2]netip.AddrPort{netip.AddrPortFrom(p.Src, p.SrcPort), netip.AddrPortFrom(p.Dst, p.DstPort)}
			if g.Side == incident.Server {
				ends[0], ends[1] = ends[1], ends[0]
			}
			add(ends)
		}
	}
	for _, o := range f.Twins {
		add(o.Ends)
	}
}

func (m *Facts) sizes(f *incident.Flow) {
	for side := range f.Sides {
		most := f.Sides[1-side].MSS
		if most == 0 {
			continue
		}
		for _, g := range f.Sides[side].Segments {
			switch n := int(g.PayloadLen); {
			case n > most:
				m.AboveMSS[side]++
			case n > 0 && n <= f.Sides[side].LargestAcked && (g.Acked != nil || g.Sacked != nil):
				m.Arrived[side] = max(m.Arrived[side], int(g.IPLen))
			}
		}
	}
	for _, msg := range f.Messages {
		if i := msg.ICMP(); i != nil && i.MTU > 0 && (m.NextHop == 0 || i.MTU < m.NextHop) {
			m.NextHop = i.MTU
		}
	}
}

// initial is what a side sent of new data before any of it was acknowledged.
func initial(f *incident.Flow, side int) (b Burst) {
	var first *incident.Segment
	for _, g := range f.Segments {
		switch {
		case g.Has(packet.RST) || g.Missing != 0:
		case g.Side == side && g.IsData() && !g.Again():
			if first == nil {
				first = g
			}
			b.Segments++
			b.Bytes += int(g.PayloadLen)
		case g.Side != side && first != nil && g.Has(packet.ACK) && packet.After(g.Ack, first.Seq):
			return b
		}
	}
	return b
}

// hole is a piece of sequence space that was passed over.
type hole struct {
	from, to uint32
	since    time.Duration
}

const (
	maxHoles = 1000
	// overtaken is how late a packet may be at least that another overtook; later ones were
	// sent again.
	overtaken = 3 * time.Millisecond
)

// Lost finds where a side's segments were lost.
func Lost(f *incident.Flow, side int) (l Losses) {
	var holes []hole
	var next uint32
	begun := false
	for _, g := range f.Sides[side].Segments {
		if !g.Numbered() || g.SeqLen() == 0 || g.Class&(sender.KeepAlive|sender.WindowProbe) != 0 ||
			g.Missing.Has(packet.NoLength) || g.Has(packet.SYN) && g.Again() {
			continue
		}
		switch {
		case !begun || g.Has(packet.SYN):
			begun, next = true, g.End()
		case packet.After(g.Seq, next):
			if len(holes) < maxHoles {
				holes = append(holes, hole{next, g.Seq, g.Time})
			}
			next = g.End()
		case packet.After(g.End(), next): // the next, or with a piece that was sent before
			next = g.End()
		default:
			left, filled, late := fill(holes, g, max(overtaken, f.RTT/2)) // who sends it again must hear of the hole first
			switch holes = left; {
			case filled && late:
				l.Before++
			case !filled && g.Again() && g.Original != "arrived":
				l.After++
			}
		}
	}
	l.After = max(l.After-len(f.Sides[1-side].Dsacks), 0)
	if peer := &f.Sides[1-side]; peer.Acks && f.File.Beyond == 0 {
		for _, h := range holes {
			if !packet.After(h.to, peer.MaxAck) {
				l.Missed++
			}
		}
	}
	return l
}

// fill takes out of holes what a segment fills. late says that it came too late to have
// been overtaken only.
func fill(holes []hole, g *incident.Segment, soon time.Duration) (left []hole, filled, late bool) {
	for i, h := range holes {
		if !packet.Before(g.Seq, h.to) || !packet.After(g.End(), h.from) {
			continue
		}
		var rest []hole
		if packet.After(g.Seq, h.from) {
			rest = append(rest, hole{h.from, g.Seq, h.since})
		}
		if packet.Before(g.End(), h.to) {
			rest = append(rest, hole{g.End(), h.to, h.since})
		}
		if len(holes) >= 2*maxHoles {
			rest = rest[:min(len(rest), 1)]
		}
		return slices.Replace(holes, i, i+1, rest...), true, g.Time-h.since > soon
	}
	return holes, false, false
}
