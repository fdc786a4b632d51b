package incident

import (
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/tcp/reset"
)

// reset takes in a reset that came in the side's name.
func (s *stepper) reset(seg *segment) {
	v := seg.Reset
	if v == nil {
		return
	}
	s.Resets = append(s.Resets, Reset{Side: s.side, Kind: string(v.Kind), Cause: string(v.Cause), Or: len(v.Or) > 0})
	if s.Opening != Opened {
		return
	}
	switch v.Kind {
	case reset.Active:
		s.active(seg, v)
	case reset.Passive:
		s.passive(seg, v)
	case reset.Firewall:
		s.forge(seg, "a firewall sent it in this side's name")
	default:
		s.forge(seg, "something on the way sent it in this side's name")
	}
}

// active is a reset of the side's own program.
func (s *stepper) active(seg *segment, v *reset.Verdict) {
	if s.done {
		return
	}
	st := Step{Cause: true}
	kind := Linger
	switch {
	case v.Cause == reset.Linger2 && s.shut:
		s.take(seg)
		kind = Linger2
	case v.Cause == reset.KeepAlive:
		s.add(Wait, Step{Pause: 10 * time.Second, Note: "its kernel gives up when no keep-alive is answered"})
		s.done = true
		return
	case v.Cause == reset.TimedOut:
		return
	case v.Cause == reset.Unread && (len(v.Or) == 0 || v.Evidence == reset.FromKernel):
		kind = Unread
		st.Bytes = s.leave(seg)
	case v.Cause == reset.Aborted:
		s.take(seg)
		kind = Abort
	default:
		s.take(seg)
		if len(v.Or) > 0 {
			st.Note = "guess: a close with data unread looks the same"
		}
	}
	st.Pause = s.pause(seg.sent)
	s.add(kind, st)
	s.done = true
}

// leave has the side read all but what came last, and says how much that is.
func (s *stepper) leave(seg *segment) (left int) {
	bytes, _ := s.received(s.side, seg.Ack)
	unread := bytes
	for _, o := range s.segs {
		if o.Side != s.side && o.Packet.PayloadLen > 0 && int(o.payloadEnd()) <= bytes+1 {
			unread = int(o.Seq) - 1
		}
	}
	s.ready = max(s.ready, s.arrival(s.side, uint32(bytes)+1))
	if unread > s.taken {
		s.add(Take, Step{Bytes: unread - s.taken})
		s.taken = unread
	}
	return bytes - s.taken
}

// passive is a reset of the side's kernel.
func (s *stepper) passive(seg *segment, v *reset.Verdict) {
	if s.done {
		return // it had closed: its kernel does that by itself
	}
	switch {
	case v.Cause == reset.NotCaptured && int32(seg.Seq-s.next) > 0 && int32(seg.Seq-s.next) < 1<<20:
		s.uncaptured(seg)
	case v.May(reset.DataAfterClose) || v.May(reset.TimeWait):
		if !s.shut {
			s.add(Close, Step{Note: "guess: its FIN was not captured"})
		} else {
			s.add(Close, Step{})
		}
		s.done = true
	case v.Cause == reset.NoSocket || v.Cause == reset.TimedOut:
		if s.otherReset(seg) {
			return
		}
		s.add(Vanish, Step{Cause: true, Note: "its kernel no longer knew the connection"})
		s.done = true
	case v.Cause == reset.AfterReset:
	default:
		s.forge(seg, "guess: "+string(v.Cause)+" is played by hand")
	}
}

// otherReset reports that the other side had reset before, or something in its name: then
// the socket is gone by itself.
func (s *stepper) otherReset(seg *segment) bool {
	for _, o := range s.segs {
		if o.has(packet.RST) && o != seg && o.sent <= seg.sent {
			return true
		}
	}
	return false
}

// uncaptured is a reset that answers what the capture does not have: that acknowledges
// more than was seen of this side, a FIN last.
func (s *stepper) uncaptured(seg *segment) {
	if n := int(seg.Seq-s.next) - 1; n > 0 {
		s.add(Write, Step{Bytes: n, Note: "inferred: the reset's number counts them, though they were not captured"})
	}
	s.next = seg.Seq
	s.add(Close, Step{Note: "inferred: the reset's number counts its FIN"})
	s.done = true
	s.late, s.Missed = true, true
}

// forge has a reset made by hand.
func (s *stepper) forge(seg *segment, note string) {
	if !s.done {
		s.take(seg)
	}
	flags := "R"
	if seg.has(packet.ACK) {
		flags = "R."
	}
	st := Step{Flags: flags, Seq: -1, Note: note, Cause: true, Pause: s.pause(seg.sent)}
	if int32(seg.Seq-s.next) != 0 && s.next > 1 && seg.Seq < 1<<30 {
		st.Seq = int(seg.Seq)
	}
	s.add(Forge, st)
	s.ready = seg.sent
}
