// Package sender follows what one side of a connection sent, as seen at one capture
// point, and says of every segment what it was: new, or sent again by which timer or
// rule.
//
// It follows no connections; package tcp does.
package sender

import (
	"math"
	"sort"
	"time"

	"netrepro/engine/packet"
)

const (
	// minRTO is the least retransmission timeout of Linux, TCP_RTO_MIN, less
	// the slack that a capture point away from the sender adds.
	minRTO = 180 * time.Millisecond
	// minPTO is less than the least time until a tail loss probe: two ticks of the kernel, TCP_TIMEOUT_MIN
	// of Linux, of which there are at most 1000 a second. What comes sooner is a copy.
	minPTO = time.Millisecond
	// sinceAdvance is how long after the last new acknowledgement a timeout
	// comes at the earliest: what an acknowledgement lets out goes out at
	// once. It is less than minRTO, for Linux restarts the timer from when
	// the segment was sent where that is earlier.
	sinceAdvance = 100 * time.Millisecond
	// maxSegs bounds what is remembered of one direction.
	maxSegs = 4096
	// maxAtOnce is how many segments one packet sends again at most: more than
	// a device cuts the largest into.
	maxAtOnce = 256
	// dupThresh is how many duplicate acknowledgements, or segments reported
	// above a hole, mean that the hole is lost (RFC 5681, section 3.2).
	dupThresh = 3
)

// Sender follows what one side of a connection sent, as seen at one capture
// point, and what the acknowledgements that passed there said of it.
type Sender struct {
	started  bool
	acked    bool          // una is valid
	opened   bool          // syn is valid
	syn      uint32        // of its SYN
	next     uint32        // end of the highest sequence space sent
	una      uint32        // highest acknowledgement received
	window   uint16        // of the last acknowledgement received
	shut     bool          // and that was 0
	reports  uint16        // of loss since una last moved
	evidence moment        // when the peer last reported a hole
	advanced moment        // when una last moved
	tooBig   moment        // when a router last said that a segment was too big
	recover  uint32        // end of what was sent when the timer last ran out
	timedOut bool          // and una has not reached it yet
	timeouts int32         // in a row
	lastGap  time.Duration // before the last timeout
	syns     int32         // how often its SYN was sent
	lastSYN  time.Duration // when it was last sent
	// beforeSYN is when the SYN before the last was sent.
	beforeSYN time.Duration
	ended     bool   // a reset was seen
	floats    bool   // its numbers count from one that was not captured
	largest   uint32 // largest payload that was acknowledged
	sacked    uint32 // bytes reported to have arrived out of order
	segs      []seg  // sent and not acknowledged, by sequence number
}

// moment is a time that may not have come yet, as the zero value says: a capture
// may begin at any time, and nothing may depend on when.
type moment time.Duration

func at(t time.Duration) moment { return moment(t + 1) }

// came reports whether there was such a time.
func (m moment) came() bool { return m != 0 }

// before is how long before now it was: for ever if there was no such time.
func (m moment) before(now time.Duration) time.Duration {
	if m == 0 {
		return math.MaxInt64
	}
	return now - time.Duration(m-1)
}

type seg struct {
	start, end uint32
	last       time.Duration // when it was last sent
	sent       int32         // how often
	sacked     bool
	// run is how many from this one on are known to be sacked, so that they
	// need not be looked at again.
	run uint16
}

// Sending is what a segment was.
type Sending struct {
	Class  Class
	Resent int32         // how often this sequence space was sent before
	Gap    time.Duration // since it was last sent
}

// Sent classifies a segment of this side and remembers it.
//
// A segment whose numbers are not known is neither new nor sent again.
func (s *Sender) Sent(p *packet.Packet, now time.Duration) Sending {
	if p.Flags.Has(packet.RST) {
		s.segs, s.sacked, s.ended = s.segs[:0], 0, true
		return Sending{}
	}
	if p.Missing.Has(packet.NoSeq) {
		return Sending{}
	}
	if s.started && s.floats != p.Missing.Has(packet.NoOrigin) {
		*s = Sender{} // what went before does not compare
	}
	n := p.SeqLen()
	end := p.Seq + n
	if p.Flags.Has(packet.SYN) {
		if s.started && (!s.opened || p.Seq != s.syn) && s.find(p.Seq) == len(s.segs) {
			*s = Sender{} // what went before was not this connection's
		}
		s.opened, s.syn = true, p.Seq
		s.syns, s.beforeSYN, s.lastSYN = s.syns+1, s.lastSYN, now
	}
	if !s.started {
		s.started, s.next, s.floats = true, p.Seq, p.Missing.Has(packet.NoOrigin)
	}
	switch {
	case s.windowProbe(p):
		return Sending{Class: WindowProbe}
	case s.keepAlive(p):
		return Sending{Class: KeepAlive}
	case n == 0:
		if p.Flags.Has(packet.ACK) {
			return Sending{Class: PureAck}
		}
		return Sending{}
	case !packet.Before(p.Seq, s.next):
		s.push(seg{start: p.Seq, end: end, last: now, sent: 1})
		if p.PayloadLen > 0 {
			return Sending{Class: Data}
		}
		return Sending{}
	}
	return s.resent(p, end, now)
}

func (s *Sender) keepAlive(p *packet.Packet) bool {
	return s.acked && s.una == s.next && p.Seq == s.next-1 && p.PayloadLen <= 1 &&
		!p.Flags.Any(packet.SYN|packet.FIN) && p.Flags.Has(packet.ACK)
}

// windowProbe is what Linux sends into a closed window: a segment without
// payload one below what was acknowledged.
func (s *Sender) windowProbe(p *packet.Packet) bool {
	return s.acked && s.shut && s.advanced.came() && p.PayloadLen <= 1 && p.Flags.Has(packet.ACK) &&
		!p.Flags.Any(packet.SYN|packet.FIN) &&
		(p.Seq == s.una-1 || p.Seq == s.una && p.PayloadLen == 1 && len(s.segs) == 0)
}

func (s *Sender) push(g seg) {
	s.next = g.end
	if len(s.segs) < maxSegs {
		s.segs = append(s.segs, g)
	}
}

// insert remembers a segment that fills a hole.
func (s *Sender) insert(g seg) {
	if s.acked && !packet.Before(s.una, g.end) || len(s.segs) == maxSegs {
		return
	}
	i := s.find(g.start)
	if i < len(s.segs) && packet.Before(s.segs[i].start, g.end) {
		return
	}
	s.segs = append(s.segs, seg{})
	copy(s.segs[i+1:], s.segs[i:])
	s.segs[i] = g
	for j := range s.segs[:i] { // it is among them now, and not sacked
		if o := &s.segs[j]; j+int(o.run) > i {
			o.run = uint16(i - j)
		}
	}
}

// Saw reports whether the sequence space from start to end passed the capture
// point.
func (s *Sender) Saw(start, end uint32) bool {
	if s.acked && packet.After(s.una, start) {
		start = s.una
	}
	for i := s.find(start); i < len(s.segs) && packet.Before(start, end) && !packet.After(s.segs[i].start, start); i++ {
		start = s.segs[i].end
	}
	return !packet.Before(start, end)
}

// resent classifies a segment whose beginning was sent before.
func (s *Sender) resent(p *packet.Packet, end uint32, now time.Duration) Sending {
	var last time.Duration
	n, count := end-p.Seq, int32(1)
	known, larger := false, false
	for i, most := s.find(p.Seq), maxAtOnce; i < len(s.segs) && packet.Before(s.segs[i].start, end) && most > 0; i,
		most = i+1, most-1 {
		g := &s.segs[i]
		last, count, known = max(last, g.last), max(count, g.sent), true
		larger = larger || g.end-g.start > n
		g.last, g.sent = now, g.sent+1
	}
	tail := end == s.next
	if packet.Before(s.next, end) {
		s.push(seg{start: s.next, end: end, last: now, sent: 1})
	}
	r := Sending{Class: Rexmit, Resent: count}
	if !known && p.Flags.Has(packet.SYN) && s.syns > 1 {
		return s.openAgain(now)
	}
	if !known { // it was acknowledged already, or not seen here before
		s.insert(seg{start: p.Seq, end: end, last: now, sent: 1})
		return r
	}
	r.Gap = now - last
	oldest := !s.acked || !packet.Before(s.una, p.Seq)
	quiet := r.Gap >= minRTO && s.evidence.before(now) >= minRTO && s.advanced.before(now) >= sinceAdvance
	reported := s.evidence.came() && s.evidence.before(last) <= minRTO
	switch {
	case larger && s.tooBig.before(now) < minRTO:
		r.Class |= Resized
	case oldest && quiet:
		r.Class |= RTO
		s.timedOut, s.recover = true, s.next
		// What looks like a first timeout may have been a tail loss probe,
		// after which the timer starts anew.
		if s.timeouts++; s.timeouts == 2 && r.Gap < s.lastGap*3/2 {
			s.timeouts = 1
		}
		s.lastGap = r.Gap
	case s.timedOut && packet.Before(p.Seq, s.recover):
		r.Class |= Recovery
	case reported:
		r.Class |= Fast
		if s.reports < dupThresh {
			r.Class |= RACK
		}
	case tail && r.Gap >= minPTO && r.Gap < minRTO && s.advanced.before(now) < r.Gap+minRTO:
		r.Class |= TLP
	}
	return r
}

// openAgain is a SYN that is sent again though it was acknowledged: its sender, with a
// full queue say, made nothing of that.
func (s *Sender) openAgain(now time.Duration) Sending {
	r := Sending{Class: Rexmit, Resent: s.syns - 1, Gap: now - s.beforeSYN}
	if r.Gap >= minRTO && !s.ended {
		r.Class |= RTO
		s.timeouts++
	}
	return r
}

// find is the index of the first remembered segment that ends after seq.
func (s *Sender) find(seq uint32) int {
	if n := len(s.segs); n == 0 || !packet.Before(seq, s.segs[n-1].end) {
		return n
	}
	return sort.Search(len(s.segs), func(i int) bool { return packet.Before(seq, s.segs[i].end) })
}

// Acknowledged takes in a segment from the peer. It returns the round trip as
// seen from the capture point, if p acknowledges something new that was sent
// once only (Karn's rule, RFC 6298, section 3), else 0.
func (s *Sender) Acknowledged(p *packet.Packet, now time.Duration) time.Duration {
	if p.Flags.Has(packet.RST) {
		s.segs, s.sacked, s.ended = s.segs[:0], 0, true // nothing will be sent again
		return 0
	}
	if !p.Flags.Has(packet.ACK) || p.Missing.Has(packet.NoAck) {
		return 0
	}
	if s.started && s.floats != p.Missing.Has(packet.NoOrigin) {
		return 0 // of what does not compare
	}
	if s.started && packet.Before(s.next, p.Ack) {
		return 0 // of something that was never sent here
	}
	// RFC 5681, section 2: a duplicate has the same window too.
	duplicate := s.acked && p.Ack == s.una && p.Window == s.window && p.SeqLen() == 0 && len(s.segs) > 0 &&
		!p.Missing.Has(packet.NoWindow)
	if !p.Missing.Has(packet.NoWindow) {
		s.window, s.shut = p.Window, p.Window == 0
	}
	if sack := p.SACK(); len(sack) > 0 || duplicate {
		s.evidence = at(now)
		s.reports++
		s.sack(sack)
	}
	if s.acked && !packet.Before(s.una, p.Ack) {
		return 0
	}
	s.una, s.acked, s.advanced, s.timeouts = p.Ack, true, at(now), 0
	s.reports = uint16(min(len(p.SACK()), 1))
	if s.timedOut && !packet.Before(p.Ack, s.recover) {
		s.timedOut = false
	}
	done := s.find(p.Ack)
	if done == 0 {
		return 0
	}
	rtt := time.Duration(0)
	if g := s.segs[done-1]; g.sent == 1 && g.end == p.Ack && !g.sacked {
		rtt = now - g.last
	}
	for _, g := range s.segs[:done] {
		s.largest = max(s.largest, g.end-g.start)
		if g.sacked {
			s.sacked -= g.end - g.start
		}
	}
	s.segs = s.segs[:copy(s.segs, s.segs[done:])]
	return rtt
}

// sack marks the segments that are reported to have arrived. What was reported
// before is passed over in one step.
func (s *Sender) sack(blocks []packet.Block) {
	for _, b := range blocks {
		first := s.find(b.Left)
		i := first
		for i < len(s.segs) && !packet.Before(b.Right, s.segs[i].end) {
			g := &s.segs[i]
			if packet.Before(g.start, b.Left) {
				i++
				first = i
				continue
			}
			if !g.sacked {
				g.sacked, g.run = true, 1
				s.largest = max(s.largest, g.end-g.start)
				s.sacked += g.end - g.start
			}
			i += int(g.run)
		}
		for j := first; j < i; { // and next time it is fewer steps
			step := int(s.segs[j].run)
			s.segs[j].run = uint16(i - j)
			j += step
		}
	}
}

// TooBig takes in that a router refused a segment for its size.
func (s *Sender) TooBig(now time.Duration) { s.tooBig = at(now) }

// Started reports whether the side has sent anything that the point saw.
func (s *Sender) Started() bool { return s.started }

// Repeats reports whether a segment that begins at seq would send again what was
// sent before.
func (s *Sender) Repeats(seq uint32) bool { return s.started && packet.Before(seq, s.next) }

// Timeouts is how many timeouts in a row there were.
func (s *Sender) Timeouts() int { return int(s.timeouts) }

// Largest is the largest payload that was acknowledged, in bytes.
func (s *Sender) Largest() uint32 { return s.largest }

// Outstanding reports whether something sent is not acknowledged.
func (s *Sender) Outstanding() bool { return len(s.segs) > 0 }

// InFlight is how many bytes of sequence space are sent and neither
// acknowledged nor reported to have arrived.
func (s *Sender) InFlight() uint32 {
	if len(s.segs) == 0 {
		return 0
	}
	return s.next - s.segs[0].start - s.sacked
}
