// Package ending has the rules for connections that end badly: by a reset, or in silence.
package ending

import (
	"fmt"
	"slices"
	"time"

	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/idle"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/packet"
	"netrepro/engine/tcp/reset"
	"netrepro/engine/tcp/sender"
)

// Rules are the rules of this room.
var Rules = []finding.Rule{finding.Each(resets), finding.Each(fallen)}

// end is a reset and what came before it.
type end struct {
	flow *incident.Flow
	rst  *incident.Segment
	side int
	v    reset.Verdict
	// cause is the peer's last segment before the reset, data its last data, fin the
	// FIN of the reset's sender before it; nil if there is none.
	cause, data, fin *incident.Segment
	// idle is how long nothing was sent before the cause, or before the reset if there
	// is none after the pause.
	idle time.Duration
	// quiet is the pause right before the reset.
	quiet time.Duration
}

// resets is a connection that a reset ends after it was open.
func resets(f *incident.Flow) *finding.Finding {
	rst := f.Reset()
	if rst == nil || f.Refused() || !f.Established() && !midway(f) || oursToRefuse(f, rst) {
		return nil
	}
	e := study(f, rst)
	if e.cause == nil && !e.known() {
		return nil // a reset and nothing else: it may be anything
	}
	for _, rule := range []func(*end) *finding.Finding{forged, probed, afterClose, afterIdle, overflow, stale, active} {
		if c := rule(e); c != nil {
			return c
		}
	}
	return nil
}

// midway reports whether the flow was captured from its middle on.
func midway(f *incident.Flow) bool { return f.SYN == nil && f.SYNACK == nil }

// oursToRefuse reports whether the reset is only the answer to a SYN-ACK or to an
// acknowledgement of another connection; other rules know of those.
func oursToRefuse(f *incident.Flow, rst *incident.Segment) bool {
	return rst.Side == incident.Client && f.SYN != nil && (f.SYNACK == nil || f.SYNACK.Time > rst.Time)
}

func study(f *incident.Flow, rst *incident.Segment) *end {
	e := &end{flow: f, rst: rst, side: rst.Side}
	if rst.Reset != nil {
		e.v = *rst.Reset
	}
	var before *incident.Segment
	for _, g := range f.Segments {
		if g == rst {
			break
		}
		if g.Side == e.side {
			if g.Has(packet.FIN) && e.fin == nil {
				e.fin = g
			}
		} else {
			if e.cause = g; g.IsData() {
				e.data = g
			}
		}
		if before != nil && !g.Again() && g.Class&sender.KeepAlive == 0 {
			e.idle = max(e.idle, g.Time-before.Time)
		}
		before = g
	}
	if before != nil {
		e.quiet = rst.Time - before.Time
	}
	if e.fin == nil {
		e.fin = e.overtaken()
	}
	return e
}

// overtaken is a FIN of the reset's sender that was on its way when the reset was sent, and
// came after it; nil if there is none.
func (e *end) overtaken() *incident.Segment {
	later := e.goesOn()
	fins := func(g *incident.Segment) bool { return g.Side == e.side && g.Has(packet.FIN) }
	for _, g := range e.flow.After(e.rst, fins) {
		if !slices.Contains(later, g) {
			return g
		}
	}
	return nil
}

// known reports whether anything else of the reset's sender was captured.
func (e *end) known() bool { return len(e.flow.Sides[e.side].Segments) > 0 }

// near reports whether the capture was made on the host that the reset comes from.
func (e *end) near() bool {
	return e.flow.Near(e.side)
}

// far reports whether it was made on the other end.
func (e *end) far() bool {
	return e.flow.Near(1 - e.side)
}

// goesOn are segments of the reset's sender that come after it, as if it had not been
// sent; those aside that were on their way when it was sent, as their timestamps tell.
func (e *end) goesOn() []*incident.Segment {
	last := e.flow.Before(e.rst, func(g *incident.Segment) bool { return g.Side == e.side && g.HasTS })
	return e.flow.After(e.rst, func(g *incident.Segment) bool {
		if g.Side != e.side || g.Has(packet.RST) || g.Has(packet.SYN) {
			return false
		}
		const tick = time.Millisecond // of the clock of most systems' timestamps
		if last != nil && g.HasTS && e.rst.Time-last.Time > 2*tick {
			return time.Duration(int32(g.TSVal-last.TSVal))*tick >= e.rst.Time-last.Time-2*tick
		}
		return true
	})
}

// tooSoon is by how much the reset comes sooner than its sender can have answered; 0 if
// it does not. It is the peer's side that tells.
func (e *end) tooSoon() time.Duration {
	if e.fin != nil && e.v.Kind == reset.Passive {
		return 0 // its kernel answers what comes after the close, sooner than any program
	}
	rtt := e.flow.Sides[1-e.side].Least
	const least = 10 * time.Millisecond // below it a busy host's delays are as long
	if !e.far() || rtt < least || e.cause == nil || e.rst.Missing != 0 || e.v.Answers == 0 &&
		!e.acksData() {
		return 0
	}
	if took := e.rst.Time - e.cause.Time; took*2 < rtt {
		return rtt - took
	}
	return 0
}

// acksData reports whether the reset acknowledges the peer's last data, and nothing
// before it did.
func (e *end) acksData() bool {
	return e.data != nil && e.rst.Has(packet.ACK) && e.rst.Ack == e.data.End() &&
		(e.data.Acked == nil || e.data.Acked.Time >= e.rst.Time)
}

// forged is a reset that its sender did not send.
func forged(e *end) *finding.Finding {
	f := e.flow
	if e.v.Kernel != nil {
		return nil // its sender's kernel says that it sent it
	}
	c := finding.New("rst-middlebox-injected", f)
	if e.v.Kind == reset.Firewall && e.v.Confidence == reset.Certain && e.idle < idle.Least {
		c.For(2.5, "the wire of its sender never carried it")
	}
	if d := e.rst.Distant(f.Sides[e.side].TTLs); d > 1 {
		c.For(1.8, fmt.Sprintf("its time to live is %d, %d off from the %s's other packets", e.rst.TTL, d,
			incident.Name(e.side)))
	}
	if later := e.goesOn(); len(later) > 0 && e.v.Kind != reset.Challenge {
		w := 2.2
		if e.ownAnswer() {
			w = 1 // a kernel that looks the connection up in vain, once, does the same
		}
		c.For(w, fmt.Sprintf("the %s goes on in %d packets as if it had not sent it", incident.Name(e.side),
			len(later)), later...)
	}
	if d := e.astray(); d > someWindow {
		c.For(1.5, fmt.Sprintf("its number is %d bytes beyond all that its sender sent: it answers nothing, and stands "+
			"nowhere", d))
	}
	if d := e.tooSoon(); d > 0 {
		c.For(2, fmt.Sprintf("it comes %v sooner than the %s can answer", d.Round(time.Millisecond), incident.Name(e.side)))
	}
	if e.rst.PayloadLen > 0 {
		c.For(0.6, fmt.Sprintf("it carries %d bytes", e.rst.PayloadLen))
	}
	if other := f.Sides[1-e.side].Resets; len(other) > 0 && (other[0].Time-e.rst.Time).Abs() < 50*time.Millisecond &&
		(other[0].Reset == nil || other[0].Reset.Kind != reset.Passive) && // that one answers what came after it
		e.v.Kind == reset.Forged {
		c.For(1.2, "both ends are reset at once", other[0])
	}
	for _, t := range f.Twins {
		if len(t.Sides[e.side].Resets) == 0 && len(t.Segments) > 0 && t.From != f.From && t.Near(e.side) {
			c.For(2.5, "the capture at the other end shows that it was not sent there")
		}
	}
	if e.v.Kind == reset.Forged {
		switch e.v.Confidence {
		case reset.Certain:
			c.For(3, "the sender's wire or kernel tells that it did not send it")
		case reset.High:
			c.For(1.5, "more than one thing about it is unlike its sender")
		case reset.Medium:
			c.For(0.6, "it is unlike its sender's packets")
		}
	}
	if e.idle > idle.Least || c.Odds() < 1.4 {
		return nil
	}
	c.Cite(e.rst).Cite(e.answered())
	return c.Say("The reset in the %s's name (frame %d) was forged by something between the ends.",
		incident.Name(e.side),
		e.rst.N).IsNot("rst-linger-or-unread: the %s itself did not reset", incident.Name(e.side)).
		IsNot("rst-no-listener: the connection was open")
}

// ownAnswer reports whether the reset has all that the answer of its sender's own kernel
// has: bare, at the number that was acknowledged, from the same distance.
func (e *end) ownAnswer() bool {
	return e.v.Kind == reset.Passive && e.rst.TTL > 0 && e.known() && e.rst.Distant(e.flow.Sides[e.side].TTLs) == 0 &&
		e.tooSoon() == 0
}

// someWindow is further than a packet or two that the capture lacks.
const someWindow = 8 << 10

// astray is how far the number of a bare reset is beyond all that its sender was seen to
// send and its peer to acknowledge; 0 if the capture may lack packets.
func (e *end) astray() int {
	if e.flow.File.Lost > 0 {
		return 0
	}
	return e.beyond()
}

// beyond is how far the number of a bare reset is beyond all that its peer acknowledged; 0
// if it is not, or if its sender was seen to send that far.
func (e *end) beyond() int {
	peer := &e.flow.Sides[1-e.side]
	if e.rst.Has(packet.ACK) || e.rst.Missing != 0 || !peer.Acks || !packet.After(e.rst.Seq, peer.MaxAck) ||
		e.flow.File.Lost == 0 && !e.beyondItself() {
		return 0
	}
	return int(e.rst.Seq - peer.MaxAck)
}

// answered is the segment that the reset answers, nil if that is not known.
func (e *end) answered() *incident.Segment {
	for _, g := range e.flow.Segments {
		if g.N == e.v.Answers {
			return g
		}
	}
	if e.acksData() {
		return e.data
	}
	return nil
}
