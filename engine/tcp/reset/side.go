package reset

import (
	"time"

	"netrepro/engine/packet"
)

// Seen is what is remembered of a segment.
type Seen struct {
	Time      time.Duration
	N         int32 // frame number
	Seq, Ack  uint32
	Len       int32
	Window    uint16
	ID        uint16
	TTL       uint8 // 0 if not known
	Flags     packet.TCPFlags
	HasTS     bool
	NoOptions bool
	Missing   packet.Missing
}

func seen(p *packet.Packet, n int, now time.Duration) Seen {
	return Seen{N: int32(n), Time: now, Seq: p.Seq, Ack: p.Ack, Len: p.PayloadLen, Window: p.Window, ID: p.ID,
		TTL: p.TTL, Flags: p.Flags, HasTS: p.HasTS, NoOptions: p.NoOptions, Missing: p.Missing}
}

// end is the sequence number after the space the segment takes.
func (s *Seen) end() uint32 {
	n := s.Seq + uint32(s.Len)
	if s.Flags.Has(packet.SYN) {
		n++
	}
	if s.Flags.Has(packet.FIN) {
		n++
	}
	return n
}

// remembered is how many segments of a side are looked back at.
const remembered = 8

// Side is what one capture point saw of one side of a connection, as far as a
// reset is judged by it.
type Side struct {
	last     [remembered]Seen
	count    int // of segments, resets left out
	opened   Seen
	fin      Seen
	finned   int // how often FIN was sent
	rst      Seen
	firstRST Seen
	resets   int
	answered int32 // frame that the last reset answered

	next     uint32 // end of the highest sequence space sent
	lowest   uint32 // where the capture begins
	ack      uint32 // highest acknowledgement sent
	acked    bool
	data     bool   // sent payload
	blind    bool   // the numbers of some segment are not known
	floats   bool   // its numbers count from one that was not captured
	probes   int    // keep-alives since the peer last spoke
	timeouts int    // of its retransmission timer since the peer last acknowledged
	heard    uint32 // highest acknowledgement of the peer

	scale    int8 // of its window, -1 if not known
	syn      bool // its SYN was seen
	synAck   bool // and had ACK
	ts       bool // its SYN offered timestamps
	ttlMin   uint8
	ttlMax   uint8
	idZero   bool // every identification was 0
	idSteady bool // each was a little more than the one before
}

// maxIDStep is how much the identification of a host's next packet may differ
// while other connections use the same counter.
const maxIDStep = 2000

// Note takes in a segment that this side sent and that is no reset. probe says
// that it is a keep-alive, timeout that the retransmission timer sent it.
func (s *Side) Note(p *packet.Packet, n int, now time.Duration, probe, timeout bool) {
	g := seen(p, n, now)
	if p.Flags.Has(packet.SYN) && (!s.syn || p.Seq != s.opened.Seq) {
		*s = Side{scale: -1, syn: true, synAck: p.Flags.Has(packet.ACK), opened: g, ts: p.HasTS}
		s.scale = p.WScale
	}
	if s.count == 0 {
		s.next, s.lowest, s.idZero, s.idSteady = p.Seq, p.Seq, true, true
		s.ttlMin, s.ttlMax = p.TTL, p.TTL
		if !s.syn {
			s.scale = -1
		}
	} else {
		step := p.ID - s.last[(s.count-1)%remembered].ID
		s.idSteady = s.idSteady && step > 0 && step < maxIDStep
	}
	s.blind = s.blind || p.Missing.Has(packet.NoSeq) && p.SeqLen() > 0 || p.Missing.Has(packet.NoAck)
	s.floats = p.Missing.Has(packet.NoOrigin)
	s.last[s.count%remembered] = g
	s.count++
	s.idZero = s.idZero && p.ID == 0
	s.ttlMin, s.ttlMax = min(s.ttlMin, p.TTL), max(s.ttlMax, p.TTL)
	if end := g.end(); packet.After(end, s.next) {
		s.next = end
	}
	if p.Flags.Has(packet.ACK) && !p.Missing.Has(packet.NoAck) && (!s.acked || packet.After(p.Ack, s.ack)) {
		s.ack, s.acked = p.Ack, true
	}
	s.data = s.data || p.PayloadLen > 0 && !probe
	if p.Flags.Has(packet.FIN) {
		if s.finned == 0 {
			s.fin = g
		}
		s.finned++
	}
	if probe {
		s.probes++
	} else if timeout {
		s.timeouts++
	}
}

// Heard takes in that the peer sent p, which is no reset.
func (s *Side) Heard(p *packet.Packet) {
	s.probes = 0
	if p.Flags.Has(packet.ACK) && !p.Missing.Has(packet.NoAck) && packet.After(p.Ack, s.heard) {
		s.timeouts, s.heard = 0, p.Ack
	}
}

// Reset takes in a reset that this side sent, and the frame that it answers.
func (s *Side) Reset(p *packet.Packet, n int, now time.Duration, answers int) {
	s.rst = seen(p, n, now)
	if s.resets++; s.resets == 1 {
		s.firstRST = s.rst
	}
	s.answered = int32(answers)
}

// Count is how many segments of this side were seen, resets left out.
func (s *Side) Count() int { return s.count }

// LastReset is the last reset of this side, if there was one.
func (s *Side) LastReset() (Seen, bool) { return s.rst, s.resets > 0 }

// recent calls f for the segments remembered, newest first, until it returns
// false.
func (s *Side) recent(f func(*Seen) bool) {
	for i := s.count - 1; i >= 0 && i >= s.count-remembered; i-- {
		if !f(&s.last[i%remembered]) {
			return
		}
	}
}

// find is the newest segment remembered that fits, nil if there is none.
func (s *Side) find(fits func(*Seen) bool) (found *Seen) {
	s.recent(func(g *Seen) bool {
		if fits(g) {
			found = g
		}
		return found == nil
	})
	return found
}

// newest is the segment sent last, nil if none was seen.
func (s *Side) newest() *Seen {
	if s.count == 0 {
		return nil
	}
	return &s.last[(s.count-1)%remembered]
}
