package wireshark

import (
	"time"

	"netrepro/engine/packet"
)

// Segment takes in one segment of the conversation and returns its flags and
// its relative numbers, as Wireshark's dissect_tcp does around the analysis.
// fresh says that the conversation has replaced another on the same ports.
func (c *Conversation) Segment(p *packet.Packet, me int, now time.Duration, fresh bool) (f Flags, seq, ack uint32) {
	fwd := &c.half[me]
	if fresh {
		f = ReusedPorts
	} else if p.Flags.Has(packet.SYN) && !p.Flags.Has(packet.ACK) && c.ends[me].known {
		// The same SYN again: a reset in between may have moved next.
		fwd.next = fwd.contig
	}
	if c.Learn(p, me) {
		f |= ReusedPorts
	}
	if !p.Unsized && !p.Missing.Has(packet.NoSeq) && !p.Missing.Has(packet.NoLength) && !c.Apart(p, me) {
		f = c.analyze(p, me, now, f)
	}
	seq, ack = c.Relative(p, me)
	c.handshake(p.Flags, me, now)
	c.scale(p, me)
	c.mptcp |= p.MPTCP
	if p.HeaderCut {
		f = 0 // it follows such a segment and shows nothing of it
	}
	return f, seq, ack
}

// RTT is the time from the last SYN to the first ACK after it, 0 if that was not
// seen.
func (c *Conversation) RTT() time.Duration { return c.rtt }

// handshake measures the time from the SYN to the ACK that ends the handshake.
func (c *Conversation) handshake(flags packet.TCPFlags, me int, now time.Duration) {
	h := &c.half[me]
	if flags.Has(packet.SYN) {
		if !flags.Has(packet.ACK) {
			c.syn, c.seenSYN = now, true
		}
		h.firstAck = true
	}
	if flags.Has(packet.ACK) && !flags.Has(packet.SYN) {
		if c.seenSYN && c.rtt == 0 {
			c.rtt = now - c.syn
		}
		h.firstAck = false
	}
}

// scale takes in a window scale option, which counts wherever it stands, or
// that a SYN has none.
func (c *Conversation) scale(p *packet.Packet, me int) {
	fwd, rev := &c.half[me], &c.half[1-me]
	if p.WScale >= 0 {
		fwd.scale = p.WScale
	}
	if !p.Flags.Has(packet.SYN) || p.Unsized || p.HeaderCut { // what was cut off may have been the option
		return
	}
	switch {
	case fwd.scale == scaleUnknown:
		fwd.scale, rev.scale = scaleNone, scaleNone
	case p.Flags.Has(packet.ACK) && rev.scale == scaleNone:
		fwd.scale = scaleNone
	}
}

// Quoted takes in a segment quoted by an ICMP error as if it were sent now by
// end me, which is what Wireshark does.
func (c *Conversation) Quoted(flags packet.TCPFlags, me int, now time.Duration) {
	c.handshake(flags, me, now)
}

// Gaps counts how often packets were left out of a text.
type Gaps int

// After is the count behind a packet before which others were left out, or were not.
func (g *Gaps) After(omitted bool) Gaps {
	if omitted {
		*g++
	}
	return *g
}

// Since takes back from the flags of a segment that others are missing before it, where
// they were only left out of a text: gaps is how often that was so far. It reports
// whether there was something to take back.
func (c *Conversation) Since(gaps Gaps, me int, f *Flags) bool {
	h := &c.half[me]
	const missing = LostSegment | AckLostSegment
	is := h.gaps != gaps && h.sent && *f&missing != 0
	if is {
		*f &^= missing
	}
	h.gaps, h.sent = gaps, true
	return is
}
