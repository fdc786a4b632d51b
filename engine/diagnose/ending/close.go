package ending

import (
	"fmt"
	"time"

	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/packet"
	"netrepro/engine/tcp/reset"
	"netrepro/engine/tcp/sender"
)

const (
	// halfClosed is after what time a half-closed connection is given up at the
	// earliest by those who keep state: some balancers after some seconds.
	halfClosed = 4 * time.Second
	// goodbye is the largest that TLS's close_notify is on the wire: a record of 2
	// bytes with header, nonce, tag and padding (RFC 5246, RFC 8446).
	goodbye = 69
	// keepsAlive is the least pause after which a server closes an idle connection.
	keepsAlive = 900 * time.Millisecond
)

// onlyCloses reports whether what comes late is TLS's close_notify, of the size that it has in
// TLS 1.3 or with the ciphers of TLS 1.2, and the FIN right behind it.
func onlyCloses(f *incident.Flow, late []*incident.Segment) bool {
	const alert13, alert12 = 24, 31
	fin := f.Sides[late[0].Side].FIN
	return len(late) == 1 && (late[0].PayloadLen == alert13 || late[0].PayloadLen == alert12) && fin != nil &&
		fin.Time >= late[0].Time && fin.Time-late[0].Time < time.Second
}

// afterClose is data that comes for an end that has closed already.
func afterClose(e *end) *finding.Finding {
	f := e.flow
	if e.fin == nil {
		return givenUp(e)
	}
	var late []*incident.Segment // the peer's data after the FIN
	for _, g := range f.After(e.fin, func(g *incident.Segment) bool { return g.Side != e.side && g.IsData() }) {
		if g.Time <= e.rst.Time {
			late = append(late, g)
		}
	}
	if crossed := e.crossed(); len(late) == 0 && crossed != nil {
		late = append(late, crossed)
	}
	if len(late) == 0 {
		if e.rst.Time-e.fin.Time >= halfClosed && e.flow.Sides[1-e.side].FIN == nil && e.rst.Has(packet.ACK) {
			return afterTimeWait(e)
		}
		if e.v.Kind == reset.Passive || !e.rst.Has(packet.ACK) {
			return afterTimeWait(e)
		}
		return nil
	}
	first := late[0]
	pause := (first.Time - e.fin.Time).Abs()
	crossing := !packet.After(first.Ack, e.fin.Seq) || first.Missing.Has(packet.NoAck)
	rested := e.restBeforeFIN()
	acked := e.fin.Acked != nil && e.fin.Acked.Time < first.Time || !crossing
	if f.Near(e.side) && e.rst.Distant(f.Sides[e.side].TTLs) == 0 { // the kernel of the client itself resets
		if c := tooLate(e, first); c != nil {
			return c
		}
	}
	switch {
	case pause >= halfClosed && acked && !onlyCloses(f, late):
		c := finding.New("half-close-timeout", f).
			Say("The %s closed its direction in frame %d and the other went on; %v later, what keeps state had given the "+
				"half-closed connection up and answers with a reset.", incident.Name(e.side), e.fin.N,
				pause.Round(time.Millisecond))
		c.For(2, fmt.Sprintf("the %s still sends data %v after the FIN and is reset", incident.Name(1-e.side),
			pause.Round(time.Millisecond)), e.fin, first, e.rst)
		return c.IsNot("rst-after-close-notify: what is reset is the answer, not a goodbye")
	case crossing && e.side == incident.Server && rested >= keepsAlive && int(first.PayloadLen) > 31 &&
		!goodbyeOnly(f, first):
		c := finding.New("keepalive-race", f).
			Say("The server closes the idle connection (frame %d) while the client's next request is on its way (frame %d): "+
				"its kernel answers the request with a reset.", e.fin.N, first.N)
		c.For(1.8, fmt.Sprintf("request and FIN are %v apart and do not acknowledge each other",
			pause.Round(time.Microsecond)), e.fin, first, e.rst)
		c.For(0.8, fmt.Sprintf("the connection was idle for %v before", rested.Round(time.Millisecond)))
		return c.IsNot("idle-timeout-middlebox: the server itself closes").
			IsNot("rst-middlebox-injected: it answers the request as a kernel does")
	}
	if c := tooLate(e, first); c != nil {
		return c
	}
	if c := unread(e, late); c != nil {
		return c
	}
	c := finding.New("rst-after-close-notify", f).
		Say("%s %d bytes come after the %s has closed (frame %d), and its kernel answers them with a reset. What was "+
			"exchanged before is whole.", describe(first), first.PayloadLen, incident.Name(e.side), e.fin.N)
	c.For(1.6, fmt.Sprintf("the %s closed before, in frame %d", incident.Name(e.side), e.fin.N), e.fin, first, e.rst)
	if int(first.PayloadLen) <= goodbye {
		c.For(1, fmt.Sprintf("%d bytes: the size of TLS's close_notify", first.PayloadLen))
	}
	if pause < time.Second {
		c.For(0.5, fmt.Sprintf("%v after the FIN", pause.Round(time.Microsecond)))
	}
	return c.IsNot("rst-middlebox-injected: it answers frame %d as a kernel does", first.N).
		IsNot("rst-linger-or-unread: the connection was closed in order before")
}

// unread is data that an end had closed its direction on and then did not read: its socket
// is there, and resets with the window that it had. Resets of a kernel that has no socket any
// more have none.
func unread(e *end, late []*incident.Segment) *finding.Finding {
	const window = packet.NoWindow
	if e.v.Kind != reset.Active || !e.rst.Has(packet.ACK) || e.rst.Missing.Has(window) || e.rst.Window == 0 ||
		e.rst.Window != e.fin.Window && !e.rst.HasTS || int(late[0].PayloadLen) <= goodbye {
		return nil
	}
	c := finding.New("rst-linger-or-unread", e.flow).
		Say("The %s closed its direction (frame %d) and then the whole socket, with data of the %s unread: its kernel "+
			"resets, and what was said before may be lost with it.", incident.Name(e.side), e.fin.N,
			incident.Name(1-e.side))
	c.For(1.8, "the reset has the window of the socket: it was there, and closed with data unread", e.fin, late[0], e.rst)
	return c.IsNot("rst-after-close-notify: it was more than a goodbye that came").
		IsNot("rst-middlebox-injected: sequence number, window and options are the socket's own")
}

// tooLate is an answer that comes when the client has closed because it did not come: nil if
// the client had its answer.
func tooLate(e *end, answer *incident.Segment) *finding.Finding {
	f := e.flow
	if e.side != incident.Client || int(answer.PayloadLen) <= goodbye {
		return nil
	}
	asked := f.Before(e.fin, func(g *incident.Segment) bool { return g.IsData() })
	if asked == nil || asked.Side != incident.Client || asked.Acked == nil ||
		asked.Acked.Time-asked.Time > (answer.Time-asked.Time)/4 || e.fin.Time-asked.Time < time.Second {
		return nil
	}
	c := finding.New("slow-application", f).
		Say("The server acknowledges the request at once and answers after %v; the client had given up after %v and "+
			"closed (frame %d), so that its kernel resets the answer.", (answer.Time - asked.Time).Round(time.Millisecond),
			(e.fin.Time - asked.Time).Round(time.Millisecond), e.fin.N)
	c.For(2.2, "a request that was acknowledged and not answered when the client closed", asked, asked.Acked, e.fin)
	c.For(0.4, "its answer comes after that, whole", answer)
	return c.IsNot("rst-after-close-notify: what is reset is the answer, not a goodbye").
		IsNot("loss-one-way: nothing was sent again")
}

// afterTimeWait is a bare reset of an end that has closed, of which what it answers was
// not captured, or is an acknowledgement.
func afterTimeWait(e *end) *finding.Finding {
	wait, other := e.rst.Time-e.fin.Time, e.flow.Sides[1-e.side].FIN
	if wait >= halfClosed && (other == nil || other.Time-e.fin.Time >= halfClosed) {
		c := finding.New("half-close-timeout", e.flow).
			Say("The %s closed its direction in frame %d; %v later the half-closed connection is reset.",
				incident.Name(e.side), e.fin.N, wait.Round(time.Millisecond))
		c.For(1.2, "the reset comes long after the FIN, and the other side had not closed", e.fin, e.rst)
		timeout(c, wait, 100*time.Millisecond, 1)
		if other != nil && other.Time <= e.rst.Time {
			c.Cite(other)
		}
		return c.IsNot("rst-linger-or-unread: the %s had closed its direction in order", incident.Name(e.side))
	}
	c := finding.New("rst-after-close-notify", e.flow).
		Say("After the %s has closed (frame %d) its kernel answers what still comes with a reset.",
			incident.Name(e.side), e.fin.N)
	return c.For(1, fmt.Sprintf("the %s closed before, in frame %d", incident.Name(e.side), e.fin.N), e.fin, e.rst).
		IsNot("rst-middlebox-injected: it answers as a kernel does")
}

// crossed is the peer's data that was on its way when the reset's sender closed: the
// FIN does not acknowledge it.
func (e *end) crossed() *incident.Segment {
	g := e.flow.Before(e.fin, func(g *incident.Segment) bool { return g.Side != e.side && g.IsData() })
	if g == nil || e.fin.Missing.Has(packet.NoAck) || !packet.Before(e.fin.Ack, g.End()) ||
		e.fin.Time-g.Time > max(2*e.flow.RTT, 5*time.Millisecond) {
		return nil
	}
	return g
}

// overflow is a server that answers the last acknowledgement of the handshake with a bare
// reset: its accept queue is full, and tcp_abort_on_overflow is set (tcp_check_req).
func overflow(e *end) *finding.Finding {
	f := e.flow
	if e.side != incident.Server || e.rst.Has(packet.ACK) || f.Confirm == nil || e.cause != f.Confirm ||
		!f.Opened() || e.fin != nil || f.Confirm.PayloadLen > 0 || f.Confirm.Has(packet.FIN) ||
		e.rst.Distant(f.Sides[e.side].TTLs) > 0 || e.rst.Seq != f.SYNACK.End() ||
		e.rst.Time-f.Confirm.Time > max(time.Second, 3*f.RTT) {
		return nil
	}
	c := finding.New("syn-unanswered-backlog", f).
		Say("The server answers the acknowledgement that completes the handshake with a reset (frame %d): its accept "+
			"queue is full, and net.ipv4.tcp_abort_on_overflow is set.", e.rst.N)
	c.For(1.6, "a bare reset at once after the handshake, before any data", f.SYNACK, f.Confirm, e.rst)
	if n := f.Siblings(); n > 0 {
		c.For(0.4, fmt.Sprintf("%d other connections to the same port were opened", n))
	}
	return c.IsNot("rst-no-listener: the SYN was answered").
		IsNot("rst-no-socket-stale: the connection was only just opened")
}

// describe names what came after the close.
func describe(g *incident.Segment) string {
	for _, a := range g.App {
		if a.Proto == "tls" && a.Name == "alert" {
			return "TLS's goodbye,"
		}
	}
	if int(g.PayloadLen) <= goodbye {
		return "What is most likely TLS's goodbye,"
	}
	return "Data,"
}

// goodbyeOnly reports whether a segment is TLS's goodbye: small, and its sender closes
// right behind it.
func goodbyeOnly(f *incident.Flow, g *incident.Segment) bool {
	if int(g.PayloadLen) > goodbye {
		return false
	}
	fin := f.Sides[g.Side].FIN
	return fin != nil && fin.Time >= g.Time && fin.Time-g.Time < 5*time.Millisecond
}

// restBeforeFIN is how long nothing was exchanged before the FIN of the reset's sender.
func (e *end) restBeforeFIN() time.Duration {
	crossed := e.crossed()
	last := e.flow.Before(e.fin, func(g *incident.Segment) bool {
		const farewell = 20 * time.Millisecond // what it sends right before it closes, such as a page that says so
		if crossed != nil && g.Side != e.side && g.IsData() && packet.After(g.End(), e.fin.Ack) {
			return false // of the same question
		}
		return g != crossed && (g.IsData() || g.Class&sender.PureAck != 0) &&
			(g.Side != e.side || e.fin.Time-g.Time > farewell)
	})
	if last == nil {
		return 0
	}
	return e.fin.Time - last.Time
}

// givenUp is a reset in the name of an end that had not closed, long after the other had.
func givenUp(e *end) *finding.Finding {
	fin := e.flow.Sides[1-e.side].FIN
	if fin == nil || fin.Time >= e.rst.Time || e.rst.Time-fin.Time < halfClosed || e.near() {
		return nil
	}
	if e.side == incident.Client && len(e.flow.After(fin, (*incident.Segment).IsData)) == 0 {
		return nil // the server had answered and closed: the client closes late
	}
	after := e.rst.Time - fin.Time
	c := finding.New("half-close-timeout", e.flow).
		Say("The %s closed its direction in frame %d and waits for the rest; %v later the connection is reset in the %s's "+
			"name: what keeps state gave the half-closed connection up before the answer was complete.",
			incident.Name(1-e.side), fin.N, after.Round(time.Millisecond), incident.Name(e.side))
	c.For(1.4, fmt.Sprintf("the reset comes %v after the FIN of the other side", after.Round(time.Millisecond)), fin,
		e.rst)
	timeout(c, after, 100*time.Millisecond, 1)
	return c.IsNot("rst-linger-or-unread: the answer was still being worked on").
		IsNot("slow-application: it would have answered")
}
