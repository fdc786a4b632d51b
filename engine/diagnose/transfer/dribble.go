package transfer

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/tcp/sender"
)

// dribble is a side that, with nothing in flight, again and again sends just as many bytes as
// the other's window says without its scale, whatever that is, and each time only after a
// pause: a timer lets so little go. Either both offer a scale, or only the side that sends does,
// and the other's windows are small as if they had one.
func dribble(f *incident.Flow, side int) *finding.Finding {
	s, receiver := &f.Sides[side], &f.Sides[1-side]
	exact, acks := exactly(f, side)
	const several, timer = 4, 100 * time.Millisecond
	if len(exact) < several || len(receiver.Zero) > 0 {
		return nil
	}
	var sizes []int
	for i, g := range exact {
		if i > 0 && g.Time-exact[i-1].Time < timer {
			return nil
		}
		sizes = append(sizes, int(g.PayloadLen))
	}
	slices.Sort(sizes)
	most := sizes[len(sizes)-1]
	if sizes[0] == most {
		return nil // it may write pieces of that size
	}
	c := finding.New("wscale-stripped", f).
		Say("The %s sends %d times just the bytes that the %s's window has without a scale, up to %d, and pauses each "+
			"time: the scale was changed on the way.", incident.Name(side), len(exact), incident.Name(1-side), most)
	syn := [2]*incident.Segment{f.SYN, f.SYNACK}[1-side]
	const far = 8
	switch {
	case receiver.Scale > 0 && s.Scale >= 0 && most<<uint(receiver.Scale) > far*largest(s):
		c.For(0.9, fmt.Sprintf("the %s offers a scale of %d: its window is %d bytes", incident.Name(1-side), receiver.Scale,
			most<<uint(receiver.Scale)), syn)
	case receiver.Scale < 0 && s.Scale > 0 && syn != nil && int(syn.Window) > far*most:
		c.For(0.9, fmt.Sprintf("the %s's SYN has a window of %d, the next ones look like units of it",
			incident.Name(1-side), syn.Window), syn)
	default:
		return nil
	}
	c.For(1.5, fmt.Sprintf("%d segments with nothing in flight have just the size of the window in the header, and change "+
		"with it", len(exact)), exact...).Cite(f.SYN, f.SYNACK, f.Confirm).Cite(acks...)
	return c.IsNot("zero-window: the window is open, for whoever knows its scale").
		IsNot("slow-application: the pieces have the size of the window, whatever that is")
}

// exactly are the segments of a side that have, with nothing in flight, just the size of the
// other's window as the header has it, and the acknowledgements after the first of them. There are none if
// a larger one follows, or if the other side says something in between.
func exactly(f *incident.Flow, side int) (exact, acks []*incident.Segment) {
	room := 0
	for _, g := range f.Segments {
		begun := len(exact) > 0
		switch {
		case g.Side != side && g.IsData() && begun:
			return nil, nil
		case g.Side != side && tells(g):
			if room = int(g.Window); begun && g.Class&sender.PureAck != 0 {
				acks = append(acks, g)
			}
		case g.Side != side || !g.IsData() || g.Again():
		case int(g.PayloadLen) == room && int(g.InFlight) == room && room > 0 && room < largest(&f.Sides[side]):
			exact = append(exact, g)
		case begun && int(g.PayloadLen) > room:
			return nil, nil
		}
	}
	return exact, acks
}

// largest is the size that a side's segments may have.
func largest(s *incident.Side) int {
	const ethernet = 1448
	return cmp.Or(max(s.Largest, s.MSS), ethernet)
}
