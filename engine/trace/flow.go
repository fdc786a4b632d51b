package trace

import (
	"sort"
	"time"

	"netrepro/engine/packet"
)

// flow is what one capture point knows of one connection: what went out there
// and what the acknowledgements that came in said of it.
type flow struct {
	conn *Conn
	out  half
}

// half is the outgoing direction of a flow.
type half struct {
	started  bool
	next     uint32        // end of the highest sequence space sent
	una      uint32        // highest acknowledgement received
	acked    bool          // una is valid
	window   uint16        // of the last acknowledgement received
	evidence time.Duration // when the peer last reported a hole
	advanced time.Duration // when una last moved
	segs     []seg         // sent and not acknowledged, by sequence number
}

type seg struct {
	start, end uint32
	last       time.Duration // when it was last sent
	sent       int32         // how often
}

// maxSegs bounds what is remembered of one direction.
const maxSegs = 10000

// sinceAdvance is how long after the last new acknowledgement a timeout comes at
// the earliest: what an acknowledgement lets out goes out at once. It is less
// than minRTO, for Linux restarts the timer from when the segment was sent
// where that is earlier.
const sinceAdvance = 100 * time.Millisecond

// before reports a < b in sequence space (RFC 9293, section 3.4).
func before(a, b uint32) bool { return int32(a-b) < 0 }

// sent classifies an outgoing segment and remembers it.
func (h *half) sent(p *packet.Packet, now time.Duration) (Class, int32) {
	n := p.SeqLen()
	end := p.Seq + n
	if p.Flags.Has(packet.SYN) && h.started && h.find(p.Seq) == len(h.segs) {
		*h = half{} // what went before was not this connection's
	}
	if !h.started && !p.Flags.Has(packet.RST) {
		h.started, h.next = true, p.Seq
	}
	switch {
	case p.Flags.Has(packet.RST):
		h.segs = nil
		return 0, 0
	case h.keepAlive(p):
		return KeepAlive, 0
	case n == 0:
		if p.Flags.Has(packet.ACK) {
			return PureAck, 0
		}
		return 0, 0
	case !before(p.Seq, h.next):
		h.push(seg{p.Seq, end, now, 1})
		if p.PayloadLen > 0 {
			return Data, 0
		}
		return 0, 0
	}
	return h.resent(p, end, now)
}

func (h *half) keepAlive(p *packet.Packet) bool {
	return h.acked && h.una == h.next && p.Seq == h.next-1 && p.PayloadLen <= 1 && !p.Flags.Any(packet.SYN|packet.FIN) && p.Flags.Has(packet.ACK)
}

func (h *half) push(s seg) {
	h.next = s.end
	if len(h.segs) < maxSegs {
		h.segs = append(h.segs, s)
	}
}

// resent classifies a segment whose beginning was sent before.
func (h *half) resent(p *packet.Packet, end uint32, now time.Duration) (Class, int32) {
	var last time.Duration
	count := int32(1)
	for i := h.find(p.Seq); i < len(h.segs) && before(h.segs[i].start, end); i++ {
		s := &h.segs[i]
		last, count = max(last, s.last), max(count, s.sent)
		s.last, s.sent = now, s.sent+1
	}
	if before(h.next, end) {
		h.push(seg{h.next, end, now, 1})
	}
	oldest := !h.acked || !before(h.una, p.Seq)
	quiet := now-last >= minRTO && now-h.evidence >= minRTO && now-h.advanced >= sinceAdvance
	switch {
	case oldest && quiet:
		return Rexmit | RTO, count
	case h.evidence > 0 && h.evidence >= last-minRTO:
		return Rexmit | Fast, count
	}
	return Rexmit, count
}

// find is the index of the first remembered segment that ends after seq.
func (h *half) find(seq uint32) int {
	return sort.Search(len(h.segs), func(i int) bool { return before(seq, h.segs[i].end) })
}

// acknowledged takes in an acknowledgement from the peer.
func (h *half) acknowledged(p *packet.Packet, now time.Duration) {
	if p.Flags.Has(packet.RST) {
		h.segs = nil // nothing will be sent again
		return
	}
	if !p.Flags.Has(packet.ACK) {
		return
	}
	if h.started && before(h.next, p.Ack) {
		return // of something that was never sent here
	}
	// RFC 5681, section 2: a duplicate has the same window too.
	duplicate := h.acked && p.Ack == h.una && p.Window == h.window && p.SeqLen() == 0 && len(h.segs) > 0 && !p.Flags.Has(packet.RST)
	h.window = p.Window
	if len(p.SACK()) > 0 || duplicate {
		h.evidence = now
	}
	if h.acked && !before(h.una, p.Ack) {
		return
	}
	h.una, h.acked, h.advanced = p.Ack, true, now
	done := h.find(p.Ack)
	h.segs = h.segs[:copy(h.segs, h.segs[done:])]
}
