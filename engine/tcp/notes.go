package tcp

import (
	"fmt"
	"time"

	"netrepro/engine/tcp/sender"
)

const (
	// anySize is the least segment that a path is taken to be too narrow for:
	// what every IPv4 host must take (RFC 1122, section 3.3.2).
	anySize = 536
	// Delays of an acknowledgement that a receiver makes on purpose: 40 ms at
	// least on Linux (TCP_DELACK_MIN), 500 ms at most (RFC 9293, section
	// 3.8.6.3).
	delayLeast, delayMost = 20 * time.Millisecond, 500 * time.Millisecond
)

// sizes notes that a path may be too narrow: full segments time out while
// smaller ones get through.
func (a *Analyzer) sizes(r *Record, s *sender.Sender) {
	c := r.Conn
	n := int(r.Packet.PayloadLen)
	if r.Backoff < 2 || c.told.size || n < anySize || n <= int(s.Largest()) {
		return
	}
	c.told.size = true
	k := c.kin()
	icmp := "no ICMP message said so"
	if k.TooBig > 0 {
		icmp = fmt.Sprintf("ICMP said so %d times, mtu %d", k.TooBig, k.PathMTU)
	}
	small := "and nothing has got through yet"
	if s.Largest() > 1 { // more than a SYN
		small = fmt.Sprintf("while %d got through", s.Largest())
	}
	r.Notes = append(r.Notes, fmt.Sprintf("path MTU: %d bytes time out again, %s; %s; MSS %d and %d", n, small, icmp,
		c.MSS[0], c.MSS[1]))
}

// unsegmented notes that the capture was made before the device cut segments to
// size.
func (c *Conn) unsegmented(r *Record) {
	mss := c.MSS[1-r.Side]
	if own := c.MSS[r.Side]; own > 0 {
		mss = min(mss, own)
	}
	if mss == 0 || c.Largest[r.Side] <= mss || c.told.offload {
		return
	}
	c.told.offload = true
	r.Notes = append(r.Notes, fmt.Sprintf("larger than the MSS of %d: segments are cut or joined by the device, "+
		"this is not what crossed the wire", mss))
}

// acknowledges notes an acknowledgement that its sender held back.
func (a *Analyzer) acknowledges(r *Record, at *pointState, first *first) {
	q := &at.quickest[r.Side]
	if *q == 0 || r.RTT < *q {
		*q = r.RTT
		return
	}
	if late := r.RTT - *q; first == nil && r.Class&sender.PureAck != 0 && late >= delayLeast && late <= delayMost &&
		*q < delayLeast {
		r.AckDelay = late
	}
}
