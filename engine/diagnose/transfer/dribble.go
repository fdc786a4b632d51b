package transfer

import (
	"cmp"
	"fmt"

	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/tcp/sender"
)

// dribble is a side that, with nothing in flight, again and again sends just as many bytes as
// the other's window says without its scale: it waits each time until its timer allows so
// little. That the window has a scale tell the other's SYN, or a window that begins at many
// times that and is never taken back by a TCP (RFC 9293, section 3.8.6).
func dribble(f *incident.Flow, side int) *finding.Finding {
	s, receiver := &f.Sides[side], &f.Sides[1-side]
	var exact, acks []*incident.Segment
	room, above := 0, 0
	for _, g := range f.Segments {
		switch {
		case g.Side != side && tells(g):
			if room = int(g.Window); len(exact) > 0 && g.Class&sender.PureAck != 0 {
				acks = append(acks, g)
			}
		case g.Side != side || !g.IsData() || g.Again():
		case int(g.PayloadLen) == room && int(g.InFlight) == room && room > 0 && room < largest(s):
			exact = append(exact, g)
		case len(exact) > 0 && int(g.PayloadLen) > room:
			above++
		}
	}
	const several = 4
	if len(exact) < several || above > 0 {
		return nil
	}
	most := 0
	for _, g := range exact {
		most = max(most, int(g.PayloadLen))
	}
	c := finding.New("wscale-stripped", f).
		Say("The %s sends %d times just the bytes that the %s's window has without a scale, up to %d, and waits in "+
			"between: the scale was changed on the way.", incident.Name(side), len(exact), incident.Name(1-side), most)
	syn := [2]*incident.Segment{f.SYN, f.SYNACK}[1-side]
	const far = 8
	switch {
	case receiver.Scale > 0 && most<<uint(receiver.Scale) > far*largest(s):
		c.For(0.9, fmt.Sprintf("the %s offers a scale of %d: its window is %d bytes", incident.Name(1-side), receiver.Scale,
			most<<uint(receiver.Scale)), syn)
	case receiver.Scale < 0 && syn != nil && int(syn.Window) > far*most:
		c.For(0.9, fmt.Sprintf("the %s's SYN has a window of %d, the next ones are units of it: no TCP takes back that much",
			incident.Name(1-side), syn.Window), syn)
	default:
		return nil
	}
	c.For(1.5, fmt.Sprintf("%d segments with nothing in flight have just the size of the window in the header", len(exact)),
		exact...).Cite(f.SYN, f.SYNACK, f.Confirm).Cite(acks...)
	return c.IsNot("zero-window: the window is open, for whoever knows its scale").
		IsNot("slow-application: each piece is acknowledged at once, and the next one waits for a timer")
}

// largest is the size that a side's segments may have.
func largest(s *incident.Side) int {
	const ethernet = 1448
	return cmp.Or(max(s.Largest, s.MSS), ethernet)
}
