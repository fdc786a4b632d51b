package tcpdump

import (
	"net/netip"

	"netrepro/engine/packet/header"
)

// flowKey names a connection the same way from either side.
type flowKey struct{ a, b netip.AddrPort }

// flow is what turns relative sequence numbers back into those on the wire.
// tcpdump prints the first segment with ACK of a connection as it is and counts
// from it: the sender's numbers from that sequence number, the receiver's from
// one less than that acknowledgement (print-tcp.c).
type flow struct {
	known bool
	mode  mode
	base  [2]uint32 // of the lower and the higher end
	next  [2]uint32 // where the end stands
	has   [2]bool
}

// mode is whether numbers are relative; -S prints them all as they are.
type mode uint8

const (
	undecided mode = iota
	relative
	asTheyAre
)

// nearBase is how far from its base a number is at most when a connection was
// just seen for the first time, and farBase how large a base must be so that no
// relative number is there already; with a lesser one, only its successor is
// taken for a number as it is.
const (
	nearBase = 1 << 20
	farBase  = 1 << 22
)

// absolute replaces the numbers of p by those on the wire.
func (r *Reader) absolute(p *packet) {
	a, b := netip.AddrPortFrom(p.src, p.srcPort), netip.AddrPortFrom(p.dst, p.dstPort)
	me := 0
	if b.Compare(a) < 0 {
		a, b, me = b, a, 1
	}
	f := r.flows[flowKey{a, b}]
	if f == nil {
		if len(r.flows) == maxFlows {
			clear(r.flows)
		}
		f = &flow{}
		r.flows[flowKey{a, b}] = f
	}
	if p.flags&header.ACK != 0 {
		f.count(p, me)
	}
	f.follow(p, me)
}

func (f *flow) count(p *packet, me int) {
	if !f.known || p.flags&header.SYN != 0 {
		base := p.seq
		if !p.hasSeq { // a bare ACK does not tell: what it has sent so far is unknown
			base = f.next[me]
		}
		f.base[me], f.base[1-me], f.known = base, p.ack-1, true
		return
	}
	if f.mode == undecided {
		near := uint32(nearBase)
		if f.base[1-me] < farBase {
			near = 2
		}
		f.mode = relative
		if f.base[1-me] > 0 && p.ack-f.base[1-me] < near {
			f.mode = asTheyAre
		}
	}
	if f.mode == asTheyAre {
		return
	}
	p.ack += f.base[1-me]
	if p.hasSeq {
		p.seq += f.base[me]
	}
	o, rest, _ := header.NextTCPOption(p.options)
	for ; o != nil; o, rest, _ = header.NextTCPOption(rest) {
		if header.OptionKind.Get(o) != header.TCPOptSACK { // its blocks count as acknowledgements do
			continue
		}
		for v := o[header.OptionValue:]; len(v) >= header.BlockSize; v = v[header.BlockSize:] {
			header.BlockLeft.Put(v, header.BlockLeft.Get(v)+f.base[1-me])
			header.BlockRight.Put(v, header.BlockRight.Get(v)+f.base[1-me])
		}
	}
}

// follow fills in the sequence number of a bare ACK, which is where its sender
// stands, and notes where that is.
func (f *flow) follow(p *packet, me int) {
	if !p.hasSeq {
		p.seq = f.next[me]
	}
	if p.flags&header.RST != 0 {
		return
	}
	end := p.seq + uint32(p.payload)
	if p.flags&(header.SYN|header.FIN) != 0 {
		end++
	}
	if p.hasSeq && (!f.has[me] || p.flags&header.SYN != 0 || int32(end-f.next[me]) > 0) {
		f.next[me], f.has[me] = end, true
	}
	if p.flags&header.ACK != 0 && !f.has[1-me] {
		f.next[1-me], f.has[1-me] = p.ack, true
	}
}
