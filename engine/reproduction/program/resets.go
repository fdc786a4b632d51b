package program

import (
	"slices"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/reproduction"
	"netrepro/engine/reproduction/segment"
	"netrepro/engine/tcp/reset"
)

// reset takes in a reset that came in the side's name.
func (s *stepper) reset(seg *segment.Segment) {
	v := seg.Reset
	if v == nil {
		return
	}
	s.Resets = append(s.Resets, reproduction.Reset{Side: s.side, Kind: string(v.Kind), Cause: string(v.Cause),
		Or: len(v.Or) > 0})
	if s.Opening != reproduction.Opened {
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
func (s *stepper) active(seg *segment.Segment, v *reset.Verdict) {
	if s.done {
		return
	}
	st := reproduction.Step{Cause: true}
	kind := reproduction.Linger
	switch {
	case v.Cause == reset.Linger2 && s.shut:
		s.take(seg)
		kind = reproduction.Linger2
	case v.Cause == reset.KeepAlive:
		s.done = true // its kernel gives up by itself
		return
	case v.Cause == reset.TimedOut:
		return
	case v.Cause == reset.Unread && (len(v.Or) == 0 || v.Evidence == reset.FromKernel):
		kind = reproduction.Unread
		s.take(seg)
		bytes, _ := s.Received(s.side, seg.Ack)
		st.Bytes = bytes - s.taken
	case v.Cause == reset.Aborted:
		s.take(seg)
		kind = reproduction.Abort
	default:
		s.take(seg)
		if len(v.Or) > 0 {
			st.Note = "guess: a close with data unread looks the same"
		}
	}
	st.Pause = s.pause(seg.Sent)
	s.add(kind, st)
	s.done = true
}

// leaves is how much a side reads that leaves the rest unread when it closes, -1 if it
// reads all.
func (f *flow) leaves(side int) int {
	for _, s := range f.Of(side) {
		v := s.Reset
		if v == nil || v.Kind != reset.Active || v.Cause != reset.Unread || len(v.Or) > 0 && v.Evidence != reset.FromKernel {
			continue
		}
		bytes, _ := f.Received(side, s.Ack)
		unread := 0
		for _, o := range f.Segs {
			if o.Side != side && o.Packet.PayloadLen > 0 && int(o.PayloadEnd()) <= bytes+1 && !o.Lost {
				unread = max(int(o.Seq)-1, 0)
			}
		}
		return unread
	}
	return -1
}

// passive is a reset of the side's kernel.
func (s *stepper) passive(seg *segment.Segment, v *reset.Verdict) {
	if slices.ContainsFunc(s.Of(s.side), func(o *segment.Segment) bool {
		return o.Sent < seg.Sent && o.Reset != nil && o.Reset.Kind == reset.Active
	}) {
		return // its socket is gone by its own reset
	}
	if v.Cause == reset.Listener && s.side == reproduction.Server && s.Asked && (s.done || s.goesOn(seg)) {
		s.misses(v)
		return
	}
	if s.done {
		s.closesHard(seg, v)
		return // it had closed: its kernel does that by itself
	}
	switch {
	case v.Cause == reset.NotCaptured && int32(seg.Seq-s.next) > 0 && int32(seg.Seq-s.next) < 1<<20:
		s.uncaptured(seg)
	case v.May(reset.DataAfterClose) || v.May(reset.TimeWait):
		if s.closesHard(seg, v) {
			return
		}
		s.read(s.mostBefore(seg))
		if !s.shut {
			s.add(reproduction.Close, reproduction.Step{Note: "guess: its FIN was not captured"})
		} else {
			s.add(reproduction.Close, reproduction.Step{})
		}
		s.done = true
	case v.Cause == reset.TimedOut:
		s.givesUp(seg)
	case v.Cause == reset.NoSocket || v.Cause == reset.Listener:
		if s.otherReset(seg) {
			return
		}
		s.read(s.mostBefore(seg))
		st := reproduction.Step{Cause: true, Note: "its kernel no longer knew the connection"}
		if v.Cause != reset.Listener && s.side == reproduction.Server {
			st.Seq = 1 // nobody listens either
		}
		if upto, _ := s.Acknowledged(s.side, seg.Sent); upto > 1 && upto <= s.next {
			st.Bytes = int(upto) // what comes back for these must still find it
		}
		s.add(reproduction.Vanish, st)
		s.done = true
	case v.Cause == reset.Overflow:
		s.Overflow = true
	case v.Cause == reset.AfterReset, v.Cause == reset.SynSent:
	default:
		s.forge(seg, "guess: "+string(v.Cause)+" is played by hand")
	}
}

// goesOn reports that the side goes on with the connection after a reset.
func (s *stepper) goesOn(seg *segment.Segment) bool {
	for _, o := range s.Of(s.side) {
		if o.Sent > seg.Sent && !o.Has(packet.RST) {
			return true
		}
	}
	return false
}

// misses has the segment that a reset answers miss its socket.
func (s *stepper) misses(v *reset.Verdict) {
	kind := func(o *segment.Segment) string {
		switch {
		case o.Has(packet.SYN):
			return ""
		case o.Has(packet.FIN):
			return "fin"
		case o.Packet.PayloadLen > 0:
			return "data"
		}
		return "ack"
	}
	count := map[string]int{}
	for _, o := range s.Of(reproduction.Client) {
		count[kind(o)]++
		if o.N == v.Answers {
			s.Misses = append(s.Misses, reproduction.Missing{TCP: kind(o), Nth: count[kind(o)]})
		}
	}
}

// mostBefore is the highest acknowledgement of the side before a segment of its.
func (s *stepper) mostBefore(seg *segment.Segment) (ack uint32) {
	for _, o := range s.Of(s.side) {
		if o.Has(packet.ACK) && !o.Has(packet.RST) && o.Sent < seg.Sent {
			ack = max(ack, o.Ack)
		}
	}
	return ack
}

// givesUp is a reset that answers after the side's kernel had given up what was not
// acknowledged.
func (s *stepper) givesUp(seg *segment.Segment) {
	first := map[uint32]time.Duration{}
	for _, o := range s.Of(s.side) {
		if o.Sent >= seg.Sent || o.Packet.SeqLen() == 0 {
			continue
		}
		if _, ok := first[o.Seq]; !ok {
			first[o.Seq] = o.Sent
		}
		s.GivesUp[s.side] = max(s.GivesUp[s.side], segment.Round(o.Sent-first[o.Seq]+100*time.Millisecond))
	}
	s.done = true
}

// closesHard reports a reset that answers a bare acknowledgement of the side's FIN: it was
// closed with TCP_LINGER2 below 0.
func (s *stepper) closesHard(seg *segment.Segment, v *reset.Verdict) bool {
	for _, o := range s.Segs {
		if o.Side == s.side || o.N != v.Answers {
			continue
		}
		if o.Packet.PayloadLen > 0 || o.Has(packet.FIN) || s.Fin[s.side] == 0 || o.Ack != s.Fin[s.side]+1 {
			return false
		}
		for i := len(s.steps) - 1; i >= 0; i-- {
			if k := s.steps[i].Kind; k == reproduction.Close || k == reproduction.Shutdown {
				s.steps[i].Kind, s.steps[i].Cause = reproduction.Linger2, true
				s.steps[i].Pause = 0
				s.steps[i].Note = "its kernel resets when the FIN is acknowledged"
				s.done = true
				return true
			}
		}
	}
	return false
}

// otherReset reports that the other side had reset before, or something in its name: then
// the socket is gone by itself.
func (s *stepper) otherReset(seg *segment.Segment) bool {
	for _, o := range s.Segs {
		if o.Has(packet.RST) && o != seg && o.Sent <= seg.Sent {
			return true
		}
	}
	return false
}

// uncaptured is a reset that answers what the capture does not have: that acknowledges
// more than was seen of this side, a FIN last.
func (s *stepper) uncaptured(seg *segment.Segment) {
	if n := int(seg.Seq-s.next) - 1; n > 0 {
		s.add(reproduction.Write, reproduction.Step{Bytes: n, Note: "inferred: the reset's number counts them, though they were not captured"})
	}
	s.next = seg.Seq
	s.add(reproduction.Close, reproduction.Step{Note: "inferred: the reset's number counts its FIN"})
	s.done = true
	s.late, s.Missed = true, true
}

// forge has a reset made by hand.
func (s *stepper) forge(seg *segment.Segment, note string) {
	if !s.done {
		s.take(seg)
	}
	flags := "R"
	if seg.Has(packet.ACK) {
		flags = "R."
	}
	st := reproduction.Step{Flags: flags, Seq: -1, Note: note, Cause: true, Pause: s.pause(seg.Sent)}
	if int32(seg.Seq-s.next) != 0 && s.next > 1 {
		st.Seq = int(seg.Seq)
	}
	s.add(reproduction.Forge, st)
	s.ready = seg.Sent
}
