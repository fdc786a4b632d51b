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
	missed := map[*incident.Segment]bool{}
	for _, e := range losses(f, side) {
		if e.first != nil {
			missed[e.first] = true
		}
	}
	const several = 4
	if len(missed) < several {
		return nil
	}
	var beyond []*incident.Segment
	var within, arrived, large int // large ones arrive, within the window
	// The edge of the window as one reads it who does not know the scale: when a segment is sent,
	// and a round trip later, for what is on the way hears of acknowledgements before the sender.
	var edge, later uint32
	known, ahead, room := false, 0, uint16(0)
	for _, g := range f.Segments {
		if g.Side != side {
			if tells(g) {
				edge, known, room = g.Ack+uint32(g.Window), true, g.Window
			}
			continue
		}
		for ; ahead < len(f.Segments) && f.Segments[ahead].Time <= g.Time+f.RTT; ahead++ {
			if a := f.Segments[ahead]; a.Side != side && tells(a) {
				later = a.Ack + uint32(a.Window)
			}
		}
		if !known || !g.IsData() || g.Again() {
			continue
		}
		switch outside := packet.After(g.End(), edge); {
		case outside && missed[g]:
			if int(room) < 2*int(g.PayloadLen) {
				return nil // next to nothing lies within such a window
			}
			beyond = append(beyond, g)
		case outside && packet.After(g.Seq, later): // what begins within is let pass
			arrived++
		case missed[g]:
			within++
		case !outside && g.Acked != nil && (len(beyond) == 0 || g.PayloadLen >= beyond[0].PayloadLen):
			large++
		}
	}
	if len(beyond) < several || large < several || within > 0 || arrived*4 > len(beyond) {
		return nil
	}
	c := finding.New("wscale-stripped", f).
		Say("What is lost of the %s's data is what lies beyond the window of the %s's header, which both agreed to shift by "+
			"%d: something on the way does not know of the scale and drops it.", incident.Name(side), incident.Name(1-side),
			receiver.Scale)
	c.For(2.6, fmt.Sprintf("%d of %d segments beyond the unscaled window are lost, and none of those within it",
		len(beyond), len(beyond)+arrived), beyond...)
	return c.IsNot("loss-bursty: it is always the same part of the flight").
		IsNot("pmtu-blackhole: segments of the same size arrive")
}

// tells reports whether a segment says how much its sender has room for.
func tells(g *incident.Segment) bool {
	return g.Has(packet.ACK) && !g.Has(packet.SYN) && !g.Missing.Has(packet.NoWindow)
}
