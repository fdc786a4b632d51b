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
	// floats says that the numbers of the end count from one that was not captured, as
	// text may write them: they stay as they are.
	floats bool
}

// learn takes a number for the first of an end.
func (i *initial) learn(seq uint32, p *packet.Packet) {
	i.seq, i.known, i.floats = seq, true, p.Missing.Has(packet.NoOrigin)
	if i.floats {
		i.seq = 0
	}
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
	if n.Apart(p, me) && !p.Flags.Has(packet.RST) { // those before did not compare
		own.known, other.known = false, false
	}
	if !own.known && !p.Missing.Has(packet.NoSeq) {
		seq := p.Seq
		if !p.Flags.Has(packet.SYN) {
			seq--
		}
		own.learn(seq, p)
	}
	if !other.known && p.Flags.Has(packet.ACK) && !p.Missing.Has(packet.NoAck) {
		other.learn(p.Ack-1, p)
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

// Apart reports whether the sequence number of p, which end me sends, does not compare
// with those of its end: they count from one that was not captured, and it does not.
func (n *Numbers) Apart(p *packet.Packet, me int) bool {
	return n.ends[me].floats && !p.Missing.Has(packet.NoOrigin)
}

// Replaces reports whether p, a SYN of end me, opens another conversation than the
// one that the numbers are of.
func (n *Numbers) Replaces(p *packet.Packet, me int) bool {
	return n.ends[me].known && p.Seq != n.ends[me].seq
}
