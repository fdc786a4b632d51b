package incident

import (
	"slices"
	"time"

	"netrepro/engine/packet"
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
	side   int
	next   uint32        // of its own stream, what was not sent yet
	taken  int           // payload of the other side that it has read
	ended  bool          // it has read to the end of the stream
	shut   bool          // it has closed, at least for writing
	done   bool          // nothing more is its program's
	ready  time.Duration // since when it could have done the next thing
	late   bool          // it resets what was not captured
	open   bool          // its last write may go on
	small  uint32        // end of the last segment that was not full
	waited bool          // until it could read, and did not
	limit  int           // what it reads at most, -1 for all
	steps  []Step
}

// steps finds out what both programs did.
func (f *flow) steps(inc *Incident) {
	late := false
	for _, side := range []int{Server, Client} {
		s := &stepper{flow: f, side: side, next: 1, limit: f.leaves(side)}
		s.ready = f.established(side)
		for _, seg := range f.of(side) {
			s.segment(seg, inc.Kept)
		}
		s.finish()
		s.more()
		if late && !s.done {
			s.add(TakeEnd, Step{})
			s.add(Write, Step{Bytes: goodbye, Cause: true, Note: "guess: what the reset answers was not captured"})
		}
		late = s.late
		f.Steps[side] = s.steps
		f.probing(side)
		f.stalling(side)
	}
	last := f.lastStep()
	for _, s := range f.segs {
		again := s.Class&(sender.Rexmit|sender.KeepAlive|sender.WindowProbe) != 0
		if (again || s.has(packet.RST) && f.KeepAlive[s.Side].Count > 0) && s.sent > last {
			f.Stays = max(f.Stays, s.sent-last+200*time.Millisecond)
		}
	}
	for side := range 2 {
		upto, _ := f.acknowledged(side, 1<<62)
		f.Bytes[side], _ = f.received(1-side, upto)
	}
}

// established is when a side knew that the connection was open.
func (f *flow) established(side int) time.Duration {
	for _, s := range f.segs {
		if s.Side != side && !s.lost && s.has(packet.ACK) && (side == Server) != s.has(packet.SYN) {
			return s.arrived
		}
	}
	return 0
}

// lastStep is when the last of what programs did was done.
func (f *flow) lastStep() (at time.Duration) {
	for _, s := range f.segs {
		if s.Class&sender.Data != 0 || s.Class&sender.Rexmit == 0 && s.has(packet.SYN|packet.ACK) ||
			s.has(packet.FIN) && s.Class&sender.Rexmit == 0 {
			at = max(at, s.sent)
		}
	}
	return at
}

func (s *stepper) add(k Kind, st Step) {
	st.Kind = k
	s.steps = append(s.steps, st)
}

// segment takes in a segment that the side sent.
func (s *stepper) segment(seg *segment, keep bool) {
	if s.done && !seg.has(packet.RST) {
		return
	}
	fin := seg.has(packet.FIN) && !s.shut
	switch {
	case seg.has(packet.RST):
		s.reset(seg)
		return
	case s.stray(seg):
		s.add(Forge, Step{Pause: s.pause(seg.sent), Flags: seg.Packet.Flags.String(), Seq: int(seg.Seq),
			Bytes: int(seg.Packet.PayloadLen), Note: "guess: the side's own kernel did not send it", Cause: true})
		s.ready = max(s.ready, seg.sent)
		return
	case seg.has(packet.SYN), seg.Class&(sender.KeepAlive|sender.WindowProbe) != 0:
		return
	case int32(seg.payloadEnd()-s.next) <= 0 && !fin:
		return
	}
	took := s.take(seg)
	if int32(seg.payloadEnd()-s.next) > 0 {
		s.write(seg, took, keep)
	}
	if fin {
		s.close(seg)
	}
	s.ready = max(s.ready, seg.sent)
}

// stray reports a segment that no kernel sends there: far from all that went before.
func (s *stepper) stray(seg *segment) bool {
	const far = 1 << 20
	if d := int32(seg.Seq - s.next); seg.Seq > far && (d > far || d < -far) && s.next > 1 || d > far {
		return true
	}
	return seg.forged
}

// take has the side read what it had acknowledged by then.
func (s *stepper) take(seg *segment) (took bool) {
	if !seg.has(packet.ACK) {
		return false
	}
	return s.read(seg.Ack)
}

// read has the side read what an acknowledgement of its covers.
func (s *stepper) read(ack uint32) (took bool) {
	bytes, end := s.received(s.side, ack)
	if s.limit >= 0 && (bytes > s.limit || end) {
		if last := len(s.steps) - 1; s.taken >= s.limit && (last < 0 || s.steps[last].Kind != Readable) && !s.waited {
			s.ready = max(s.ready, s.arrival(s.side, uint32(bytes)+1))
			s.add(Readable, Step{})
			s.waited, took = true, true
		}
		bytes, end = min(bytes, s.limit), false
	}
	if bytes > s.taken {
		s.ready = max(s.ready, s.arrival(s.side, uint32(bytes)+1))
		s.add(Take, Step{Bytes: bytes - s.taken})
		s.taken, took = bytes, true
	}
	if end && !s.ended {
		s.ready = max(s.ready, s.arrival(s.side, uint32(bytes)+2))
		s.add(TakeEnd, Step{})
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
func (s *stepper) write(seg *segment, took, keep bool) {
	n := int(seg.payloadEnd() - s.next)
	full := s.full()
	size := int(seg.Packet.PayloadLen)
	partial := full == 0 || size%full != 0
	pause := s.pause(seg.sent)
	upto, since := uint32(0), time.Duration(0)
	if pause > 0 && !took {
		// What was held back by the window or for acknowledgements is no pause.
		if upto, since = s.acknowledged(s.side, seg.sent); int32(upto-s.next) < 0 && s.open {
			pause = 0
		} else if (s.open || s.small > 0 && partial) && seg.sent-since < time.Millisecond {
			pause = 0 // Nagle's, or the window's
		}
	}
	if partial && int32(s.small) > 0 {
		if upto, _ = s.acknowledged(s.side, seg.sent); int32(upto-s.small) < 0 {
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
	if last := len(s.steps) - 1; s.open && !took && pause == 0 && last >= 0 && s.steps[last].Kind == Write {
		s.steps[last].Bytes += n
		s.steps[last].Data = append(s.steps[last].Data, data...)
	} else {
		s.add(Write, Step{Pause: pause, Bytes: n, Data: data, Cause: s.fin[1-s.side] != 0 && s.afterEnd(seg)})
	}
	s.next = seg.payloadEnd()
	s.open = !partial || !seg.has(packet.PSH)
	s.small = 0
	if partial {
		s.small = seg.payloadEnd()
	}
}

// afterEnd reports that a segment answers nothing: its receiver had closed, and resets.
func (s *stepper) afterEnd(seg *segment) bool {
	return slices.ContainsFunc(s.segs, func(o *segment) bool {
		return o.Side != s.side && o.has(packet.RST) && o.Reset != nil && o.Reset.Answers == seg.N &&
			(o.Reset.May("data-after-close") || o.Reset.May("time-wait"))
	})
}

// full is the payload of a full segment of the side.
func (s *stepper) full() int {
	mss := s.conn.MSS[1-s.side]
	if own := s.conn.MSS[s.side]; own > 0 && (mss == 0 || own < mss) {
		mss = own
	}
	if mss == 0 {
		mss = min(s.conn.Largest[s.side]+12, 1460)
	}
	for _, seg := range s.segs {
		if seg.Side == s.side && seg.Packet.PayloadLen > 0 {
			if seg.Packet.HasTS {
				mss -= 12
			}
			break
		}
	}
	return mss
}

// close takes in the side's FIN.
func (s *stepper) close(seg *segment) {
	s.shut = true
	kind := Close
	// What it acknowledges later it reads: it has closed for writing alone.
	if later, _ := s.received(s.side, s.most(s.side)); later > s.taken && !s.resets(seg) {
		kind = Shutdown
	}
	if slices.ContainsFunc(s.of(s.side), func(o *segment) bool {
		return o.has(packet.RST) && o.Reset != nil && o.Reset.Cause == "linger2"
	}) {
		kind = Shutdown
	}
	s.add(kind, Step{Pause: s.pause(seg.sent)})
	if kind == Close {
		s.done = true
	}
}

// resets reports that the side resets after its FIN.
func (s *stepper) resets(fin *segment) bool {
	return slices.ContainsFunc(s.of(s.side), func(o *segment) bool {
		return o.has(packet.RST) && o.sent >= fin.sent && o.Reset != nil && o.Reset.Kind == "passive"
	})
}

// more has a side write more than was seen, if it still asked at the end whether the
// window is open: it had more to say.
func (s *stepper) more() {
	asks := false
	for _, seg := range s.of(s.side) {
		switch {
		case seg.Class&sender.WindowProbe != 0:
			asks = true
		case seg.Class&sender.Data != 0:
			asks = false
		}
	}
	for i := len(s.steps) - 1; asks && i >= 0; i-- {
		if st := &s.steps[i]; st.Kind == Write {
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
	if s.done || s.Opening != Opened {
		return
	}
	bytes, end := s.received(s.side, s.most(s.side))
	if bytes > s.taken {
		s.ready = max(s.ready, s.arrival(s.side, uint32(bytes)+1))
		s.add(Take, Step{Bytes: bytes - s.taken})
	}
	if end && !s.ended {
		s.add(TakeEnd, Step{})
	}
	if s.shut {
		s.add(Close, Step{})
	}
}

// probing finds out whether a side asked its idle peer.
func (f *flow) probing(side int) {
	k := &f.KeepAlive[side]
	var before, last time.Duration
	asked := 0
	for _, s := range f.segs {
		switch {
		case s.Side == side && s.Class&sender.KeepAlive != 0:
			if k.Idle == 0 {
				k.Idle = max((s.sent - before).Round(time.Second), time.Second)
			} else {
				k.Every = max((s.sent - last).Round(time.Second), time.Second)
			}
			last = s.sent
			asked++
		case s.Side == side && s.Reset != nil && s.Reset.Cause == reset.KeepAlive:
			k.Count = max(asked, 1)
			k.Every = max((s.sent - last).Round(time.Second), time.Second)
		case s.Side != side && !s.lost:
			asked = 0
		}
		before = s.sent
	}
	k.Every = max(k.Every, min(k.Idle, time.Second))
}

// stalling finds out whether a side left unread what had come, until its window was
// closed.
func (f *flow) stalling(side int) {
	var zero *segment
	read := uint32(1)
	for _, s := range f.of(side) {
		if !s.has(packet.ACK) || s.has(packet.RST) {
			continue
		}
		switch {
		case s.Packet.Window == 0 && zero == nil && !s.has(packet.SYN):
			zero = s
		case s.Packet.Window > 0 && zero == nil:
			read = max(read, 1)
		case s.Packet.Window > 0:
			f.Window[side] = f.buffer(side, int(zero.Ack)-int(read))
			f.stall(side, s.sent-zero.sent)
			return
		}
	}
	if zero != nil {
		f.Window[side] = f.buffer(side, int(zero.Ack)-int(read))
		f.stall(side, f.segs[len(f.segs)-1].sent-zero.sent)
	}
}

// buffer is the receive buffer of a side whose window was closed after so many bytes.
func (f *flow) buffer(side, bytes int) int {
	for _, s := range f.of(side) {
		if w := int(s.Packet.Window); s.has(packet.SYN) && w > 0 && w < 1<<15 {
			// It is a whole number of segments; buffers are asked for in round numbers.
			n := 2048
			for n < w {
				n *= 2
			}
			if n-w < 1460 {
				return n
			}
			return max(w+700, 2048)
		}
	}
	return max(bytes, 2048)
}

// stall has a side wait before it reads.
func (f *flow) stall(side int, d time.Duration) {
	i := slices.IndexFunc(f.Steps[side], func(s Step) bool { return s.Kind == Take || s.Kind == TakeEnd })
	most, at := 0, i
	for ; i >= 0 && i < len(f.Steps[side]); i++ {
		if s := f.Steps[side][i]; s.Kind == Take && s.Bytes > most {
			most, at = s.Bytes, i
		}
	}
	if at >= 0 && at < len(f.Steps[side]) {
		f.Steps[side][at].Pause = round(max(d, 50*time.Millisecond))
		f.Steps[side][at].Cause = true
		f.Steps[side][at].Note = "its window was closed for so long: it does not read"
	}
}
