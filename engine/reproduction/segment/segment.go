// Package segment has the segments of one connection of a capture in the order in which
// they were sent, with when each side sent and had them. It is what the rooms beside it draw
// their conclusions from, and draws none itself.
package segment

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/reproduction"
	"netrepro/engine/tcp"
	"netrepro/engine/tcp/sender"
)

// Segment is a TCP segment of a flow, with where it was when.
type Segment struct {
	*tcp.Record // as it was seen first
	// Sent is when its sender sent it, Arrived when the other side had it.
	Sent, Arrived time.Duration
	Lost          bool   // it did not arrive
	End           uint32 // behind the sequence space that it takes
	Held          bool   // a fault of the capture's own lab kept it
	dropped       bool   // the capture says by what
	Forged        bool   // the capture says that it was made by hand
}

// Forged begins what the capture of a lab says of a packet that was made by hand.
const Forged = "forged by"

// Longest is the longest pause, or delay, that a scenario keeps.
const Longest = 2 * time.Second

// late notes that a segment came later than others.
func (f *Flow) late(s *Segment, by time.Duration) {
	k := s.Key()
	k.Nth, k.Times = 1, 1
	f.Late = append(f.Late, reproduction.Late{Loss: k, By: min(Round(by), Longest)})
	f.Overdue = append(f.Overdue, Overdue{Segment: s, From: s.Sent, To: s.Sent + by})
}

// Overdue is a segment that came later than others.
type Overdue struct {
	*Segment
	// From is since when it was on its way, To when it went on.
	From, To time.Duration
	// Own says that times of its own side's segments alone can be compared with these.
	Own bool
}

// Has reports whether all of the flags are set.
func (s *Segment) Has(f packet.TCPFlags) bool { return s.Packet.Flags.Has(f) }

// PayloadEnd is the sequence number behind the payload.
func (s *Segment) PayloadEnd() uint32 {
	if s.Has(packet.SYN) {
		return s.Seq + 1 + uint32(s.Packet.PayloadLen)
	}
	return s.Seq + uint32(s.Packet.PayloadLen)
}

// Flow is a connection while it is looked at.
type Flow struct {
	*reproduction.Flow
	Conn *tcp.Conn
	Segs []*Segment    // in the order they were sent
	Errs []*tcp.Record // ICMP errors about it
	// Heard are the ICMP errors, by their first frames, that were seen where they belong.
	Heard map[int]bool
	Fin   [2]uint32 // sequence number of each side's FIN, 0 for none
	// Everywhere says that the capture shows both ends, Asked that kernels said why.
	Everywhere, Asked bool
	// Whole is the shortest time from one end to the other of any segment of the capture, 0 if
	// it does not show both.
	Whole time.Duration
	// Over is when the capture ended, and Cut what was on its way then.
	Over    time.Duration
	Cut     []*Segment
	Overdue []Overdue        // by [reproduction.Flow.Late]
	Away    [2]time.Duration // of the capture point from each side

	index index
}

// Add takes in the records of the connection.
func (f *Flow) Add(rs []*tcp.Record) {
	byFrame, quickest := map[int]*Segment{}, [2]time.Duration{f.Whole, f.Whole}
	f.Heard = map[int]bool{}
	for _, r := range rs {
		if r.Conn == nil {
			if r.Copy == 0 {
				f.Errs = append(f.Errs, r)
			}
			if r.AtDestination && r.Direction == tcp.In {
				f.Heard[r.First()] = true
			}
			continue
		}
		s := byFrame[r.First()]
		if s == nil {
			s = &Segment{Record: r, End: r.Seq + r.Packet.SeqLen(), Sent: r.Time - f.Away[r.Side],
				Arrived: r.Time + f.Away[1-r.Side], Lost: f.Everywhere}
			byFrame[r.First()] = s
			f.Segs = append(f.Segs, s)
		}
		if r.Direction == tcp.In && r.AtDestination && r.Dropped == "" && s.Lost {
			s.Arrived, s.Lost = r.Time, false
			if d := s.Arrived - s.Sent; quickest[s.Side] == 0 || d < quickest[s.Side] {
				quickest[s.Side] = d
			}
		}
		s.dropped = s.dropped || r.Dropped != ""
		s.Held = s.Held || r.Fault != "" && !strings.HasPrefix(r.Fault, Forged)
		s.Forged = s.Forged || strings.HasPrefix(r.Fault, Forged)
	}
	slices.SortStableFunc(f.Segs, func(a, b *Segment) int { return cmp.Compare(a.Sent, b.Sent) })
	f.settle(quickest)
	for _, s := range f.Segs {
		if s.Has(packet.FIN) && !s.Has(packet.RST) {
			f.Fin[s.Side] = s.PayloadEnd()
		}
	}
}

// held is how much later a packet comes at least that a fault kept.
const held = 300 * time.Microsecond

// settle finds out what of the segments whose fate the capture shows came late, and which
// were still on their way when it ended.
func (f *Flow) settle(quickest [2]time.Duration) {
	if !f.Everywhere {
		return
	}
	var soonest [2]time.Duration // arrival of what was sent later
	for _, s := range slices.Backward(f.Segs) {
		switch {
		case s.Lost && s.Sent+2*quickest[s.Side]+onTheWay > f.Over && s.Packet.SeqLen() > 0 && !s.dropped:
			s.Lost, s.Arrived = false, s.Sent+quickest[s.Side]
			f.Cut = append(f.Cut, s)
		case s.Lost && !s.dropped && f.answered(s):
			s.Lost, s.Arrived = false, s.Sent+quickest[s.Side]
			f.Cut = append(f.Cut, s)
		case s.Lost:
			continue
		}
		by := s.Arrived - s.Sent - quickest[s.Side]
		overtaken := soonest[s.Side] > 0 && s.Arrived > soonest[s.Side]
		if s.Held && by > held || overtaken {
			f.late(s, by)
		}
		if soonest[s.Side] == 0 || s.Arrived < soonest[s.Side] {
			soonest[s.Side] = s.Arrived
		}
	}
	slices.Reverse(f.Late)
	slices.Reverse(f.Overdue)
}

// answered reports that the other side acknowledged a segment, though it was not seen to
// arrive, and that it was not sent again before: something on the way made another packet
// of it.
func (f *Flow) answered(s *Segment) bool {
	if s.Packet.SeqLen() == 0 {
		return false
	}
	for _, o := range f.Segs {
		switch {
		case o.Sent <= s.Sent || o == s:
		case o.Side == s.Side && o.Seq == s.Seq && o.Packet.SeqLen() > 0:
			return false
		case o.Side != s.Side && o.Has(packet.ACK) && !o.Has(packet.RST) && int32(o.Ack-s.End) >= 0:
			return true
		}
	}
	return false
}

// onTheWay is how long a packet may take that a busy host keeps.
const onTheWay = time.Millisecond

// Received is how much payload of the other a side has acknowledged.
func (f *Flow) Received(side int, ack uint32) (bytes int, end bool) {
	fin := f.Fin[1-side]
	if fin != 0 && int32(ack-fin) > 0 {
		return int(fin) - 1, true
	}
	return max(int(ack)-1, 0), false
}

// Key is what tells the segment from others, as a fault that may drop it: counted from the
// first of its like.
func (s *Segment) Key() reproduction.Loss {
	k := reproduction.Loss{Side: s.Side, Seq: -1, Ack: -1}
	switch {
	case s.Has(packet.RST):
		k.TCP = "rst"
	case s.Has(packet.SYN) && s.Has(packet.ACK):
		k.TCP = "synack"
	case s.Has(packet.SYN):
		k.TCP = "syn"
	case s.Class&sender.KeepAlive != 0:
		k.TCP = "keep-alive"
	case s.Class&sender.WindowProbe != 0:
		k.TCP = "window-probe"
	case s.Packet.PayloadLen > 0:
		k.TCP, k.Seq = "any", int(s.Seq)
	case s.Has(packet.FIN):
		k.TCP = "fin"
	default:
		k.TCP, k.Ack = "ack", int(s.Ack)
	}
	return k
}

// Round leaves two digits of a time.
func Round(d time.Duration) time.Duration {
	unit := time.Microsecond
	for d/unit >= 100 {
		unit *= 10
	}
	return d.Round(unit)
}
