// Package side follows one side of a connection as far as a reset is judged by it.
//
// It judges nothing; package reset does.
package side

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

// End is the sequence number after the space the segment takes.
func (s *Seen) End() uint32 {
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
	Last     [remembered]Seen
	Sent     int // of segments, resets left out
	Opened   Seen
	FIN      Seen
	Finned   int // how often FIN was sent
	RST      Seen
	FirstRST Seen
	Resets   int
	Answered int32 // frame that the last reset answered

	numbered bool   // Next and Lowest are known
	Next     uint32 // end of the highest sequence space sent
	Lowest   uint32 // where the capture begins
	Ack      uint32 // highest acknowledgement sent
	Acked    bool
	Data     bool   // sent payload
	Blind    bool   // the numbers of some segment are not known
	Floats   bool   // its numbers count from one that was not captured
	Probes   int    // keep-alives since the peer last spoke
	Timeouts int    // of its retransmission timer since the peer last acknowledged
	HeardAck uint32 // highest acknowledgement of the peer

	Scale    int8 // of its window, -1 if not known
	SYN      bool // its SYN was seen
	SYNAck   bool // and had ACK
	TS       bool // its SYN offered timestamps
	TTLMin   uint8
	TTLMax   uint8
	IDZero   bool // every identification was 0
	IDSteady bool // each was a little more than the one before
}

// MaxIDStep is how much the identification of a host's next packet may differ
// while other connections use the same counter.
const MaxIDStep = 2000

// Note takes in a segment that this side sent and that is no reset. probe says
// that it is a keep-alive, timeout that the retransmission timer sent it.
func (s *Side) Note(p *packet.Packet, n int, now time.Duration, probe, timeout bool) {
	g := seen(p, n, now)
	if p.Flags.Has(packet.SYN) && (!s.SYN || p.Seq != s.Opened.Seq) {
		*s = Side{Scale: -1, SYN: true, SYNAck: p.Flags.Has(packet.ACK), Opened: g, TS: p.HasTS}
		s.Scale = p.WScale
	}
	told := !p.Missing.Has(packet.NoSeq)
	if told && !s.numbered {
		s.Next, s.Lowest, s.numbered = p.Seq, p.Seq, true
	}
	if s.Sent == 0 {
		s.IDZero, s.IDSteady = true, true
		s.TTLMin, s.TTLMax = p.TTL, p.TTL
		if !s.SYN {
			s.Scale = -1
		}
	} else {
		step := p.ID - s.Last[(s.Sent-1)%remembered].ID
		s.IDSteady = s.IDSteady && step > 0 && step < MaxIDStep
	}
	s.Blind = s.Blind || p.Missing.Has(packet.NoSeq) && p.SeqLen() > 0 || p.Missing.Has(packet.NoAck)
	s.Floats = p.Missing.Has(packet.NoOrigin)
	s.Last[s.Sent%remembered] = g
	s.Sent++
	s.IDZero = s.IDZero && p.ID == 0
	s.TTLMin, s.TTLMax = min(s.TTLMin, p.TTL), max(s.TTLMax, p.TTL)
	if end := g.End(); told && packet.After(end, s.Next) {
		s.Next = end
	}
	if p.Flags.Has(packet.ACK) && !p.Missing.Has(packet.NoAck) && (!s.Acked || packet.After(p.Ack, s.Ack)) {
		s.Ack, s.Acked = p.Ack, true
	}
	s.Data = s.Data || p.PayloadLen > 0 && !probe
	if p.Flags.Has(packet.FIN) {
		if s.Finned == 0 {
			s.FIN = g
		}
		s.Finned++
	}
	if probe {
		s.Probes++
	} else if timeout {
		s.Timeouts++
	}
}

// Heard takes in that the peer sent p, which is no reset.
func (s *Side) Heard(p *packet.Packet) {
	s.Probes = 0
	if p.Flags.Has(packet.ACK) && !p.Missing.Has(packet.NoAck) && packet.After(p.Ack, s.HeardAck) {
		s.Timeouts, s.HeardAck = 0, p.Ack
	}
}

// Reset takes in a reset that this side sent, and the frame that it answers.
func (s *Side) Reset(p *packet.Packet, n int, now time.Duration, answers int) {
	s.RST = seen(p, n, now)
	if s.Resets++; s.Resets == 1 {
		s.FirstRST = s.RST
	}
	s.Answered = int32(answers)
}

// Count is how many segments of this side were seen, resets left out.
func (s *Side) Count() int { return s.Sent }

// LastReset is the last reset of this side, if there was one.
func (s *Side) LastReset() (Seen, bool) { return s.RST, s.Resets > 0 }

// Recent calls f for the segments remembered, newest first, until it returns
// false.
func (s *Side) Recent(f func(*Seen) bool) {
	for i := s.Sent - 1; i >= 0 && i >= s.Sent-remembered; i-- {
		if !f(&s.Last[i%remembered]) {
			return
		}
	}
}

// Find is the newest segment remembered that fits, nil if there is none.
func (s *Side) Find(fits func(*Seen) bool) (found *Seen) {
	s.Recent(func(g *Seen) bool {
		if fits(g) {
			found = g
		}
		return found == nil
	})
	return found
}

// Newest is the segment sent last, nil if none was seen.
func (s *Side) Newest() *Seen {
	if s.Sent == 0 {
		return nil
	}
	return &s.Last[(s.Sent-1)%remembered]
}

// Acknowledges reports whether s acknowledged everything up to seq.
func (s *Side) Acknowledges(seq uint32) bool { return s.Acked && !packet.Before(s.Ack, seq) }

// FinWasBefore reports whether s sent its FIN before the peer's last payload.
func (s *Side) FinWasBefore(peer *Side) bool {
	found := false
	peer.Recent(func(g *Seen) bool {
		found = g.Len > 0 && g.N > s.FIN.N
		return !found
	})
	return found
}

// AcknowledgedData reports whether s acknowledged payload of p.
func (s *Side) AcknowledgedData(p *Side) bool {
	return s.Acked && p.SYN && packet.After(s.Ack, p.Opened.Seq+1)
}

// AckOfFin is the number of p's first remembered packet that acknowledges s's
// FIN.
func (s *Side) AckOfFin(p *Side) int32 {
	n := int32(0)
	p.Recent(func(g *Seen) bool {
		if !g.Flags.Has(packet.ACK) || packet.Before(g.Ack, s.FIN.End()) {
			return false
		}
		n = g.N
		return true
	})
	return n
}

// Edge is the right edge of the window that s last offered.
func (s *Side) Edge() (uint32, bool) {
	n := s.Newest()
	if n == nil || !s.Acked || n.Missing.Has(packet.NoWindow) {
		return 0, false
	}
	return s.Ack + uint32(n.Window)<<max(s.Scale, 0), true
}
