package wireshark

import "netrepro/engine/packet"

// Numbers are the initial sequence numbers of a conversation's two ends, as
// Wireshark learns them: from a SYN, else from the first segment of an end, which is
// then byte 1, or from what the other end acknowledges first.
type Numbers struct{ ends [2]initial }

// initial is the initial sequence number of an end, if it is known.
type initial struct {
	seq   uint32
	known bool
}

// Learn takes in a segment that end me sends. It reports whether a SYN with ACK has
// replaced the number of its end.
func (n *Numbers) Learn(p *packet.Packet, me int) (replaced bool) {
	own, other := &n.ends[me], &n.ends[1-me]
	if p.Flags.Has(packet.SYN|packet.ACK) && own.known && p.Seq != own.seq {
		own.seq, replaced = p.Seq, true
	}
	if p.Unsized {
		return replaced
	}
	if !own.known {
		own.seq, own.known = p.Seq, true
		if !p.Flags.Has(packet.SYN) {
			own.seq--
		}
	}
	if !other.known && p.Flags.Has(packet.ACK) {
		other.seq, other.known = p.Ack-1, true
	}
	return replaced
}

// Relative are the sequence and the acknowledgement number of a segment that end me
// sends, counted from the initial ones: a SYN is 0, the first byte is 1. Numbers that
// are not known stay as they are on the wire.
func (n *Numbers) Relative(p *packet.Packet, me int) (seq, ack uint32) {
	seq, ack = p.Seq, p.Ack
	if p.Unsized {
		return seq, ack
	}
	seq -= n.ends[me].seq
	if p.Flags.Has(packet.ACK) {
		ack -= n.ends[1-me].seq
	}
	return seq, ack
}

// Absolute is the number on the wire of a relative one of end me.
func (n *Numbers) Absolute(relative uint32, me int) uint32 { return n.ends[me].seq + relative }

// Replaces reports whether p, a SYN of end me, opens another conversation than the
// one that the numbers are of.
func (n *Numbers) Replaces(p *packet.Packet, me int) bool {
	return n.ends[me].known && p.Seq != n.ends[me].seq
}
