package sender

import "time"

// Class says what a TCP segment was to its sender. The bits combine.
type Class uint16

// Classes of a segment.
const (
	// Data carries payload that was never sent before.
	Data Class = 1 << iota
	// PureAck has ACK set and takes no sequence space.
	PureAck
	// Rexmit takes sequence space that was sent before.
	Rexmit
	// RTO is a Rexmit that the retransmission timer sent (RFC 6298): the
	// oldest unacknowledged segment, after at least the minimum RTO without
	// anything from the peer that would have triggered it sooner.
	RTO
	// Fast is a Rexmit triggered by SACK blocks or duplicate
	// acknowledgements (RFC 5681, RFC 6675, RFC 8985).
	Fast
	// KeepAlive is a keep-alive: it repeats the last sequence number already
	// sent (RFC 9293, section 3.8.4).
	KeepAlive
	// TLP is a Rexmit that the tail loss probe timer sent (RFC 8985, section
	// 7): the last segment sent, sooner than a timeout and without a report
	// of loss.
	TLP
	// RACK is a Fast that fewer than three reports triggered, so by RACK's
	// clock and not by counting (RFC 8985, section 6.2).
	RACK
	// Recovery is a Rexmit that acknowledgements let out after a timeout
	// (RFC 5681, section 4.3).
	Recovery
	// Resized is a Rexmit with less payload after a router said that the
	// segment was too big (RFC 1191, section 6.5).
	Resized
	// WindowProbe is one byte, or none, sent into a closed window (RFC 9293,
	// section 3.8.6.1).
	WindowProbe
)

// Cause is why a segment was sent again, in a word; empty if it was not, or
// the packets do not tell.
func (c Class) Cause() string {
	switch {
	case c&RTO != 0:
		return "rto"
	case c&TLP != 0:
		return "tlp"
	case c&RACK != 0:
		return "rack"
	case c&Fast != 0:
		return "fast"
	case c&Recovery != 0:
		return "recovery"
	case c&Resized != 0:
		return "pmtu"
	}
	return ""
}

// Delays of an acknowledgement that a receiver makes on purpose: 40 ms at least on Linux
// (TCP_DELACK_MIN), 500 ms at most (RFC 9293, section 3.8.6.3).
const delayLeast, delayMost = 20 * time.Millisecond, 500 * time.Millisecond

// HeldBack is how long an acknowledgement was held back on purpose that took so long, the
// quickest being known; 0 if it was not.
func HeldBack(took, quickest time.Duration) time.Duration {
	if late := took - quickest; late >= delayLeast && late <= delayMost && quickest < delayLeast {
		return late
	}
	return 0
}
