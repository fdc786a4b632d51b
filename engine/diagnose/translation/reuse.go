package translation

import (
	"fmt"
	"net/netip"
	"time"

	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/packet"
)

// remembers is how long a connection is remembered after it was closed: TIME-WAIT of
// Linux is 60 s, that of others up to 240 s (RFC 9293, section 3.4.2).
const remembers = 240 * time.Second

// reused is a SYN on the ports of a connection that the server still knows: one that
// was closed, or, after a translation, that of another client.
func reused(f *incident.Flow) *finding.Finding {
	if f.SYN == nil {
		return nil
	}
	old := f.Predecessor()
	challenge := challenged(f)
	if old == nil {
		return stillKnown(f, challenge)
	}
	if old.OneSided() && f.OneSided() {
		return nil // whether it was answered was not captured
	}
	if challenge == nil && (f.SYNACK != nil && len(f.Sides[incident.Client].SYNs) == 1 || f.Refused()) {
		return nil // it opened at once
	}
	if challenge == nil && f.SYNACK != nil && f.SYNACK.Time-f.SYN.Time < incident.RTO {
		return nil
	}
	pause := f.SYN.Time - old.Last().Time
	if pause > remembers || pause < 0 { // the capture is not in the order of time
		return nil
	}
	rst := firstReset(f, incident.Client)
	if other := otherHost(old, f); other != "" || !old.Closed() && old.Reset() == nil && pause < stillFor {
		if c := restarted(f, old, challenge, rst, other); c != nil {
			return c
		}
		if old.Established() && !old.Closed() {
			return clash(f, old, challenge, rst, other)
		}
	}
	c := finding.New("port-reuse-time-wait", f).
		Say("The client uses port %d again %v after its last connection ended there; the server still holds that one "+
			"and answers for it.", f.Ends[incident.Client].Port(), pause.Round(time.Millisecond))
	c.For(1.4, fmt.Sprintf("a connection on the same ports ended %v before", pause.Round(time.Millisecond)), f.SYN)
	if challenge != nil {
		c.For(1.4, fmt.Sprintf("the SYN is answered by an acknowledgement of the old connection, frame %d",
			challenge.N),
			challenge, rst)
	} else {
		c.For(0.3, "the SYN is not answered")
	}
	if syns := f.Sides[incident.Client].SYNs; len(syns) > 1 {
		c.Cite(syns...)
	}
	return c.IsNot("rst-no-listener: the reset is the client's answer to an acknowledgement that it does not know").
		IsNot("syn-unanswered-filtered: the server has the SYN")
}

// anotherClock is what tells a host's timestamps from those of another, or from those that it
// had before it was started anew.
const anotherClock = "its timestamps are those of another clock"

// restarted is a SYN on the ports of a connection that nobody closed and that has been still
// for longer than before: its client lost it, and the server answers for it until the client resets it.
func restarted(f, old *incident.Flow, challenge, rst *incident.Segment, other string) *finding.Finding {
	pause := f.SYN.Time - old.Last().Time
	clock := other == anotherClock && pause >= stillFor
	if challenge == nil || rst == nil || !clock && (other != "" || !silenced(old, f)) || !old.Established() || old.Closed() ||
		f.SYN.MSS != 0 && old.SYN != nil && old.SYN.MSS != f.SYN.MSS || rst.Time < challenge.Time ||
		rst.Seq != challenge.Ack && !rst.Missing.Has(packet.NoSeq) {
		return nil
	}
	// Who has the old connection would go on in it.
	for _, g := range f.Sides[incident.Client].Segments {
		if g.HasTS && (int32(g.TSVal-f.SYN.TSVal) < -1000 || time.Duration(int32(g.TSVal-f.SYN.TSVal))*time.Millisecond >
			2*(g.Time-f.SYN.Time)+time.Second) {
			return nil
		}
	}
	c := finding.New("rst-no-socket-stale", f).
		Say("The client asks from port %d, where it has a connection that nobody closed and in which it has fallen silent: "+
			"it was started again. The server still has the old connection and acknowledges that (frame %d); the client "+
			"knows nothing of it and resets it.", f.Ends[incident.Client].Port(), challenge.N)
	w := 1.0
	if !clock {
		w = 0.5 // another host of the same kind would look like this
	}
	c.For(w, fmt.Sprintf("the connection on the same ports was not closed, and was still for %v",
		pause.Round(time.Second)), f.SYN)
	c.For(w, "the SYN is answered by an acknowledgement of the old connection", challenge, rst)
	if clock {
		c.For(0.3, "the timestamps are those of another clock")
	} else {
		c.For(0.3, "the client spoke at regular times, and had been still for longer; the SYN has the same window")
	}
	if f.SYNACK != nil {
		c.For(0.5, "after the reset the next SYN opens", f.Sides[incident.Client].SYNs...).Cite(f.SYNACK)
	}
	return c.IsNot("rst-middlebox-injected: the client itself resets").
		IsNot("syn-unanswered-filtered: the server answers, for the old connection")
}

// silenced reports whether the client of a connection spoke at regular times, and had been
// still for much longer than that before it sent the SYN of f, with the window that it had
// last. It does not speak in the old connection any more.
func silenced(old, f *incident.Flow) bool {
	c := &old.Sides[incident.Client]
	const least, turns = 10 * time.Second, 2
	if len(c.Data) <= turns || c.Scale > 0 {
		return false
	}
	last := c.Segments[len(c.Segments)-1]
	var longest time.Duration
	for i, g := range c.Data[1:] {
		longest = max(longest, g.Time-c.Data[i].Time)
	}
	regular := 0
	for i, g := range c.Data[1:] {
		if (g.Time-c.Data[i].Time)*5 > longest*4 {
			regular++
		}
	}
	next := f.SYN.End()
	for _, g := range f.Sides[incident.Client].Segments {
		if g.Has(packet.SYN) || g.Has(packet.RST) {
			continue
		}
		if int32(g.Seq-f.SYN.Seq) >= 0 && int32(g.Seq-next) <= 0 {
			next = g.End()
		} else if d := int32(g.Seq - last.End()); d > -1<<16 && d < 1<<16 {
			return false // who has the old connection goes on in it
		}
	}
	pause := f.SYN.Time - last.Time
	return last.Window == f.SYN.Window && regular*4 >= (len(c.Data)-1)*3 && pause > least && pause > longest*3/2
}

// stillFor is how long a connection in use is seldom still.
const stillFor = 30 * time.Second

// challenged is the server's first answer if it is an acknowledgement that is not of the
// SYN (RFC 9293, section 3.10.7.4); nil if not.
func challenged(f *incident.Flow) *incident.Segment {
	for _, g := range f.Sides[incident.Server].Segments {
		if g.Has(packet.SYN) {
			return nil
		}
		end := f.SYN.End() // of what the client has said by then
		for _, o := range f.Sides[incident.Client].Segments {
			if o.Time <= g.Time && packet.After(o.End(), end) {
				end = o.End()
			}
		}
		if g.Has(packet.ACK) && g.Time >= f.SYN.Time {
			if !packet.Before(g.Ack, f.SYN.Seq) && !packet.After(g.Ack, end) {
				return nil // of this connection, whatever the capture missed
			}
			return g
		}
	}
	return nil
}

// stillKnown is a SYN answered by an acknowledgement of a connection that the capture
// does not have.
func stillKnown(f *incident.Flow, challenge *incident.Segment) *finding.Finding {
	if challenge == nil {
		return nil
	}
	rst := firstReset(f, incident.Client)
	c := finding.New("port-reuse-time-wait", f).
		Say("The server answers the SYN with an acknowledgement of another connection on the same ports, which it "+
			"still "+
			"holds (frame %d).", challenge.N)
	c.For(1.2, "the SYN is answered by an acknowledgement of something that was not captured", f.SYN, challenge, rst)
	if len(f.Sides[incident.Client].SYNs) > 1 {
		c.Cite(f.Sides[incident.Client].SYNs...)
	}
	return c
}

func firstReset(f *incident.Flow, side int) *incident.Segment {
	if rs := f.Sides[side].Resets; len(rs) > 0 {
		return rs[0]
	}
	return nil
}

// otherHost says why the SYN cannot be from the host that had the ports before; empty
// if it can.
func otherHost(old, f *incident.Flow) string {
	ttls := old.Sides[incident.Client].TTLs
	if d := f.SYN.Distant(ttls); d > 0 {
		return fmt.Sprintf("its time to live is %d, %d off", f.SYN.TTL, d)
	}
	var last *incident.Segment
	for _, g := range old.Sides[incident.Client].Segments {
		if g.HasTS {
			last = g
		}
	}
	switch {
	case last != nil && f.SYN.HasTS:
		// The clocks of one host differ by no more than the time between them, with
		// room: a millisecond a tick, ten at most.
		d, most := int64(int32(f.SYN.TSVal-last.TSVal)), (f.SYN.Time-last.Time).Milliseconds()+2000
		if d < -2000 || d > 2*most {
			return anotherClock
		}
	case last != nil && !f.SYN.HasTS && old.SYN != nil && old.SYN.HasTS:
		return "it offers no timestamps, the other did"
	}
	if old.SYN != nil && old.SYN.MSS != f.SYN.MSS {
		return "its MSS is another"
	}
	return ""
}

// clash is a SYN on the ports of a connection that is in use.
func clash(f, old *incident.Flow, challenge, rst *incident.Segment, other string) *finding.Finding {
	c := finding.New("nat-port-clash", f).
		Say("A SYN comes on the ports of a connection that is in use: behind a NAT two clients were given the same " +
			"address and port, and the server takes one for the other.")
	c.For(1, "the connection on the same ports was not closed", f.SYN, challenge, rst)
	c.Cite(f.Sides[incident.Client].SYNs...)
	if other != "" {
		c.For(1.5, "it is another host's: "+other)
	}
	if challenge != nil {
		c.For(0.5, "the server answers for the other connection")
	}
	return c.IsNot("port-reuse-time-wait: the connection before was not closed")
}

// translated finds, in a capture of both sides of a NAT, connections of two clients that
// have one address and port behind it.
func translated(in *incident.Incident) (found []*finding.Finding) {
	type end struct{ client, server netip.AddrPort }
	for _, file := range in.Files {
		behind := map[end]*incident.Flow{}
		for _, f := range file.Flows {
			c, seen := outside(f)
			if !seen {
				continue
			}
			key := end{c, f.Ends[incident.Server]}
			old := behind[key]
			behind[key] = f
			if old == nil || old.Ends[incident.Client] == f.Ends[incident.Client] || old.Closed() &&
				f.Segments[0].Time-old.Last().Time > remembers {
				continue
			}
			if old.Closed() && f.SYNACK != nil && len(f.Sides[incident.Client].SYNs) == 1 {
				continue // the server had forgotten the one before: it opens at once
			}
			g := finding.New("nat-port-clash", f).
				Say("%s and %s are both translated to %s: the server takes one for the other.",
					old.Ends[incident.Client],
					f.Ends[incident.Client], c)
			g.For(3, "two clients have one address and port after the translation", f.Sides[incident.Client].SYNs...)
			for _, a := range old.Sides[incident.Server].Segments {
				if a.Time > f.Segments[0].Time && a.PayloadLen == 0 && f.SYNACK == nil && near(a, f) {
					g.Cite(a)
				}
			}
			found = append(found, g.IsNot("port-reuse-time-wait: it is another client's connection").
				IsNot("syn-unanswered-filtered: the server answers, to the other client"))
		}
	}
	return found
}

// redirected is a SYN that the server takes for one of a connection to another of its ports:
// both ports are redirected to one, and the client uses its own port for both.
func redirected(f *incident.Flow) *finding.Finding {
	o, acks := f.AnsweredAs()
	if o == nil {
		return nil
	}
	c := finding.New("nat-port-clash", f).
		Say("The SYN to port %d is answered by the connection from the same address and port to port %d: both ports lead "+
			"to the same socket behind a NAT, and the server takes one connection for the other.",
			f.Ends[incident.Server].Port(), o.Ends[incident.Server].Port())
	c.For(2.4, fmt.Sprintf("right after each SYN port %d acknowledges what it had acknowledged before",
		o.Ends[incident.Server].Port()), f.Sides[incident.Client].SYNs...).Cite(acks...)
	if len(f.Others(func(x *incident.Flow) bool { return x.SameServer(f) && x.SYNACK != nil })) > 0 {
		c.For(0.5, "from another port of a client it opens at once")
	}
	return c.IsNot("port-reuse-time-wait: the other connection is in use").
		IsNot("syn-unanswered-filtered: the server answers, in the other connection")
}

// near reports whether a segment comes right after one of the flow's SYNs.
func near(a *incident.Segment, f *incident.Flow) bool {
	for _, syn := range f.Sides[incident.Client].SYNs {
		if a.Time > syn.Time && a.Time-syn.Time < time.Second {
			return true
		}
	}
	return false
}

// outside is what the client's end is behind the NAT, where the capture shows it.
func outside(f *incident.Flow) (netip.AddrPort, bool) {
	for _, g := range f.Sides[incident.Client].Segments {
		for _, c := range g.Copies {
			if c.Packet.Src != g.Src && c.Packet.Dst == g.Dst {
				return netip.AddrPortFrom(c.Packet.Src, c.Packet.SrcPort), true
			}
		}
	}
	return netip.AddrPort{}, false
}
