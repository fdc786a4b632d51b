// Package opening follows how connections are opened: how long a handshake took, and
// whether who answers is who was called.
//
// Invariant: its memory is bounded.
package opening

import (
	"net/netip"
	"time"

	"netrepro/engine/packet"
)

// Handshake is one under way.
type Handshake struct {
	syn, ack     uint32        // of the SYN, and what is to acknowledge the SYN-ACK
	began        time.Duration // the last SYN
	called, kept bool          // the SYN was seen, and the SYN-ACK
	took         time.Duration
}

// Follow takes in a segment of a side, 0 being the one that opens.
func (o *Handshake) Follow(p *packet.Packet, side int, now time.Duration) {
	switch {
	case o.took > 0 || p.Missing.Has(packet.NoSeq) || p.Flags.Has(packet.RST):
	case side == 0 && p.Flags.Has(packet.SYN) && !p.Flags.Has(packet.ACK):
		*o = Handshake{syn: p.Seq, began: now, called: true}
	case side == 1 && p.Flags.Has(packet.SYN|packet.ACK) && o.called && p.Ack == o.syn+1:
		o.ack, o.kept = p.Seq+1, true
	case side == 0 && o.kept && p.Flags.Has(packet.ACK) && p.Seq == o.syn+1 && p.Ack == o.ack:
		o.took = now - o.began
	}
}

// Took is the time from the last SYN to the ACK that ended the handshake, 0 if one of its
// three packets was not seen.
func (o *Handshake) Took() time.Duration { return o.took }

// Calls remember whom each SYN called. Their zero value is ready.
type Calls struct{ to map[call]netip.AddrPort }

// call is a SYN: what it is of whoever answers it.
type call struct {
	from netip.AddrPort
	isn  uint32
}

// maxCalls bounds how many are remembered.
const maxCalls = 1 << 12

// Other notes whom a SYN calls, and finds an answer that comes from somebody else, or the
// same SYN on its way to somebody else: it was for an address that is translated. It
// returns whom the socket called; ok is false where that is who p is to or from.
func (c *Calls) Other(p *packet.Packet) (called netip.AddrPort, ok bool) {
	if !p.Flags.Has(packet.SYN) || p.Missing != 0 {
		return called, false
	}
	from, to := netip.AddrPortFrom(p.Src, p.SrcPort), netip.AddrPortFrom(p.Dst, p.DstPort)
	if p.Flags.Has(packet.ACK) {
		called, ok = c.to[call{to, p.Ack - 1}]
		return called, ok && called != from
	}
	k := call{from, p.Seq}
	if called, ok = c.to[k]; ok {
		return called, called != to
	}
	if c.to == nil || len(c.to) >= maxCalls {
		c.to = map[call]netip.AddrPort{}
	}
	c.to[k] = to
	return called, false
}
