package opening

import (
	"fmt"
	"time"

	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/packet"
	"netrepro/engine/tcp"
)

// halfOpen is a connection whose server sends its SYN-ACK again.
func halfOpen(f *incident.Flow) *finding.Finding {
	acks := f.Sides[incident.Server].SYNs
	if f.SYNACK == nil || len(acks) == 0 {
		return nil
	}
	if f.SYN == nil && len(f.Sides[incident.Client].Segments)+len(f.Sides[incident.Client].Resets) == 0 {
		return stranger(f, acks)
	}
	var again []*incident.Segment
	for _, g := range acks {
		if g != f.SYNACK {
			again = append(again, g)
		}
	}
	if f.Confirm == nil {
		return unconfirmed(f, again)
	}
	ignored := ignored(f)
	if len(ignored) == 0 || f.Sides[incident.Server].Bytes > 0 && len(ignored) < 2 || deferred(f, ignored) {
		return nil
	}
	var replies []*incident.Segment
	for _, g := range f.Sides[incident.Client].Segments {
		if !g.Has(packet.SYN) && g.PayloadLen == 0 && !g.Has(packet.FIN) && g.Ack == f.SYNACK.End() &&
			g.Time < ignored[len(ignored)-1].Time+time.Second {
			replies = append(replies, g)
		}
	}
	for _, t := range f.Twins {
		if t.SYNACK != nil && t.Confirm == nil && len(t.Sides[incident.Client].Segments) == 1 {
			return cutOff(f, ignored) // where the server is, the acknowledgements do not arrive
		}
	}
	siblings := f.Siblings()
	if f.From == incident.AtClient && siblings == 0 && len(f.Sides[incident.Client].Resent) > 1 {
		return cutOff(f, ignored)
	}
	c := finding.New("syn-unanswered-backlog", f).
		Say("The server goes on sending its SYN-ACK though the client has acknowledged it: its accept queue is "+
			"full, so "+
			"it ignores the acknowledgement (%d times).", len(ignored))
	c.For(1.2, fmt.Sprintf("the SYN-ACK comes again %d times after the client's acknowledgement", len(ignored)),
		ignored...).Cite(replies...)
	switch f.From {
	case incident.AtServer:
		c.For(1.2, "the acknowledgements arrive: the capture was made at the server")
	case incident.AtClient:
		c.Against(0.3, "the capture was made at the client: the acknowledgements may be lost on the way")
	}
	if len(ignored) > 1 {
		c.For(0.6, "again and again")
	}
	if siblings > 0 {
		c.For(0.5, fmt.Sprintf("%d other connections to the same port were opened", siblings))
	}
	return c.IsNot("loss-one-way: SYN-ACK and acknowledgement both pass; it is the answer that is missing")
}

// ignored are the SYN-ACKs that the server sends again though the client has acknowledged the
// first.
func ignored(f *incident.Flow) (found []*incident.Segment) {
	for _, g := range f.Sides[incident.Server].SYNs {
		if f.Confirm != nil && g != f.SYNACK && g.Time > f.Confirm.Time {
			found = append(found, g)
		}
	}
	return found
}

// unaccepted is a connection that the client has opened and the server has not: at the
// server, what comes after the SYN-ACK arrives and is not answered at all.
func unaccepted(f *incident.Flow) *finding.Finding {
	server, client := &f.Sides[incident.Server], &f.Sides[incident.Client]
	if f.From != incident.AtServer || !f.Opened() || f.Confirm == nil || len(server.SYNs) != 1 ||
		len(server.Segments)+len(server.Resets) != 1 || len(client.Resent) < 2 {
		return nil
	}
	c := finding.New("syn-unanswered-backlog", f).
		Say("The acknowledgement that completes the handshake and the client's data arrive at the server, and it "+
			"answers none of it: its accept queue is full, so the connection is not open there (%d tries).",
			len(client.Resent)+1)
	c.For(1.4, "after its SYN-ACK the server says nothing more, though all arrives", f.SYNACK, f.Confirm).
		Cite(client.Data...).Cite(client.Resent...)
	if n := len(f.Others(func(o *incident.Flow) bool {
		return o.SameServer(f) && o.Confirm != nil && len(o.Sides[incident.Server].Segments) > 1
	})); n > 0 {
		c.For(0.8, fmt.Sprintf("%d other connections to the same port are served", n))
	}
	return c.IsNot("loss-one-way: the client's packets arrive")
}

// deferred reports whether the server only waited for data (TCP_DEFER_ACCEPT): it goes
// on as soon as that comes.
func deferred(f *incident.Flow, ignored []*incident.Segment) bool {
	last := ignored[len(ignored)-1]
	for _, g := range f.Sides[incident.Client].Data {
		return g.Time > last.Time && g.Acked != nil
	}
	return false
}

// unconfirmed is a SYN-ACK that the client does not acknowledge.
func unconfirmed(f *incident.Flow, again []*incident.Segment) *finding.Finding {
	syns, resets := f.Sides[incident.Client].SYNs, f.Sides[incident.Client].Resets
	if f.SYN == nil || len(resets) > 0 || len(syns) < 2 && len(again) == 0 {
		return nil
	}
	asked := 0
	for _, g := range syns {
		if g.Time > f.SYNACK.Time {
			asked++
		}
	}
	ways := f.SYN.Direction == tcp.In && f.SYNACK.Direction == tcp.Out && f.SYN.Point != f.SYNACK.Point &&
		len(f.SYN.Copies) == 0
	if f.From == incident.AtClient && !ways && asked == 0 {
		return nil
	}
	c := finding.New("asymmetric-path", f).
		Say("The server %s answers each SYN and the answers do not get back to the client: they take another way, and "+
			"something on it drops them.", f.Ends[incident.Server])
	c.For(1, fmt.Sprintf("%d SYN-ACKs are sent and never acknowledged", 1+len(again)), f.SYNACK).Cite(again...)
	if asked > 0 {
		c.For(1, "the client asks again, so it has not seen them", syns...)
	}
	if ways {
		c.For(1.5, fmt.Sprintf("the SYN comes in by %s, the answer goes out by %s", f.SYN.Interface(),
			f.SYNACK.Interface()), f.SYN)
	}
	return c.IsNot("syn-unanswered-filtered: the SYNs arrive and are answered").
		IsNot("syn-unanswered-backlog: the server does answer")
}

// repeatedSYN is a connection that opens only after the SYN was sent again.
func repeatedSYN(f *incident.Flow) *finding.Finding {
	syns := f.Sides[incident.Client].SYNs
	if f.SYNACK == nil || len(syns) < 2 || f.SYNACK.Time < syns[1].Time || f.Predecessor() != nil {
		return nil
	}
	if f.SYNACK.Time-f.SYN.Time < 800*time.Millisecond {
		return nil
	}
	var lost []*incident.Segment
	for _, g := range syns {
		if g.Time < f.SYNACK.Time {
			lost = append(lost, g)
		}
	}
	if c := recycled(f, lost); c != nil {
		return c
	}
	same := f.Others(func(o *incident.Flow) bool { return o.SameServer(f) && o.SYNACK != nil })
	late := 0
	for _, o := range same {
		if len(o.Sides[incident.Client].SYNs) > 1 {
			late++
		}
	}
	here := f.From == incident.AtServer
	if here || late > 0 && late < len(same) {
		c := finding.New("syn-unanswered-backlog", f).
			Say("SYNs to %s are dropped and answered only when they come again: the server's queue is full for "+
				"moments.",
				f.Ends[incident.Server])
		c.For(0.5, "the connection opens only after the SYN was sent again", lost...).Cite(f.SYNACK)
		if here {
			c.For(1.2, "the SYNs arrive at the server")
		}
		if late > 0 {
			c.For(0.6, fmt.Sprintf("so do %d others, while some open at once", late))
		}
		return c
	}
	if waiting := unspoken(f, lost); len(waiting) > 0 && len(lost) > 2 {
		c := finding.New("syn-unanswered-backlog", f).
			Say("SYNs to %s are dropped %d times and answered as soon as the server has taken connections that were opened "+
				"before: its accept queue was full.", f.Ends[incident.Server], len(lost))
		return c.For(1.4, fmt.Sprintf("the server had not said a word in %d connections opened before, until the last of "+
			"these SYNs", len(waiting)), lost...).Cite(waiting...).Cite(f.SYNACK).
			For(0.6, "what else passes in that time arrives").
			IsNot("syn-unanswered-filtered: the same SYN is answered later").
			IsNot("loss-one-way: only SYNs are lost, one after the other")
	}
	c := finding.New("loss-one-way", f).
		Say("The SYN to %s was lost %d times; the connection opens %v late.", f.Ends[incident.Server], len(lost)-1,
			(f.SYNACK.Time - f.SYN.Time).Round(time.Millisecond))
	return c.For(0.2, "the SYN is answered only when it is sent again", lost...)
}

// unspoken are the first data that the server sent in connections to the same port, opened
// before f, if all came only after the last SYN of f that was lost: until then its program
// had not accepted them.
func unspoken(f *incident.Flow, lost []*incident.Segment) (first []*incident.Segment) {
	last := lost[max(len(lost)-2, 0)] // what comes behind it is answered
	for _, o := range f.Others(func(o *incident.Flow) bool {
		return o.SameServer(f) && o.Confirm != nil && o.Confirm.Time < f.SYN.Time
	}) {
		data := o.Sides[incident.Server].Data
		switch {
		case len(data) == 0 || o.Reset() != nil && o.Reset().Time < f.SYN.Time:
			continue
		case data[0].Time < last.Time:
			return nil
		case data[0].Time < f.SYNACK.Time:
			first = append(first, data[0])
		}
	}
	return first
}

// oneWay is a connection of which only the client's direction passes the capture point,
// and that gets nowhere.
func oneWay(f *incident.Flow) *finding.Finding {
	client := &f.Sides[incident.Client]
	if f.SYN == nil || !f.OneSided() || len(client.Segments) < 3 || !client.Acks {
		return nil
	}
	var again []*incident.Segment
	var stuck *incident.Segment
	for _, g := range client.Resent {
		if g.PayloadLen > 0 && (stuck == nil || g.Resent > stuck.Resent) {
			stuck = g
		}
	}
	if stuck == nil || stuck.Resent < 2 {
		return nil
	}
	for _, g := range client.Resent {
		if g.Seq == stuck.Seq {
			again = append(again, g)
		}
	}
	c := finding.New("asymmetric-path", f).
		Say("Only what the client sends passes here: it acknowledges a SYN-ACK that took another way. What keeps " +
			"state " +
			"here knows half of the connection, and the client's data is not answered.")
	c.For(1.2, "the client acknowledges what never passed here", f.SYN)
	for _, g := range client.Segments {
		if !g.Has(packet.SYN) {
			c.Cite(g)
		}
	}
	c.For(0.8, fmt.Sprintf("its data is sent again %d times", len(again)))
	return c.IsNot("syn-unanswered-filtered: the SYN was answered, for the client goes on")
}

// cutOff is the view from the client of a connection whose SYN passes and nothing after
// it: something that keeps state has not seen the SYN-ACK, which took another way.
func cutOff(f *incident.Flow, ignored []*incident.Segment) *finding.Finding {
	c := finding.New("asymmetric-path", f).
		Say("The SYN reaches the server and nothing after it does: it goes on sending its SYN-ACK, and the client " +
			"its data. " +
			"Something that keeps state did not see the answer, which took another way, and drops the rest.")
	c.For(1.2, fmt.Sprintf("the SYN-ACK comes again %d times, so the acknowledgement does not arrive", len(ignored)),
		f.SYN, f.SYNACK, f.Confirm).Cite(ignored...)
	resent := f.Sides[incident.Client].Resent
	c.For(0.8, fmt.Sprintf("the client's data is sent again %d times without an answer", len(resent)), resent...)
	return c.IsNot("syn-unanswered-filtered: the SYN is answered").
		IsNot("pmtu-blackhole: the bare acknowledgement does not arrive either")
}

// stranger is a SYN-ACK that comes again and again to a point which the SYN never passed.
func stranger(f *incident.Flow, acks []*incident.Segment) *finding.Finding {
	if len(acks) < 2 {
		return nil
	}
	c := finding.New("asymmetric-path", f).
		Say("SYN-ACKs of %s come here again and again, and the SYN that they answer never passed: it took another "+
			"way. What "+
			"keeps state here drops them.", f.Ends[incident.Server])
	c.For(1.6, fmt.Sprintf("%d SYN-ACKs, and neither SYN nor acknowledgement", len(acks)), acks...)
	if n := len(f.Others(func(o *incident.Flow) bool { return o.SYN != nil })); n > 0 {
		c.For(0.8, "SYNs of other connections pass here")
	}
	return c.IsNot("syn-unanswered-backlog: the server answers")
}
