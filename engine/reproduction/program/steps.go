// Package program finds out what the programs at both ends of a connection did: what they
// read and wrote, when, and how they closed.
//
// It looks at one connection, and not at the path.
package program

import (
	"slices"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/reproduction"
	"netrepro/engine/reproduction/segment"
	"netrepro/engine/tcp/reset"
	"netrepro/engine/tcp/sender"
)

// quick is how long a program takes that does not think.
const quick = 3 * time.Millisecond

// goodbye is how much the TLS goodbye takes, with its record.
const goodbye = 31

// stepper finds out what the program on one side did.
type stepper struct {
	*flow
	side     int
	next     uint32                   // of its own stream, what was not sent yet
	taken    int                      // payload of the other side that it has read
	ended    bool                     // it has read to the end of the stream
	shut     bool                     // it has closed, at least for writing
	done     bool                     // nothing more is its program's
	ready    time.Duration            // since when it could have done the next thing
	late     bool                     // it resets what was not captured
	open     bool                     // its last write may go on
	small    uint32                   // end of the last segment that was not full
	waited   bool                     // until it could read, and did not
	limit    int                      // what it reads at most, -1 for all
	answered map[int][]*reset.Verdict // the other side's resets, by what they answer
	full     int                      // payload of a full segment
	steps    []reproduction.Step
}

// flow is the connection that is looked at.
type flow struct{ *segment.Flow }

// Find finds out what both programs did. With keep, writes have the payload of the capture.
func Find(connection *segment.Flow, keep bool) {
	f := &flow{connection}
	late := false
	for _, side := range []int{reproduction.Server, reproduction.Client} {
		s := &stepper{flow: f, side: side, next: 1, limit: f.leaves(side), full: f.fullPayload(side),
			answered: f.answers(1 - side)}
		s.ready = f.established(side)
		for _, seg := range f.Of(side) {
			s.segment(seg, keep)
		}
		s.finish()
		s.more()
		if late && !s.done {
			s.add(reproduction.TakeEnd, reproduction.Step{})
			s.add(reproduction.Write, reproduction.Step{Bytes: goodbye, Cause: true,
				Note: "guess: what the reset answers was not captured"})
		}
		late = s.late
		f.Steps[side] = s.steps
		f.probing(side)
		f.stalling(side)
	}
	last := f.lastStep()
	for _, s := range f.Segs {
		again := s.Class&(sender.Rexmit|sender.KeepAlive|sender.WindowProbe) != 0
		if (again || s.Has(packet.RST) && f.KeepAlive[s.Side].Count > 0) && s.Sent > last {
			f.Stays = max(f.Stays, s.Sent-last+200*time.Millisecond)
		}
	}
	for side := range 2 {
		upto, _ := f.Acknowledged(side, 1<<62)
		f.Bytes[side], _ = f.Received(1-side, upto)
	}
}

// established is when a side knew that the connection was open.
func (f *flow) established(side int) time.Duration {
	for _, s := range f.Segs {
		if s.Side != side && !s.Lost && s.Has(packet.ACK) && (side == reproduction.Server) != s.Has(packet.SYN) {
			return s.Arrived
		}
	}
	return 0
}

// lastStep is when the last of what programs did was done.
func (f *flow) lastStep() (at time.Duration) {
	for _, s := range f.Segs {
		if s.Class&sender.Data != 0 || s.Class&sender.Rexmit == 0 && s.Has(packet.SYN|packet.ACK) ||
			s.Has(packet.FIN) && s.Class&sender.Rexmit == 0 {
			at = max(at, s.Sent)
		}
	}
	return at
}

func (s *stepper) add(k reproduction.Kind, st reproduction.Step) {
	st.Kind = k
	s.steps = append(s.steps, st)
}

// segment takes in a segment that the side sent.
func (s *stepper) segment(seg *segment.Segment, keep bool) {
	if s.done && !seg.Has(packet.RST) {
		return
	}
	fin := seg.Has(packet.FIN) && !s.shut
	switch {
	case seg.Has(packet.RST):
		s.reset(seg)
		return
	case s.stray(seg):
		s.add(reproduction.Forge, reproduction.Step{Pause: s.pause(seg.Sent), Flags: seg.Packet.Flags.String(),
			Seq:   int(seg.Seq),
			Bytes: int(seg.Packet.PayloadLen), Note: "guess: the side's own kernel did not send it", Cause: true})
		s.ready = max(s.ready, seg.Sent)
		return
	case seg.Has(packet.SYN), seg.Class&(sender.KeepAlive|sender.WindowProbe) != 0:
		return
	case int32(seg.PayloadEnd()-s.next) <= 0 && !fin:
		return
	}
	took := s.take(seg)
	if int32(seg.PayloadEnd()-s.next) > 0 {
		s.write(seg, took, keep)
	}
	if fin {
		s.close(seg)
	}
	s.ready = max(s.ready, seg.Sent)
}

// stray reports a segment that no kernel sends there: far from all that went before.
func (s *stepper) stray(seg *segment.Segment) bool {
	const far = 1 << 20
	if !seg.Forged && int32(s.Most(1-s.side)-seg.Seq) >= 0 && int32(seg.Seq-s.next) > 0 {
		return false // the other side has all before it: it was left out of the capture
	}
	if d := int32(seg.Seq - s.next); seg.Seq > far && (d > far || d < -far) && s.next > 1 || d > far {
		return true
	}
	return seg.Forged
}

// take has the side read what it had acknowledged by then.
func (s *stepper) take(seg *segment.Segment) (took bool) {
	if !seg.Has(packet.ACK) {
		return false
	}
	return s.read(seg.Ack)
}

// read has the side read what an acknowledgement of its covers.
func (s *stepper) read(ack uint32) (took bool) {
	bytes, end := s.Received(s.side, ack)
	if s.limit >= 0 && (bytes > s.limit || end) {
		if s.taken >= s.limit && !s.waited {
			s.ready = max(s.ready, s.Arrival(s.side, uint32(bytes)+1))
			s.add(reproduction.Readable, reproduction.Step{})
			s.waited, took = true, true
		}
		bytes, end = min(bytes, s.limit), false
	}
	if bytes > s.taken {
		s.ready = max(s.ready, s.Arrival(s.side, uint32(bytes)+1))
		s.add(reproduction.Take, reproduction.Step{Bytes: bytes - s.taken})
		s.taken, took = bytes, true
	}
	if end && !s.ended {
		s.ready = max(s.ready, s.Arrival(s.side, uint32(bytes)+2))
		s.add(reproduction.TakeEnd, reproduction.Step{})
		s.ended, took = true, true
	}
	return took
}

// pause is how long the program thought before what it did at a time.
func (s *stepper) pause(at time.Duration) time.Duration {
	if d := at - s.ready; d >= quick {
		return coarse(d)
	}
	return 0
}

// write takes in new payload.
func (s *stepper) write(seg *segment.Segment, took, keep bool) {
	n := int(seg.PayloadEnd() - s.next)
	size := int(seg.Packet.PayloadLen)
	partial := s.full == 0 || size%s.full != 0
	pause := s.pause(seg.Sent)
	var upto uint32
	var since time.Duration
	if pause > 0 && !took {
		// What was held back by the window or for acknowledgements is no pause.
		if upto, since = s.Acknowledged(s.side, seg.Sent); int32(upto-s.next) < 0 && s.open {
			pause = 0
		} else if (s.open || s.small > 0 && partial) && seg.Sent-since < time.Millisecond {
			pause = 0 // Nagle's, or the window's
		}
	}
	if partial && int32(s.small) > 0 {
		if upto, _ = s.Acknowledged(s.side, seg.Sent); int32(upto-s.small) < 0 {
			s.NoDelay[s.side] = true
		}
	}
	var data []byte
	if keep {
		data = make([]byte, n)
		for i := range data {
			data[i] = 'x'
		}
		if have := seg.Payload; len(have) <= n {
			copy(data[n-size:], have)
		} else {
			copy(data, have[len(have)-n:])
		}
	}
	if last := len(s.steps) - 1; s.open && !s.meetsNobody(seg) && !took && pause == 0 && last >= 0 &&
		s.steps[last].Kind == reproduction.Write {
		s.steps[last].Bytes += n
		s.steps[last].Data = append(s.steps[last].Data, data...)
	} else {
		if s.meetsNobody(seg) {
			s.add(reproduction.Await, reproduction.Step{Note: "the other side no longer knew the connection"})
		}
		s.add(reproduction.Write, reproduction.Step{Pause: pause, Bytes: n, Data: data,
			Cause: s.Fin[1-s.side] != 0 && s.afterEnd(seg)})
	}
	s.next = seg.PayloadEnd()
	s.open = !partial || !seg.Has(packet.PSH)
	s.small = 0
	if partial {
		s.small = seg.PayloadEnd()
	}
}

// afterEnd reports that a segment answers nothing: its receiver had closed, and resets.
func (s *stepper) afterEnd(seg *segment.Segment) bool {
	return slices.ContainsFunc(s.answered[seg.N], func(v *reset.Verdict) bool {
		return v.May("data-after-close") || v.May("time-wait")
	})
}

// meetsNobody reports that a kernel answered a segment because it had no such connection any
// more: sent earlier, the segment would have been received.
func (s *stepper) meetsNobody(seg *segment.Segment) bool {
	return slices.ContainsFunc(s.answered[seg.N], func(v *reset.Verdict) bool {
		return v.Kind == reset.Passive && (v.Cause == reset.NoSocket || v.Cause == reset.Listener)
	})
}

// answers are the resets of a side, by the segments that they answer.
func (f *flow) answers(side int) map[int][]*reset.Verdict {
	out := map[int][]*reset.Verdict{}
	for _, o := range f.Of(side) {
		if o.Has(packet.RST) && o.Reset != nil {
			out[o.Reset.Answers] = append(out[o.Reset.Answers], o.Reset)
		}
	}
	return out
}

// fullPayload is the payload of a full segment of a side.
func (f *flow) fullPayload(side int) int {
	mss := f.Conn.MSS[1-side]
	if own := f.Conn.MSS[side]; own > 0 && (mss == 0 || own < mss) {
		mss = own
	}
	if mss == 0 {
		mss = min(f.Conn.Largest[side]+12, 1460)
	}
	data := func(o *segment.Segment) bool { return o.Packet.PayloadLen > 0 }
	own := f.Of(side)
	if i := slices.IndexFunc(own, data); i >= 0 && own[i].Packet.HasTS {
		mss -= 12
	}
	return mss
}

// close takes in the side's FIN.
func (s *stepper) close(seg *segment.Segment) {
	s.shut = true
	kind := reproduction.Close
	// What it acknowledges later it reads: it has closed for writing alone.
	if later, _ := s.Received(s.side, s.Most(s.side)); later > s.taken && !s.resets(seg) {
		kind = reproduction.Shutdown
	}
	if slices.ContainsFunc(s.Of(s.side), func(o *segment.Segment) bool {
		return o.Has(packet.RST) && o.Reset != nil && (o.Reset.Cause == reset.Linger2 || o.Reset.Cause == reset.Memory)
	}) {
		kind = reproduction.Shutdown
	}
	if n := s.unheard(seg.Sent); n > 0 && kind == reproduction.Close {
		s.add(reproduction.Take, reproduction.Step{Bytes: n, Mended: true})
	}
	s.add(kind, reproduction.Step{Pause: s.pause(seg.Sent)})
	if kind == reproduction.Close {
		s.done = true
	}
}

// unheard is how much payload the other side had sent by then that this side did not read,
// lost or not.
func (s *stepper) unheard(at time.Duration) (n int) {
	for _, o := range s.Of(1 - s.side) {
		if o.Sent <= at && o.Packet.PayloadLen > 0 && !s.strayed(o) {
			n = max(n, int(int32(o.PayloadEnd()))-1-s.taken)
		}
	}
	return n
}

// strayed reports a segment far from all that its sender sent.
func (s *stepper) strayed(o *segment.Segment) bool {
	const far = 1 << 20
	return o.Forged || int32(o.Seq) < 0 || int32(o.Seq-s.Most(s.side)) > far
}

// resets reports that the side resets after its FIN.
func (s *stepper) resets(fin *segment.Segment) bool {
	return slices.ContainsFunc(s.Of(s.side), func(o *segment.Segment) bool {
		return o.Has(packet.RST) && o.Sent >= fin.Sent && o.Reset != nil && o.Reset.Kind == "passive"
	})
}

// more has a side write more than was seen, if it still asked at the end whether the
// window is open: it had more to say.
func (s *stepper) more() {
	asks := false
	for _, seg := range s.Of(s.side) {
		switch {
		case seg.Class&sender.WindowProbe != 0:
			asks = true
		case seg.Class&sender.Data != 0:
			asks = false
		}
	}
	for i := len(s.steps) - 1; asks && i >= 0; i-- {
		if st := &s.steps[i]; st.Kind == reproduction.Write {
			const more = 16 << 10
			st.Bytes += more
			if st.Data != nil {
				st.Data = append(st.Data, slices.Repeat([]byte("x"), more)...)
			}
			st.Note = "it had more to say: it asks whether the window is open again"
			return
		}
	}
}

// finish has the side read what it received after the last thing that it sent.
func (s *stepper) finish() {
	if s.done || s.Opening != reproduction.Opened {
		return
	}
	bytes, end := s.Received(s.side, s.Most(s.side))
	if bytes > s.taken {
		s.ready = max(s.ready, s.Arrival(s.side, uint32(bytes)+1))
		s.add(reproduction.Take, reproduction.Step{Bytes: bytes - s.taken})
	}
	if end && !s.ended {
		s.add(reproduction.TakeEnd, reproduction.Step{})
	}
	if s.shut {
		s.add(reproduction.Close, reproduction.Step{})
	}
}

// coarse leaves a digit and a half of a pause, so that equal exchanges look equal.
func coarse(d time.Duration) time.Duration {
	unit := time.Millisecond
	for d/unit >= 100 {
		unit *= 10
	}
	if d/unit >= 10 {
		unit *= 5
	}
	return d.Round(unit)
}
