package transfer

import (
	"cmp"
	"fmt"
	"time"

	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/packet"
	"netrepro/engine/tcp/sender"
)

// closed is a receiver whose window stays closed; side is the sender that waits for it.
func closed(f *incident.Flow, side int) *finding.Finding {
	zero := f.Sides[1-side].Zero
	if len(zero) == 0 {
		return nil
	}
	var during []*incident.Segment
	var stall time.Duration
	open := f.File.End
	for _, g := range f.Sides[1-side].Segments {
		if g.Time > zero[0].Time && g.Window > 0 && g.Has(packet.ACK) && !g.Missing.Has(packet.NoWindow) {
			open = g.Time
			if stall = open - zero[0].Time; stall > minStall {
				break
			}
		}
	}
	stall = max(stall, open-zero[0].Time)
	for _, g := range f.Sides[side].Segments {
		asks := g.Class&(sender.WindowProbe|sender.KeepAlive) != 0 || g.Again() ||
			g.PayloadLen == 0 && !g.Missing.Has(packet.NoSeq) && g.Seq+1 == zero[0].Ack
		if asks && g.Time >= zero[0].Time && g.Time <= zero[len(zero)-1].Time+stall {
			during = append(during, g)
		}
	}
	total := closedFor(f, side)
	const several = 3 // of a sender that was not captured, what answers its probes must tell
	s := &f.Sides[side]
	if total < minStall || len(s.Data) == 0 && len(during) < 2 && (len(s.Segments) > 0 || len(zero) < several) {
		return nil
	}
	c := finding.New("zero-window", f).
		Say("The %s closes its window for %v: its application does not read what the %s sends.", incident.Name(1-side),
			total.Round(time.Millisecond), incident.Name(side))
	c.For(1.5, fmt.Sprintf("a window of 0 is announced %d times", len(zero)), zero...)
	if len(during) > 0 {
		c.For(1, fmt.Sprintf("the %s asks %d times for room", incident.Name(side), len(during)), during...)
	}
	if total > time.Second {
		c.For(0.8, fmt.Sprintf("nothing can be sent for %v", total.Round(time.Millisecond)))
	}
	return c.IsNot("loss-one-way: what is sent again is answered each time; there is no room for it").
		IsNot("pmtu-blackhole: it is answered, whatever its size")
}

// minStall is how long a window is closed before anybody minds.
const minStall = 200 * time.Millisecond

// closedFor is how long the window of side's peer was closed in all.
func closedFor(f *incident.Flow, side int) (total time.Duration) {
	since := time.Duration(-1)
	for _, g := range f.Sides[1-side].Segments {
		if !g.Has(packet.ACK) || g.Has(packet.SYN) || g.Missing.Has(packet.NoWindow) {
			continue
		}
		switch {
		case g.Window == 0 && since < 0:
			since = g.Time
		case g.Window > 0 && since >= 0:
			total += g.Time - since
			since = -1
		}
	}
	if since >= 0 {
		total += f.Last().Time - since
	}
	return total
}

// scaled is a window scale that is not the same at both ends.
func scaled(in *incident.Incident) (found []*finding.Finding) {
	in.All(func(f *incident.Flow) {
		if c := changed(f); c != nil {
			found = append(found, c)
			return
		}
		if c := misread(f); c != nil {
			found = append(found, c)
		}
	})
	return found
}

// changed is a SYN whose window scale is another one in the other capture, or at
// another point of the same.
func changed(f *incident.Flow) *finding.Finding {
	for side := range f.Sides {
		for _, g := range f.Sides[side].SYNs {
			for _, t := range f.Twins {
				for _, o := range t.Sides[side].SYNs {
					if o.Seq == g.Seq && o.WScale != g.WScale {
						return stripped(f, side, g, int(g.WScale), int(o.WScale)).Cite(o)
					}
				}
			}
			for _, o := range g.Copies {
				if o.Packet.WScale != g.WScale {
					return stripped(f, side, g, int(g.WScale), int(o.Packet.WScale))
				}
			}
		}
	}
	return nil
}

func stripped(f *incident.Flow, side int, g *incident.Segment, one, other int) *finding.Finding {
	c := finding.New("wscale-stripped", f).
		Say("The %s's SYN has window scale %s at one point and %s at another: something between changes it, so "+
			"that the "+
			"ends disagree on what a window means.", incident.Name(side), incident.Scale(one), incident.Scale(other))
	c.For(3.2, "the same SYN has another window scale elsewhere", g, f.SYNACK, f.Confirm)
	return c.Cite(bare(f)...).IsNot("slow-application: the server waits for room that it believes is not there")
}

// bare are the server's pure acknowledgements.
func bare(f *incident.Flow) (found []*incident.Segment) {
	for _, g := range f.Sides[incident.Server].Segments {
		if g.Class&sender.PureAck != 0 {
			found = append(found, g)
		}
	}
	return found
}

// misread are windows that only fit a scale which was not announced here: the window of
// a SYN is never scaled (RFC 7323, section 2.2), the next one of the same end is.
func misread(f *incident.Flow) *finding.Finding {
	if !f.Opened() {
		return nil
	}
	for side, syn := range []*incident.Segment{f.SYN, f.SYNACK} {
		s, peer := &f.Sides[side], &f.Sides[1-side]
		if len(s.Segments) < 2 || syn.Window < 1024 {
			continue
		}
		next := s.Segments[0]
		for _, g := range s.Segments {
			if !g.Has(packet.SYN) && !g.Missing.Has(packet.NoWindow) {
				next = g
				break
			}
		}
		shift := fits(syn.Window, next.Window)
		agreed := s.Scale > 0 && peer.Scale >= 0
		if shift > 0 && !agreed && (peer.Scale > 0 || s.Scale >= 0 || fillsUp(f, 1-side, int(next.Window))) {
			c := finding.New("wscale-stripped", f).
				Say("The %s's windows are scaled by %d though its SYN offers %s here: something on the way has "+
					"changed the "+
					"option.", incident.Name(side), shift, incident.Scale(s.Scale))
			c.For(2.4, fmt.Sprintf("its SYN has a window of %d, its next segment %d: that is %d shifted by %d",
				syn.Window, next.Window, syn.Window, shift), syn, f.SYN, f.SYNACK, next)
			return c.Cite(bare(f)...).IsNot("slow-application: the sender waits for room that it believes is not there")
		}
	}
	if c := trickle(f); c != nil {
		return c
	}
	return cmp.Or(dribble(f, incident.Client), dribble(f, incident.Server))
}

// fits is the shift that makes one window of the other, 0 if none does.
func fits(syn, next uint16) int {
	for shift := 3; shift <= 14; shift++ {
		if n := int(syn) >> shift; n > 0 && int(next) <= n+1 && int(next) >= n*95/100 && next < 1024 {
			return shift
		}
	}
	return 0
}

// fillsUp reports whether a side fills a window of that size again and again without
// being asked for more in between.
func fillsUp(f *incident.Flow, sender, window int) bool {
	run, most := 0, 0
	for _, g := range f.Segments {
		switch {
		case g.Side != sender && g.IsData():
			run = 0
		case g.Side == sender && int(g.InFlight) >= window*9/10 && int(g.InFlight) <= window*5/4:
			run++
		}
		most = max(most, run)
	}
	return most >= 3
}

// trickle is a server that never sends more than the client's window is unscaled.
func trickle(f *incident.Flow) *finding.Finding {
	c, s := &f.Sides[incident.Client], &f.Sides[incident.Server]
	if c.Scale <= 0 || s.Scale < 0 || c.Bytes == 0 || f.Confirm == nil || len(c.Segments) < 3 || len(s.Zero) > 0 {
		return nil
	}
	raw := 0
	for _, g := range c.Segments {
		if !g.Has(packet.SYN) && !g.Missing.Has(packet.NoWindow) {
			raw = max(raw, int(g.Window))
		}
	}
	if raw == 0 || raw > 512 || s.MSS == 0 {
		return nil
	}
	// All of what the server sends at once fits into the window without its scale.
	if s.Bytes > 0 && (s.Largest > raw || !fillsUp(f, incident.Server, raw)) {
		return nil
	}
	var wait time.Duration
	last := c.Data[len(c.Data)-1]
	if s.Bytes == 0 {
		if last.Acked == nil || s.Scale != 0 {
			return nil
		}
		wait = f.Last().Time - last.Time
		if wait < time.Second {
			return nil
		}
	}
	g := finding.New("wscale-stripped", f).
		Say("The client's window of %d is %d bytes with its scale of %d, and the server sends as if it were %d: "+
			"the scale "+
			"was changed on the way.", raw, raw<<c.Scale, c.Scale, raw)
	if s.Bytes > 0 {
		g.For(1.8, fmt.Sprintf("no segment of the server is above %d bytes, the client's window without its scale",
			raw),
			f.SYN, f.SYNACK, f.Confirm).Cite(s.Data...)
	} else {
		g.For(0.9, fmt.Sprintf("the server acknowledges the request and sends nothing for %v; without the scale "+
			"it has "+
			"room for %d bytes", wait.Round(time.Millisecond), raw), f.SYN, f.SYNACK, f.Confirm).Cite(bare(f)...)
	}
	return g.IsNot("pmtu-blackhole: nothing large was sent")
}
