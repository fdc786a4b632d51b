// Package wireshark sets Wireshark's tcp.analysis flags: the same flags on the
// same packets as tshark, by the rules of Wireshark 4.0.
//
// It follows Wireshark also where a better answer is known; that is the
// business of package tcp.
//
// Invariant: the memory of a conversation is constant, and no packet costs more
// than a constant time.
package wireshark

import (
	"math/bits"
	"time"

	"netrepro/engine/packet"
)

// Flags are Wireshark's tcp.analysis flags of one packet.
type Flags uint16

// The flags, in the order Wireshark's documentation lists them.
const (
	AckLostSegment Flags = 1 << iota
	DuplicateAck
	FastRetransmission
	KeepAlive
	KeepAliveAck
	LostSegment
	OutOfOrder
	Retransmission
	ReusedPorts
	SpuriousRetransmission
	WindowFull
	WindowUpdate
	ZeroWindow
	ZeroWindowProbe
	ZeroWindowProbeAck

	// All of them.
	All Flags = 1<<iota - 1
)

var flagNames = [...]string{"ack_lost_segment", "duplicate_ack", "fast_retransmission", "keep_alive", "keep_alive_ack",
	"lost_segment",
	"out_of_order", "retransmission", "reused_ports", "spurious_retransmission", "window_full", "window_update",
	"zero_window",
	"zero_window_probe", "zero_window_probe_ack"}

// Names are the names of the flags as in tcp.analysis.*, without the prefix.
func (f Flags) Names() []string {
	var s []string
	for f != 0 {
		i := bits.TrailingZeros16(uint16(f))
		s = append(s, flagNames[i])
		f &= f - 1
	}
	return s
}

// AppendJSON appends the names as a JSON array.
func (f Flags) AppendJSON(b []byte) []byte {
	b = append(b, '[')
	for first := true; f != 0; f &= f - 1 {
		if !first {
			b = append(b, ',')
		}
		first = false
		b = append(b, '"')
		b = append(b, flagNames[bits.TrailingZeros16(uint16(f))]...)
		b = append(b, '"')
	}
	return append(b, ']')
}

// half is what the flags know of one direction of a conversation. Sequence
// numbers are as on the wire, and 0 means that none is known, which is what
// Wireshark takes it for.
type half struct {
	next      uint32 // end of the highest sequence space seen
	ack       uint32 // last acknowledgement sent
	contig    uint32 // end of what was seen without a hole
	window    uint32 // last one sent, unscaled
	dupAcks   uint32
	unacked   int32  // segments seen since the other side last acknowledged any
	scale     int8   // window shift, or one of the two below
	mptcp     uint16 // what the connection had done of MPTCP when this side last sent
	firstAck  bool   // nothing but the SYN was sent: its window is not scaled
	last      Flags  // of the last segment
	sent      bool   // it has sent something
	gaps      Gaps   // of the text when it last did
	nextTime  time.Duration
	ackedTime time.Duration
}

// silenced keeps the next such acknowledgements from being flagged. It is also
// more than the two that make a retransmission fast, as it is for Wireshark.
const silenced = 1<<32 - 1

const (
	scaleUnknown  = -1
	scaleNone     = -2
	windowUnknown = 1<<32 - 1
)

const (
	// fastWithin is how long after the last duplicate acknowledgement a
	// fast retransmission comes at the latest.
	fastWithin = 20 * time.Millisecond
	// reorderedWithin is how long after the highest segment one that was
	// only overtaken comes, where the round trip is not known.
	reorderedWithin = 3 * time.Millisecond
	// maxUnacked is how many unacknowledged segments Wireshark remembers;
	// beyond it, SYN and FIN take no sequence space for it.
	maxUnacked = 10000
)

// Conversation is what Wireshark keeps of a connection for its flags. Its ends
// are numbered 0 and 1, whichever is which.
type Conversation struct {
	Numbers
	half    [2]half
	syn     time.Duration
	rtt     time.Duration // from the last SYN to the first ACK
	seenSYN bool
	mptcp   uint16 // operations seen, in either direction
}

// NewConversation is one of which nothing was seen yet.
func NewConversation() Conversation {
	h := half{scale: scaleUnknown, window: windowUnknown}
	return Conversation{half: [2]half{h, h}}
}

// sooner reports d < limit as Wireshark does, to which a time that runs
// backwards is a very long one.
func sooner(d, limit time.Duration) bool { return uint64(d) < uint64(limit) }

// beyond reports whether a comes after b as Wireshark does (GT_SEQ): of two
// numbers exactly half of all apart each comes after the other, and before it.
func beyond(a, b uint32) bool { return packet.Before(b, a) }

// analyze sets the flags of p, sent by side me, by the rules of Wireshark
// 4.0.17 (epan/dissectors/packet-tcp.c, tcp_analyze_sequence_number), in its
// order: later rules see what earlier ones set.
func (c *Conversation) analyze(p *packet.Packet, me int, now time.Duration, f Flags) Flags {
	fwd, rev := &c.half[me], &c.half[1-me]
	n := uint32(p.PayloadLen)
	control := p.Flags.Any(packet.SYN | packet.FIN | packet.RST)
	takes := p.Flags.Any(packet.SYN | packet.FIN)
	win := uint32(p.Window)
	if p.Missing.Has(packet.NoWindow) {
		win = fwd.window
	}
	f |= fwd.kind(rev, p, n, win, control, c.mptcp)

	ack := p.Ack
	if p.Missing.Has(packet.NoAck) {
		ack = fwd.ack
	}
	if ack != fwd.ack {
		fwd.dupAcks = 0
	}
	if rev.contig != 0 && beyond(ack, rev.contig) && p.Flags.Has(packet.ACK) {
		f |= rev.ackedUnseen()
	}
	if n > 0 || takes {
		f |= c.resent(fwd, rev, p, n, now, f)
	}
	fwd.advance(p, n, now, f)
	fwd.window, fwd.ack, fwd.ackedTime, fwd.last, fwd.mptcp = win, ack, now, f, c.mptcp
	if p.Flags.Has(packet.ACK) {
		rev.unacked = 0
	}
	return f
}

// kind is what a segment is by itself and against the one before it.
func (h *half) kind(rev *half, p *packet.Packet, n, win uint32, control bool, mptcp uint16) (f Flags) {
	if n == 1 && p.Seq == h.next && rev.window == 0 {
		return ZeroWindowProbe
	}
	told := !p.Missing.Has(packet.NoWindow)
	if win == 0 && !control && told {
		f |= ZeroWindow
	}
	if h.next != 0 && beyond(p.Seq, h.next) && !p.Flags.Has(packet.RST) {
		f |= LostSegment
	}
	if n <= 1 && p.Seq == h.next-1 && !control {
		f |= KeepAlive
	}
	repeats := n == 0 && p.Seq == h.next && p.Ack == h.ack && !control && told && !p.Missing.Has(packet.NoAck)
	if repeats && win != 0 && win != h.window {
		f |= WindowUpdate
	}
	if n > 0 && !control && rev.scale != scaleUnknown && p.Seq+n == rev.ack+rev.scaled() {
		f |= WindowFull
	}
	if !repeats || win != h.window {
		return f
	}
	switch {
	case win != 0 && rev.last&KeepAlive != 0:
		f |= KeepAliveAck
	case win == 0 && rev.last&ZeroWindowProbe != 0:
		f |= ZeroWindowProbeAck
	case win != 0 && mptcp == h.mptcp: // an operation may repeat an ACK (RFC 8684, section 4)
		if h.dupAcks++; h.dupAcks == 0 {
			h.dupAcks = 1
		}
		f |= DuplicateAck
	}
	return f
}

// scaled is the window in bytes. Before the first ACK it is that of a SYN,
// which is never scaled (RFC 7323, section 2.2).
func (h *half) scaled() uint32 {
	if h.firstAck || h.scale == scaleNone {
		return h.window
	}
	return h.window << h.scale
}

// ackedUnseen flags an acknowledgement of something that was not captured,
// once.
func (h *half) ackedUnseen() Flags {
	if packet.Before(h.contig, h.next) {
		h.contig = h.next
		return AckLostSegment
	}
	first := h.dupAcks == 0
	h.dupAcks = silenced
	if first {
		return AckLostSegment
	}
	return 0
}

// resent is what a segment is that takes sequence space, if that was seen
// before. The two special retransmissions have the general flag too.
func (c *Conversation) resent(fwd, rev *half, p *packet.Packet, n uint32, now time.Duration, f Flags) Flags {
	if f&KeepAlive != 0 {
		return 0
	}
	old := fwd.next != 0 && packet.Before(p.Seq, fwd.next)
	if n > 1 && p.Seq == fwd.next-1 {
		old = false // it begins with what a zero window probe carried
	}
	if n > 0 && rev.ack != 0 && !packet.After(p.Seq+n, rev.ack) {
		return SpuriousRetransmission | Retransmission
	}
	if !old {
		return 0
	}
	if rev.dupAcks >= 2 && rev.ack == p.Seq && sooner(now-rev.ackedTime, fastWithin) {
		return FastRetransmission | Retransmission
	}
	end := p.Seq + n
	if p.Flags.Any(packet.SYN | packet.FIN) {
		end++
	}
	threshold := c.rtt
	if threshold == 0 {
		threshold = reorderedWithin
	}
	if sooner(now-fwd.nextTime, threshold) && fwd.next != end {
		return OutOfOrder
	}
	return Retransmission
}

// advance takes in the sequence space of a segment.
func (h *half) advance(p *packet.Packet, n uint32, now time.Duration, f Flags) {
	end := p.Seq + n
	takes := p.Flags.Any(packet.SYN | packet.FIN)
	if (n > 0 || takes) && h.unacked < maxUnacked {
		h.unacked++
		if takes {
			end++
		}
	}
	probe := f&ZeroWindowProbe != 0
	if (beyond(end, h.next) || h.next == 0) && !probe {
		h.next, h.nextTime = end, now
	}
	if (p.Seq == h.contig || h.contig == 0) && !probe {
		h.contig = h.next
	}
}
