package transfer

import (
	"fmt"

	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/packet"
)

// unscaled is something on the way that keeps state and does not know of the window scale that
// both ends agreed on: it drops what lies beyond the window as the header has it, and that alone.
func unscaled(f *incident.Flow, side int) *finding.Finding {
	receiver := &f.Sides[1-side]
	if !f.Opened() || receiver.Scale <= 0 || f.Sides[side].Scale < 0 {
		return nil
	}
	missed := map[*incident.Segment]event{}
	for _, e := range losses(f, side) {
		if e.first != nil {
			missed[e.first] = e
		}
	}
	const several = 4
	if len(missed) < several {
		return nil
	}
	var beyond []*incident.Segment
	var within, arrived, large int // large ones arrive, within the window
	var edge uint32                // as one reads it who does not know the scale
	known := false
	for i, g := range f.Segments {
		if g.Side != side {
			if tells(g) {
				edge, known = g.Ack+uint32(g.Window), true
			}
			continue
		}
		if !known || !g.IsData() || g.Again() {
			continue
		}
		_, lost := missed[g]
		switch outside := packet.After(g.End(), edge); {
		case outside && lost:
			beyond = append(beyond, g)
		case outside && packet.After(g.Seq, soonAfter(f, i, edge)):
			arrived++
		case lost:
			within++
		case g.Acked != nil && (len(beyond) == 0 || g.PayloadLen >= beyond[0].PayloadLen):
			large++
		}
	}
	if len(beyond) < several || large < several || within*10 > len(beyond) || arrived*4 > len(beyond) {
		return nil
	}
	c := finding.New("wscale-stripped", f).
		Say("What is lost of the %s's data is what lies beyond the window of the %s's header, which both agreed to shift by "+
			"%d: something on the way does not know of the scale and drops it.", incident.Name(side), incident.Name(1-side),
			receiver.Scale)
	c.For(2.6, fmt.Sprintf("%d of %d segments beyond the unscaled window are lost, %d within it", len(beyond),
		len(beyond)+arrived, within), beyond...)
	return c.IsNot("loss-bursty: it is always the same part of the flight").
		IsNot("pmtu-blackhole: segments of the same size arrive")
}

// tells reports whether a segment says how much its sender has room for.
func tells(g *incident.Segment) bool {
	return g.Has(packet.ACK) && !g.Has(packet.SYN) && !g.Missing.Has(packet.NoWindow)
}

// soonAfter is the edge of the unscaled window a round trip after segment i was sent: what is on
// the way hears of the acknowledgements before the sender does.
func soonAfter(f *incident.Flow, i int, edge uint32) uint32 {
	g := f.Segments[i]
	for _, a := range f.Segments[i+1:] {
		if a.Time > g.Time+f.RTT {
			break
		}
		if a.Side != g.Side && tells(a) {
			edge = a.Ack + uint32(a.Window)
		}
	}
	return edge
}
