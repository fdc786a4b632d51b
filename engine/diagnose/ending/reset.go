package ending

import (
	"fmt"
	"time"

	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/idle"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/packet"
	"netrepro/engine/tcp/reset"
	"netrepro/engine/tcp/sender"
)

// usual are timeouts that products have: balancers, NATs, firewalls.
var usual = []time.Duration{5 * time.Second, 10 * time.Second, 15 * time.Second, 20 * time.Second, 30 * time.Second,
	60 * time.Second, 90 * time.Second, 120 * time.Second, 180 * time.Second,
	240 * time.Second, 300 * time.Second, 350 * time.Second, 600 * time.Second, 900 * time.Second,
	1800 * time.Second, 3600 * time.Second, 7200 * time.Second, 86400 * time.Second, 432000 * time.Second}

// timeout adds to a finding that a pause is one of the usual timeouts, give or take a
// fiftieth and at least slack.
func timeout(c *finding.Finding, pause, slack time.Duration, weight float64) {
	for _, u := range usual {
		if (pause - u).Abs() < max(u/50, slack) {
			c.For(weight, fmt.Sprintf("%v is a timeout that products have", u))
			return
		}
	}
}

// probed is a reset of an end whose keep-alives were not answered.
func probed(e *end) *finding.Finding { return dead(e.flow, e.side, e.rst) }

// afterIdle is a reset that answers the first data after a long pause.
func afterIdle(e *end) *finding.Finding {
	f := e.flow
	if e.idle < idle.Least && e.quiet < idle.Least {
		return nil
	}
	if e.quiet >= idle.Least && e.quiet > e.idle {
		return droppedIdle(e)
	}
	_, after := f.Idle()
	if after == nil || after.Side == e.side || e.rst.Time-after.Time > 5*time.Second {
		return nil
	}
	distant := e.rst.Distant(f.Sides[e.side].TTLs)
	if boot, fresh := e.rebooted(after); fresh != nil && distant == 0 {
		c := goneStale(e, after)
		return c.For(1.5, fmt.Sprintf("the %s's timestamps begin anew in frame %d: it was started %v before at most",
			incident.Name(e.side), fresh.N, boot.Round(time.Second)), fresh).
			IsNot("idle-timeout-middlebox: the host itself was restarted while the connection was idle")
	}
	if gone := e.unreachable(after); len(gone) > 1 && distant == 0 {
		c := goneStale(e, after)
		return c.For(1.5, fmt.Sprintf("meanwhile %d pings to the %s were not answered, and then one was: it was away, or the way to it",
			len(gone), incident.Name(e.side))).CiteMessages(gone...).
			IsNot("idle-timeout-middlebox: the host itself was away while the connection was idle")
	}
	if e.near() && distant == 0 {
		c := finding.New("rst-no-socket-stale", f).
			Say("After %v of silence the %s speaks again, and the %s's kernel has no such connection any more.",
				e.idle.Round(time.Second), incident.Name(after.Side), incident.Name(e.side))
		c.For(1.6, "the reset is this host's own answer to the first packet after the pause", after, e.rst)
		return c.IsNot("rst-middlebox-injected: this host itself resets")
	}
	c := finding.New("idle-timeout-middlebox", f).
		Say("After %v of silence the first packet is answered with a reset: something on the way forgot the "+
			"connection "+
			"while it was idle.", e.idle.Round(time.Second))
	c.For(1, fmt.Sprintf("the connection was idle for %v", e.idle.Round(time.Second)), after, e.rst)
	if distant > 0 {
		c.For(2, fmt.Sprintf("the reset's time to live is %d, %d off: it comes from something nearer or farther "+
			"than the %s",
			e.rst.TTL, distant, incident.Name(e.side)))
	} else if e.rst.TTL > 0 && e.known() {
		c.Against(1.2, "the reset has the time to live of the end itself")
	}
	if d := e.tooSoon(); d > 0 {
		c.For(1.5, fmt.Sprintf("it comes %v sooner than the %s can answer", d.Round(time.Millisecond),
			incident.Name(e.side)))
	}
	if f.Sides[after.Side].Probes != nil {
		c.Against(0.5, "keep-alives were sent")
	}
	if c.Odds() < 0 || e.rst.TTL > 0 && distant == 0 && e.known() && e.tooSoon() == 0 {
		return goneStale(e, after)
	}
	return c.IsNot("rst-linger-or-unread: nobody closed").
		IsNot("rst-middlebox-injected: nobody meant to tear it down; it was forgotten")
}

// rebooted is a packet of the reset's sender, in a later connection, whose timestamp is so low
// that its clock began while this connection was idle, and how long before at most. Clocks
// tick a thousand times a second at most (RFC 7323, section 5.4). Linux gives each connection
// an offset by chance (secure_tcp_ts_off): one in ten would be as low at most.
func (e *end) rebooted(after *incident.Segment) (time.Duration, *incident.Segment) {
	const tick, all = time.Millisecond, int64(1) << 32
	if e.idle >= time.Duration(all/10)*tick {
		return 0, nil
	}
	old := e.flow.Before(after, func(g *incident.Segment) bool { return g.Side == e.side && g.HasTS })
	if old == nil {
		return 0, nil
	}
	for _, o := range e.flow.Others(func(o *incident.Flow) bool {
		return o.Ends[incident.Server].Addr() == e.flow.Ends[e.side].Addr() && o.SYNACK != nil && o.SYNACK.HasTS &&
			o.SYNACK.Time > after.Time
	}) {
		g := o.SYNACK
		if up := time.Duration(g.TSVal) * tick; g.TSVal < old.TSVal && up < e.idle+g.Time-after.Time {
			const slowest = 10 * time.Millisecond // a tick
			return min(time.Duration(g.TSVal)*slowest, e.idle+g.Time-after.Time), g
		}
	}
	return 0, nil
}

// droppedIdle is a reset out of the blue after a long pause.
func droppedIdle(e *end) *finding.Finding {
	if e.near() {
		return nil
	}
	c := finding.New("idle-timeout-middlebox", e.flow).
		Say("After %v of silence a reset comes in the %s's name: something on the way gives the idle connection up.",
			e.quiet.Round(time.Second), incident.Name(e.side))
	c.For(0.6, fmt.Sprintf("nothing was sent for %v", e.quiet.Round(time.Second)), e.rst)
	timeout(c, e.quiet, time.Second, 0.7)
	if d := e.rst.Distant(e.flow.Sides[e.side].TTLs); d > 0 {
		c.For(1.5, fmt.Sprintf("its time to live is %d, %d off from the %s's other packets", e.rst.TTL, d,
			incident.Name(e.side)))
	}
	return c.IsNot("rst-linger-or-unread: the %s had nothing to close", incident.Name(e.side))
}

func goneStale(e *end, trigger *incident.Segment) *finding.Finding {
	c := finding.New("rst-no-socket-stale", e.flow).
		Say("The %s's kernel answers frame %d with a reset: it has no such connection any more. It was restarted, or "+
			"the connection ended there without the %s hearing of it.", incident.Name(e.side), trigger.N,
			incident.Name(1-e.side))
	c.For(1.4, "a bare reset at the number that the packet acknowledges: a kernel that knows no such connection "+
		"(RFC 9293, section 3.10.7.1)", trigger, e.rst)
	if e.idle >= idle.Least {
		c.For(0.3, fmt.Sprintf("the connection was idle for %v", e.idle.Round(time.Second)))
	}
	return c.IsNot("rst-linger-or-unread: no socket was there to close").
		IsNot("rst-middlebox-injected: it answers frame %d as a kernel does", trigger.N)
}

// stale is a bare reset that answers a packet of a connection which its sender does not
// know.
func stale(e *end) *finding.Finding {
	f := e.flow
	if e.rst.Has(packet.ACK) && e.v.Kind != reset.Passive || e.cause == nil {
		return nil
	}
	if e.v.Kind == reset.Challenge {
		return nil
	}
	trigger := e.answered()
	if trigger == nil {
		trigger = e.cause
	}
	if e.fin != nil || e.rst.Time-e.cause.Time > max(time.Second, 3*f.RTT) {
		return nil // a kernel answers at once
	}
	if p := f.Sides[e.side].Resets; len(p) > 0 && ownAbort(f, e) {
		return nil
	}
	if beyond := e.beyond(); beyond > 0 {
		const farewell = 256 // what a side says last: the end of an answer, TLS's goodbye, the FIN
		if e.astray() > farewell {
			return nil
		}
		return unseen(e, beyond)
	}
	if d := e.rst.Distant(f.Sides[e.side].TTLs); d > 0 || e.v.Kind == reset.Firewall {
		c := finding.New("rst-middlebox-injected", f).
			Say("Something on the way answers frame %d with a reset in the %s's name.", trigger.N,
				incident.Name(e.side))
		c.For(1, "it answers as a kernel does, at another distance than the host", trigger, e.rst)
		return c.IsNot("rst-linger-or-unread: the %s itself did not reset", incident.Name(e.side))
	}
	c := goneStale(e, trigger)
	c.Cite(f.Sides[e.side].Resets...)
	if midway(f) && !e.known() {
		c.For(0.8, "nothing else of its sender was captured: it answers each packet with a reset")
	}
	if n := unheard(e); n > 1 {
		c.For(0.5, "the packets before were not answered: the host was away")
	}
	if e.known() && !midway(f) && e.idle < time.Second {
		c.Against(0.6, "it had just taken part in the connection")
	}
	return c
}

// unheard is how much a timer sent again since the reset's sender last said something.
func unheard(e *end) (n int) {
	said := e.flow.Before(e.rst, func(g *incident.Segment) bool { return g.Side == e.side })
	for _, g := range e.flow.Sides[1-e.side].Resent {
		if g.Class&sender.RTO != 0 && g.Time < e.rst.Time && (said == nil || g.Time > said.Time) {
			n++
		}
	}
	return n
}

// unseen is a reset that answers a packet which the capturing program lost: it has the
// number that this packet acknowledged, beyond all that was captured. What comes right
// after the end of an exchange is most often the goodbye of the other side.
func unseen(e *end, beyond int) *finding.Finding {
	f := e.flow
	c := finding.New("rst-after-close-notify", f).
		Say("The reset answers a packet that is not in the capture: it acknowledged %d bytes more than any that "+
			"is. The "+
			"capture lacks packets, most likely the %s's FIN and what came after it.", beyond, incident.Name(e.side))
	c.For(1, fmt.Sprintf("its number is %d beyond the last acknowledgement that was captured", beyond), e.rst)
	if f.File.Lost > 0 {
		c.For(0.6, fmt.Sprintf("the capturing program says that it lost %d packets", f.File.Lost))
	}
	return c.IsNot("rst-middlebox-injected: it has a kernel's shape").
		IsNot("rst-no-socket-stale: the connection had just been used; what closed it was not captured")
}

// beyondItself reports whether the reset's number is beyond all that its sender was seen
// to send: packets of its own are missing from the capture too.
func (e *end) beyondItself() bool {
	for _, g := range e.flow.Sides[e.side].Segments {
		if !packet.Before(g.End(), e.rst.Seq) {
			return false
		}
	}
	return e.known() && e.idle < idle.Least
}

// ownAbort reports whether the reset's sender had sent a reset with ACK before: what
// follows only answers what was on its way.
func ownAbort(f *incident.Flow, e *end) bool {
	first := f.Sides[e.side].Resets[0]
	return first != e.rst && first.Has(packet.ACK)
}

// active is a reset that an application's own socket sent.
func active(e *end) *finding.Finding {
	f := e.flow
	if e.v.Kind == reset.Challenge || e.astray() > 0 {
		return nil
	}
	if gaveUp(e) {
		return nil // the cause is why nothing was acknowledged
	}
	if c := shut(e); c != nil {
		return c
	}
	done := settled(f, e)
	unread := e.data != nil && answerless(f, e)
	c := finding.New("rst-linger-or-unread", f)
	switch {
	case done && e.quiet > incident.RTO && e.side == incident.Client:
		c := finding.New(finding.Clean, f).
			Say("The client drops the idle connection with a reset %v after the last answer, when everything was exchanged "+
				"and acknowledged: nobody loses anything.", e.quiet.Round(time.Millisecond))
		return c.For(1.6, "all was acknowledged in both directions before", e.rst).
			IsNot("rst-middlebox-injected: numbers and time are those of the client's own socket")
	case e.side == incident.Client && f.Sides[0].Bytes+f.Sides[1].Bytes == 0 && f.Opened():
		c := finding.New(finding.Clean, f).
			Say("The client opens the connection and resets it without sending anything: it only looks whether the port is " +
				"open, as health checks and traces do.")
		return c.For(1.2, "a handshake, no data, a reset of the client", e.rst).
			IsNot("rst-middlebox-injected: numbers and time are those of the client's own socket")
	case unread:
		c.Say("The %s's own socket resets the connection: it is closed while the %d bytes of frame %d are unread, or with "+
			"SO_LINGER 0.", incident.Name(e.side), e.data.PayloadLen, e.data.N)
		c.For(1.8, "it comes after the peer's data and before any answer", e.data, e.rst)
	default:
		c.Say("The %s's own socket resets the connection: closed with data unread, or with SO_LINGER 0.",
			incident.Name(e.side))
		c.For(1.2, "an active reset: it stands where its sender stood", e.rst)
	}
	if e.rst.Has(packet.ACK) && e.rst.Window > 0 && !e.rst.Missing.Has(packet.NoWindow) {
		c.For(0.9, "with its window, as a socket sends it")
	}
	if e.rst.HasTS {
		c.For(0.3, "and its timestamps")
	}
	if !e.rst.Has(packet.ACK) {
		c.Against(0.8, "without acknowledgement")
	}
	return c.IsNot("rst-middlebox-injected: sequence number, window and options are the socket's own").
		IsNot("rst-no-listener: the connection was open")
}

// shut is a reset of an end whose own window is closed: what it had not read is what fills
// it (tcp_close: data was left in the receive queue).
func shut(e *end) *finding.Finding {
	s := &e.flow.Sides[e.side]
	if len(s.Zero) == 0 || !e.rst.Has(packet.ACK) {
		return nil
	}
	last := s.Zero[len(s.Zero)-1]
	for _, g := range e.flow.After(last, func(g *incident.Segment) bool { return g.Side == e.side }) {
		if g.Time < e.rst.Time && g.Window > 0 {
			return nil // it was opened again
		}
	}
	c := finding.New("rst-linger-or-unread", e.flow).
		Say("The %s's window is closed, for its program does not read; then its socket resets the connection: it is "+
			"closed with all that unread.", incident.Name(e.side))
	c.For(2.5, "a reset of an end that had announced a window of 0", last, e.rst)
	return c.IsNot("rst-middlebox-injected: sequence number, window and options are the socket's own")
}

// gaveUp reports whether the reset's sender had sent something again and again without
// an answer.
func gaveUp(e *end) bool {
	n := 0
	for _, g := range e.flow.Sides[e.side].Resent {
		if g.Acked == nil && g.Time < e.rst.Time && g.Class&sender.RTO != 0 {
			n++
		}
	}
	return n >= 2
}

// settled reports whether all data in both directions was acknowledged before the reset.
func settled(f *incident.Flow, e *end) bool {
	any := false
	for _, g := range f.Segments {
		if g == e.rst {
			break
		}
		if g.IsData() {
			any = true
			if g.Acked == nil || g.Acked.Time > e.rst.Time {
				return false
			}
		}
	}
	return any
}

// answerless reports whether the reset's sender had not answered the peer's last data.
func answerless(f *incident.Flow, e *end) bool {
	for _, g := range f.After(e.data, func(g *incident.Segment) bool { return g.Side == e.side && g.IsData() }) {
		if g.Time < e.rst.Time {
			return false
		}
	}
	return true
}
