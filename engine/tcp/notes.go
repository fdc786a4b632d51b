package tcp

import (
	"netrepro/engine/tcp/note"
	"netrepro/engine/tcp/sender"
)

// anySize is the least segment that a path is taken to be too narrow for: what every IPv4
// host must take (RFC 1122, section 3.3.2).
const anySize = 536

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
	r.Notes = append(r.Notes, note.PathMTU(n, int(s.Largest()), k.TooBig, k.PathMTU, c.MSS))
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
	r.Notes = append(r.Notes, note.Unsegmented(mss))
}

// acknowledges notes an acknowledgement that its sender held back.
func (a *Analyzer) acknowledges(r *Record, at *pointState, first *first) {
	q := &at.quickest[r.Side]
	switch late := sender.HeldBack(r.RTT, *q); {
	case *q == 0 || r.RTT < *q:
		*q = r.RTT
	case first == nil && r.Class&sender.PureAck != 0:
		r.AckDelay = late
	}
}
