package incident

import (
	"cmp"
	"slices"
	"strings"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/tcp"
)

// segment is a TCP segment of a flow, with where it was when.
type segment struct {
	*tcp.Record // as it was seen first
	sent        time.Duration
	arrived     time.Duration
	lost        bool // it did not arrive
	end         uint32
	held        bool // a fault of the capture's own lab kept it
	forged      bool // the capture says so
}

// forged begins what the capture of a lab says of a packet that was made by hand.
const forged = "forged by"

// late notes that a segment came later than others.
func (f *flow) late(s *segment, by time.Duration) {
	k := s.key()
	f.Late = append(f.Late, Late{Loss: Loss{Side: k.side, TCP: k.tcp, Seq: k.seq, Ack: k.ack, Nth: 1, Times: 1},
		By: min(round(by), longest)})
}

func (s *segment) has(f packet.TCPFlags) bool { return s.Packet.Flags.Has(f) }

// gone are the sequence numbers behind the payload of s.
func (s *segment) payloadEnd() uint32 {
	if s.has(packet.SYN) {
		return s.Seq + 1 + uint32(s.Packet.PayloadLen)
	}
	return s.Seq + uint32(s.Packet.PayloadLen)
}

// flow is a connection while it is looked at.
type flow struct {
	*Flow
	conn *tcp.Conn
	segs []*segment // in the order they were sent
	errs []*tcp.Record
	// heard are the ICMP errors, by their first frames, that were seen where they belong.
	heard map[int]bool
	fin   [2]uint32 // sequence number of each side's FIN, 0 for none
	// everywhere says that the capture shows both ends.
	everywhere bool
	Asked      bool             // kernels said why
	away       [2]time.Duration // of the capture point from each side
}

// segments takes in the records of the connection.
func (f *flow) segments(rs []*tcp.Record) {
	byFrame, quickest := map[int]*segment{}, [2]time.Duration{}
	f.heard = map[int]bool{}
	for _, r := range rs {
		if r.Conn == nil {
			if r.Copy == 0 {
				f.errs = append(f.errs, r)
			}
			if r.AtDestination && r.Direction == tcp.In {
				f.heard[r.First()] = true
			}
			continue
		}
		s := byFrame[r.First()]
		if s == nil {
			s = &segment{Record: r, end: r.Seq + r.Packet.SeqLen(), sent: r.Time - f.away[r.Side],
				arrived: r.Time + f.away[1-r.Side], lost: f.everywhere}
			byFrame[r.First()] = s
			f.segs = append(f.segs, s)
		}
		if r.Direction == tcp.In && r.AtDestination && r.Dropped == "" && s.lost {
			s.arrived, s.lost = r.Time, false
			if d := s.arrived - s.sent; quickest[s.Side] == 0 || d < quickest[s.Side] {
				quickest[s.Side] = d
			}
		}
		s.held = s.held || r.Fault != "" && !strings.HasPrefix(r.Fault, forged)
		s.forged = s.forged || strings.HasPrefix(r.Fault, forged)
	}
	slices.SortStableFunc(f.segs, func(a, b *segment) int { return cmp.Compare(a.sent, b.sent) })
	var newest [2]time.Duration
	for _, s := range f.segs {
		if f.everywhere && !s.lost {
			by := s.arrived - s.sent - quickest[s.Side]
			if overtaken := s.arrived < newest[s.Side]; s.held && by > 2*time.Millisecond || overtaken {
				f.late(s, by)
			}
			newest[s.Side] = max(newest[s.Side], s.arrived)
		}
		if s.has(packet.FIN) && !s.has(packet.RST) {
			f.fin[s.Side] = s.payloadEnd()
		}
	}
}

// of are the segments of a side.
func (f *flow) of(side int) []*segment {
	return slices.DeleteFunc(slices.Clone(f.segs), func(s *segment) bool { return s.Side != side })
}

// arrival is when a side had all that the other had sent before seq.
func (f *flow) arrival(side int, seq uint32) time.Duration {
	var at time.Duration
	next := uint32(1)
	for _, s := range f.segs {
		if s.Side == side || s.lost || s.Packet.SeqLen() == 0 || int32(s.end-next) <= 0 {
			continue
		}
		if int32(next-seq) >= 0 {
			break
		}
		next, at = s.end, max(at, s.arrived)
	}
	return at
}

// acknowledged is how far the other side had acknowledged what a side sent, as that
// side knew at a time.
func (f *flow) acknowledged(side int, at time.Duration) (upto uint32, since time.Duration) {
	for _, s := range f.segs {
		if s.Side != side && s.has(packet.ACK) && !s.has(packet.RST) && !s.lost && s.arrived <= at &&
			int32(s.Ack-upto) > 0 {
			upto, since = s.Ack, s.arrived
		}
	}
	return upto, since
}

// received is how much payload of the other a side has acknowledged.
func (f *flow) received(side int, ack uint32) (bytes int, end bool) {
	fin := f.fin[1-side]
	if fin != 0 && int32(ack-fin) > 0 {
		return int(fin) - 1, true
	}
	return max(int(ack)-1, 0), false
}

// most is the highest acknowledgement of a side.
func (f *flow) most(side int) (ack uint32) {
	for _, s := range f.segs {
		if s.Side == side && s.has(packet.ACK) && !s.has(packet.RST) {
			ack = max(ack, s.Ack)
		}
	}
	return ack
}
