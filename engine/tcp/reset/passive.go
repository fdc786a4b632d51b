package reset

import (
	"time"

	"netrepro/engine/packet"
)

// bare judges a reset without ACK: what a kernel answers to a segment with ACK,
// its sequence number being that segment's acknowledgement (RFC 9293, section
// 3.10.7.1).
func (j *judgement) bare() {
	fits := func(t *Seen) bool { return t.Flags.Has(packet.ACK) && t.Ack == j.p.Seq }
	t := j.trigger(func(t *Seen) bool { return fits(t) && j.inTime(t) })
	if old := j.Peer.Find(fits); t == nil && old != nil {
		j.sign("its sequence number is the acknowledgement number of frame %d, which came %s before: no kernel "+
			"waits so long with an answer", old.N, (j.Now - old.Time).Round(time.Millisecond))
		j.is(Passive, Low, NotCaptured, Linger, TimedOut)
		j.withWindow()
		return
	}
	if t != nil {
		j.v.Answers = int(t.N)
		j.sign("its sequence number is the acknowledgement number of frame %d", t.N)
		if j.p.Window == 0 && j.p.NoOptions {
			j.sign("no window and no options: from a kernel, for no socket")
		}
		j.answer(t)
		j.withWindow()
		return
	}
	s := j.Sender
	switch {
	case s.Finned > 0 && j.Peer.Sent == 0 && j.p.Seq == s.FIN.End() && j.p.Window == 0:
		j.sign("its sequence number follows the sender's FIN, and the other direction was not captured: it answers " +
			"what came after the close")
		j.is(Passive, Medium, NotCaptured, DataAfterClose, TimeWait)
	case s.Sent > 0 && j.p.Seq == s.Next && j.p.Window == 0:
		j.sign("its sequence number is where the sender stands")
		j.is(Passive, Medium, NotCaptured)
	case s.Sent > 0 && packet.After(j.p.Seq, s.Next) && j.p.Seq-s.Next < maxMissing && j.p.Window == 0:
		j.sign("its sequence number is %d beyond the last captured byte of its sender: packets are missing from "+
			"the capture", j.p.Seq-s.Next)
		j.is(Passive, Low, NotCaptured)
	case s.Sent == 0 && j.Peer.Sent == 0:
		j.is(Passive, Low, NotCaptured)
	case s.Sent == 0 || j.Peer.Sent == 0:
		j.sign("one direction was not captured: what it answers may be there")
		j.is(Passive, Low, NotCaptured)
	default:
		j.oddity("its sequence number is neither where the sender stands nor what the receiver acknowledged")
		j.is(Forged, High, Injected)
		if len(j.odd) == 1 {
			j.v.Confidence = Medium // packets may be missing
		}
	}
}

// maxMissing is how much of a stream a capture may have missed just before a
// reset: a few segments. More is less likely than a number that was guessed.
const maxMissing = 8 << 10

// trigger is the peer's packet that the reset answers: the oldest that fits and
// came after the sender's last reset, else the newest that fits.
func (j *judgement) trigger(fits func(*Seen) bool) (t *Seen) {
	answered := j.Sender.Answered
	var newest *Seen
	j.Peer.Recent(func(g *Seen) bool {
		if !fits(g) {
			return true
		}
		if newest == nil {
			newest = g
		}
		if g.N <= answered {
			return false
		}
		if j.took(g) {
			return true // the socket took it while it was there
		}
		// Of several that fit, those without payload before it drew none.
		if t == nil || g.Len > 0 || g.Flags.Any(packet.SYN|packet.FIN) {
			t = g
		}
		return true
	})
	if t == nil {
		t = newest
	}
	return t
}

// took reports whether the sender acknowledged what g carries, payload or SYN.
func (j *judgement) took(g *Seen) bool {
	s := j.Sender
	if !s.Acked || packet.After(g.End(), s.Ack) {
		return false
	}
	return g.Len > 0 || g.Flags.Has(packet.SYN) && s.Newest().N > g.N
}

// answer names the cause of a reset that answers t.
func (j *judgement) answer(t *Seen) {
	s := j.Sender
	last := s.Newest()
	if r, ok := s.LastReset(); ok && j.challenged(t) && r.Seq != j.p.Seq {
		j.sign("frame %d is the challenge ACK to the reset in frame %d", t.N, r.N)
		j.is(Challenge, High, ChallengeAck)
		return
	}
	switch {
	case s.SYN && !s.SYNAck && s.Sent > 0 && last.Flags.Has(packet.SYN) && t.Ack != s.Opened.Seq+1:
		j.sign("frame %d acknowledges %d, which the SYN did not send", t.N, t.Ack-s.Opened.Seq)
		j.is(Passive, High, SynSent)
	case t.Flags.Has(packet.SYN):
		switch {
		case j.Called.IsValid():
			j.sign("the socket called %s, and the answer comes from another address: a translation was left out on "+
				"its way back", j.Called)
		case s.SYN:
			verb := "was being opened"
			if s.Sent > 1 {
				verb = "was opened"
			}
			j.sign("the connection %s by a socket that is gone", verb)
		}
		j.is(Passive, High, NoSocket)
	case s.SYNAck && s.Sent > 0 && !s.AcknowledgedData(j.Peer) && !s.Data && s.Finned == 0:
		j.handshake(t)
	case s.Finned > 0:
		j.closed(t)
	case s.Sent == 0:
		j.is(Passive, High, NoSocket)
	default:
		j.established(t)
	}
}

// challenged reports whether t is a challenge ACK (RFC 5961, section 3): a bare
// acknowledgement of nothing new that the sender's last reset drew, so that it
// comes a round trip after it.
func (j *judgement) challenged(t *Seen) bool {
	r, ok := j.Sender.LastReset()
	if !ok || t.Len > 0 || t.Flags != packet.ACK || t.N <= r.N || t.Time-r.Time < j.RTT*9/10 {
		return false
	}
	again := false
	j.Peer.Recent(func(g *Seen) bool {
		again = again || g.N < t.N && g.Flags.Has(packet.ACK) && g.Ack == t.Ack
		return !again
	})
	return again
}

// handshake judges a reset from a side that has sent nothing but its SYN-ACK.
func (j *judgement) handshake(t *Seen) {
	s := j.Sender
	if t.Ack != s.Opened.Seq+1 {
		j.sign("frame %d acknowledges %d, which the SYN-ACK did not send", t.N, t.Ack-s.Opened.Seq)
		j.is(Passive, High, SynReceived)
		return
	}
	j.sign("the handshake is complete and the sender has not said anything since its SYN-ACK")
	j.is(Passive, High, Listener)
}

// closed judges a reset from a side that has sent its FIN.
func (j *judgement) closed(t *Seen) {
	s := j.Sender
	finEnd := s.FIN.End()
	covers := !packet.Before(t.Ack, finEnd)
	switch {
	case t.Len > 0 && covers:
		j.sign("frame %d brings %d bytes after the sender closed: its FIN is frame %d", t.N, t.Len, s.FIN.N)
		j.is(Passive, High, TimeWait, DataAfterClose)
	case t.Len > 0:
		j.sign("frame %d brings %d bytes to a sender that had closed; its FIN, frame %d, had not arrived", t.N, t.Len,
			s.FIN.N)
		j.is(Passive, High, DataAfterClose)
	case t.Flags.Has(packet.FIN):
		j.sign("frame %d is a FIN for a connection that is gone", t.N)
		j.is(Passive, High, TimeWait)
	case covers && s.AckOfFin(j.Peer) == t.N:
		j.sign("frame %d acknowledges the FIN and the socket is gone at once", t.N)
		j.is(Passive, High, Linger2)
	default:
		j.is(Passive, High, TimeWait)
	}
}

// established judges a reset from a side that had an open connection.
func (j *judgement) established(t *Seen) {
	s := j.Sender
	edge, known := s.Edge()
	switch {
	case s.Resets > 0:
		j.sign("frame %d was on its way when the sender reset the connection in frame %d", t.N, s.FirstRST.N)
		j.is(Passive, High, AfterReset)
	case known && (packet.After(t.Seq, edge+farOutside) || packet.Before(t.Seq, s.Ack-farOutside)):
		j.sign("frame %d begins %d bytes from what the sender expects: conntrack calls that INVALID, and NAT "+
			"lets it pass as it is", t.N, int32(t.Seq-s.Ack))
		j.is(Passive, High, OutOfWindow)
	case s.Timeouts > 0:
		j.sign("the sender had retransmitted %d times without an answer", s.Timeouts)
		j.is(Passive, Medium, TimedOut, NoSocket)
	default:
		j.sign("the sender had an open connection and knows it no more: it was restarted, or a NAT forgot it")
		j.is(Passive, High, NoSocket)
	}
}

// farOutside is how far outside the window a segment is that no reordering
// brings: beyond the largest window there is (RFC 7323, section 2.2) a stray
// number is as likely as any, and less than a quarter of it is still rare.
const farOutside = 1 << 20
