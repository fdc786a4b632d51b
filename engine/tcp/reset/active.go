package reset

import (
	"netrepro/engine/packet"
	"netrepro/engine/tcp/reset/side"
)

// withAck judges a reset with ACK.
func (j *judgement) withAck() {
	p := j.p
	// Where numbers count from what was not captured, the first of a side is 1.
	first := p.Seq == 0 || p.Missing.Has(packet.NoOrigin) && p.Seq == 1 && j.Sender.Sent == 0
	if first && p.Window == 0 {
		t := j.trigger(func(t *Seen) bool { return !t.Flags.Has(packet.ACK) && t.End() == p.Ack })
		if t != nil {
			j.v.Answers = int(t.N)
			j.refused(t)
			return
		}
		if p.NoOptions {
			j.sign("sequence number 0, no window and no options: the answer to a segment without ACK that was " +
				"not captured")
			j.is(Passive, Medium, NotCaptured, ClosedPort)
			return
		}
	}
	if !j.foreignRefusal() {
		j.active()
	}
}

// foreignRefusal judges an answer to a SYN that Linux would give with sequence number 0
// and without a window. No connection was there that a program could have closed, so
// another system refuses it.
func (j *judgement) foreignRefusal() bool {
	if newest := j.Peer.Newest(); j.Sender.Sent > 0 || newest == nil || !newest.Flags.Has(packet.SYN) {
		return false
	}
	t := j.trigger(func(t *Seen) bool {
		return t.Flags.Has(packet.SYN) && !t.Flags.Has(packet.ACK) && t.End() == j.p.Ack
	})
	if t == nil {
		return false
	}
	j.v.Answers = int(t.N)
	j.sign("it acknowledges frame %d, a SYN that nothing else answered", t.N)
	j.sign("Linux would refuse it with sequence number 0 and window 0: another system does, or a firewall")
	j.is(Passive, Medium, ClosedPort)
	return true
}

// refused judges the answer to a segment without ACK (RFC 9293, section
// 3.10.7.1): sequence number 0, acknowledging all the segment took.
func (j *judgement) refused(t *Seen) {
	j.sign("it acknowledges frame %d, which has no ACK, from sequence number 0", t.N)
	switch {
	case t.Flags.Has(packet.SYN) && !t.Flags.Any(packet.FIN):
		j.is(Passive, High, ClosedPort)
	case t.Flags.Has(packet.FIN) && !t.Flags.Has(packet.SYN):
		j.is(Passive, High, NoSocket)
	default:
		j.is(Passive, High, BadFlags)
	}
}

// active judges a reset that a socket sent of itself: where the sender stands,
// acknowledging what it received.
func (j *judgement) active() {
	s, peer, p := j.Sender, j.Peer, j.p
	switch {
	case s.Sent == 0 && peer.Sent == 0:
		j.sign("nothing of the connection was captured before it")
		j.is(Active, Low, Linger, Unread)
		return
	case s.Sent == 0 && peer.Sent > 0 && !packet.After(p.Ack, peer.Next) && !packet.Before(p.Ack, peer.Lowest):
		j.sign("it acknowledges what the receiver sent; of its sender nothing else was captured")
	case j.standing():
	case s.FIN.N != 0 && p.Seq == s.FIN.Seq:
		j.sign("its sequence number is that of the sender's FIN")
	default:
		j.oddity("its sequence number is %d from where the sender stands", int32(p.Seq-s.Next))
	}
	if s.TS && peer.TS && !p.HasTS && s.Sent > 1 {
		j.oddity("no timestamps, though the connection has them")
	}
	if s.Sent >= alwaysZero && p.TTL != 0 &&
		(s.IDZero && p.ID != 0 || s.IDSteady && s.Sent > alwaysZero && p.ID-s.Newest().ID > side.MaxIDStep) {
		j.oddity("identification %d, the sender's last packet had %d", p.ID, s.Newest().ID)
	}
	if peer.Sent > 0 && packet.After(p.Ack, peer.Next) && p.Ack-peer.Next > maxMissing {
		j.oddity("it acknowledges %d bytes that the receiver never sent", p.Ack-peer.Next)
	}
	j.why()
	if p.Window == 0 && !p.Missing.Has(packet.NoWindow) {
		j.sign("window 0: a Linux socket sends the window it has")
		j.v.Confidence = lower(j.v.Confidence)
	}
}

// standing reports whether the reset has the sequence number a socket would
// give it (tcp_acceptable_seq): where it stands, or the right edge of the
// receiver's window if that is less.
func (j *judgement) standing() bool {
	s, peer := j.Sender, j.Peer
	if j.p.Seq == s.Next {
		j.sign("its sequence number is where the sender stands")
		return true
	}
	if s.Finned > 0 && j.p.Seq == s.FIN.End() {
		j.sign("its sequence number follows the sender's FIN")
		return true
	}
	edge, known := peer.Edge()
	if !known {
		return false
	}
	// What is unacknowledged may have been acknowledged since, and the edge of
	// a scaled window is rounded.
	round := uint32(1)<<max(peer.Scale, 0) - 1
	if j.p.Seq-(edge-round) <= round || !packet.Before(j.p.Seq, peer.Ack) && packet.Before(j.p.Seq, s.Next) {
		j.sign("its sequence number is the edge of the receiver's window: what lay beyond was thrown away")
		return true
	}
	return false
}

// atOnce reports whether the sender has heard nothing since its FIN: a socket that
// had no memory left to wait for the answer resets right behind it.
func (j *judgement) atOnce() bool {
	g := j.Peer.Newest()
	return (g == nil || g.Time < j.Sender.FIN.Time) && j.Now-j.Sender.FIN.Time < burst
}

// why names the cause of an active reset.
func (j *judgement) why() {
	s, peer := j.Sender, j.Peer
	confidence := High
	switch {
	case s.Probes > 0:
		j.v.Answers = 0
		j.sign("%d keep-alives were not answered", s.Probes)
		j.is(Active, High, KeepAlive)
	case s.Finned > 0 && !peer.Acknowledges(s.FIN.End()):
		// The FIN is on its way, so the program has closed already.
		switch {
		case s.Finned > 1 || j.atOnce():
			j.sign("the sender's FIN, frame %d, was not acknowledged yet", s.FIN.N)
			if peer.Data && s.Finned == 1 {
				j.is(Active, Medium, Unread, Memory, Linger)
			} else {
				j.is(Active, Medium, Memory, Linger)
			}
		default:
			j.is(Active, Medium, Linger, Memory)
		}
	case s.Finned > 0:
		j.sign("the sender's FIN, frame %d, was acknowledged and the connection was waiting for the other's", s.FIN.N)
		if peer.Data && s.FinWasBefore(peer) {
			j.is(Active, Medium, Unread, Linger2)
		} else {
			j.is(Active, Medium, Linger2, Linger)
		}
	case j.Others > 0 && !s.Data:
		j.sign("%d other connections to the same port were reset within a few milliseconds", j.Others)
		j.is(Active, Medium, ListenerClosed, Linger, Unread)
	case peer.Data || !peer.SYN:
		j.sign("data of the receiver may have been unread, or the socket closed with SO_LINGER {on, 0}: the " +
			"wire looks the same")
		j.is(Active, confidence, Unread, Linger)
		if !s.Data && s.SYNAck {
			j.v.Or = append(j.v.Or, ListenerClosed)
		}
	default:
		j.sign("the receiver has sent nothing that could be unread")
		if !s.Data && s.SYNAck {
			j.is(Active, confidence, Linger, ListenerClosed)
		} else {
			j.is(Active, confidence, Linger)
		}
	}
	if s.Finned == 0 && s.Probes == 0 && j.stuck() {
		j.v.Or = append(j.v.Or, Memory)
	}
}

// stuck reports whether the sender had more to send than the receiver took: only
// such a socket is closed for want of memory (tcp_check_oom).
func (j *judgement) stuck() bool {
	s, peer := j.Sender, j.Peer
	edge, known := peer.Edge()
	return s.Data && (known && !packet.Before(j.p.Seq, edge) || !peer.Acknowledges(s.Next))
}
