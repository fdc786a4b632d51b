// Package relative turns the sequence numbers that tcpdump prints back into those on the
// wire.
//
// tcpdump prints the first segment with ACK of a connection as it is and counts from it:
// the sender's numbers from that sequence number, the receiver's from one less than that
// acknowledgement (print-tcp.c). Numbers that count from a segment that is not in the
// text stay as they are, and say so.
//
// Invariant: its memory is bounded.
package relative

import (
	"net/netip"

	"netrepro/engine/capture/tcpdump/told"
	"netrepro/engine/packet"
	"netrepro/engine/packet/header"
)

// Table follows the connections of a text.
type Table struct{ flows map[key]*flow }

// key names a connection the same way from either side.
type key struct{ a, b netip.AddrPort }

// maxFlows bounds how many connections are told apart.
const maxFlows = 1 << 16

// flow is what turns the numbers of a connection back.
type flow struct {
	known bool
	mode  mode
	base  [2]uint32 // of the lower and the higher end
	// floats says of an end that its base is not known: its numbers are as printed. Where
	// only one end's is not, those numbers compare among themselves and with what the
	// other acknowledges, so that nothing needs to be said of them.
	floats [2]bool
	syn    [2]bool   // its SYN was seen
	isn    [2]uint32 // the number of that
	next   [2]uint32 // where the end stands
	has    [2]bool

	guess   bool // that the first segment seen has numbers that count from another
	first   told.Packet
	firstBy int
}

// mode is whether numbers are relative; -S prints them all as they are.
type mode uint8

const (
	undecided mode = iota
	counted
	asTheyAre
)

// nearBase is how far from its base a number is at most when a connection was just seen
// for the first time, and farBase how large a base must be so that no relative number is
// there already; with a lesser one, only its successor is taken for a number as it is.
const (
	nearBase = 1 << 20
	farBase  = 1 << 22
)

// small is below what an initial sequence number is but for one in a thousand.
const small = 1 << 22

// Forget forgets all connections: another run of tcpdump begins to count anew.
func (t *Table) Forget() { clear(t.flows) }

// Absolute replaces the numbers of p, which goes from src to dst, by those on the wire.
func (t *Table) Absolute(src, dst netip.AddrPort, p *told.Packet) {
	if p.Relative {
		if !p.Missing.Has(packet.NoSeq | packet.NoAck) {
			p.Missing |= packet.NoOrigin
		}
		return
	}
	a, b, me := src, dst, 0
	if b.Compare(a) < 0 {
		a, b, me = b, a, 1
	}
	if t.flows == nil {
		t.flows = map[key]*flow{}
	}
	f := t.flows[key{a, b}]
	if f == nil {
		if len(t.flows) == maxFlows {
			clear(t.flows)
		}
		f = &flow{}
		t.flows[key{a, b}] = f
	}
	if p.Flags.Has(packet.ACK) {
		f.count(p, me)
	}
	f.follow(p, me)
}

// begin takes in the first segment with ACK.
func (f *flow) begin(p *told.Packet, me int) {
	f.known, f.mode, f.guess, f.floats = true, undecided, false, [2]bool{}
	opens := p.Flags.Has(packet.SYN)
	answers := f.syn[1-me] && p.Ack-f.isn[1-me] < nearBase
	// The first number behind a SYN is its successor, or the answer to it was left out.
	goesOn := f.syn[me] && p.Ack != 1
	if !opens && !answers && !goesOn && p.Ack < small && p.Seq < small && (p.HasSeq || p.Flags == packet.ACK) {
		// Relative to what is not here, but for an end whose SYN is.
		f.mode, f.guess = counted, true
		f.first, f.firstBy = *p, me
		for end := range f.base {
			f.base[end], f.floats[end] = 0, !f.syn[end]
			if f.syn[end] {
				f.base[end] = f.isn[end]
			}
		}
		f.shift(p, me)
		return
	}
	f.base[me], f.base[1-me] = p.Seq, p.Ack-1
	if !p.HasSeq { // a bare ACK does not tell what its sender has sent so far
		f.base[me], f.floats[me] = f.next[me], !f.has[me]
		if f.syn[me] {
			f.base[me] = f.isn[me]
		}
	}
}

// anew reports whether p counts from the first segment that was seen, after all: its
// numbers are lower than those that the first would have left it.
func (f *flow) anew(p *told.Packet, me int) bool {
	g := &f.first
	switch {
	case p.Missing.Has(packet.NoAck):
		return false
	case me == f.firstBy:
		return p.Ack < g.Ack
	case g.HasSeq && g.Payload > 0 && g.Seq > 1 && p.Ack == uint32(g.Payload):
		return true
	}
	const window = 1 << 16 // what may be under way at most, mostly
	return p.HasSeq && p.Seq+window < g.Ack || g.HasSeq && p.Ack+window < g.Seq
}

func (f *flow) count(p *told.Packet, me int) {
	whole := p.Missing&(packet.NoAck|packet.NoSeq) == 0
	if (!f.known || p.Flags.Has(packet.SYN)) && whole {
		f.begin(p, me)
		return
	}
	if !f.known {
		if (p.HasSeq || !p.Missing.Has(packet.NoAck)) && p.Ack < small && p.Seq < small {
			p.Missing |= packet.NoOrigin
		}
		return
	}
	if f.guess && f.anew(p, me) {
		f.base[f.firstBy], f.base[1-f.firstBy] = f.first.Seq, f.first.Ack-1
		f.floats = [2]bool{}
		f.floats[f.firstBy] = !f.first.HasSeq
	}
	f.guess = false
	if f.mode == undecided && !p.Missing.Has(packet.NoAck) {
		near := uint32(nearBase)
		if f.base[1-me] < farBase {
			near = 2
		}
		f.mode = counted
		if f.base[1-me] > 0 && p.Ack-f.base[1-me] < near && !f.floats[1-me] {
			f.mode = asTheyAre
		}
	}
	noAck := f.mode == undecided && p.HasSeq && p.Seq-f.base[me] >= nearBase
	if f.mode == counted || noAck {
		f.shift(p, me)
	}
}

// shift adds the bases to what p says.
func (f *flow) shift(p *told.Packet, me int) {
	if !p.Missing.Has(packet.NoAck) {
		p.Ack += f.base[1-me]
	}
	if p.HasSeq {
		p.Seq += f.base[me]
	}
	if f.floats[0] && f.floats[1] {
		p.Missing |= packet.NoOrigin
	}
	o, rest, _ := header.NextTCPOption(p.Options)
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

// follow fills in the sequence number of a bare ACK, which is where its sender stands,
// and notes where that is.
func (f *flow) follow(p *told.Packet, me int) {
	if !p.HasSeq && !p.Missing.Has(packet.NoSeq) {
		if p.Seq = f.next[me]; !f.has[me] {
			p.Missing |= packet.NoSeq
		}
	}
	if p.Flags.Has(packet.RST) {
		if !p.Flags.Has(packet.ACK) && f.floats[me] && !f.floats[1-me] {
			p.Missing |= packet.NoSeq // it is as on the wire, the others of its sender are not
		}
		return
	}
	if p.Flags.Has(packet.SYN) && p.HasSeq {
		f.syn[me], f.isn[me] = true, p.Seq
	}
	end := p.Seq + uint32(p.Payload)
	if p.Flags.Any(packet.SYN | packet.FIN) {
		end++
	}
	if p.HasSeq && (!f.has[me] || p.Flags.Has(packet.SYN) || int32(end-f.next[me]) > 0) {
		f.next[me], f.has[me] = end, true
	}
	if p.Flags.Has(packet.ACK) && !f.has[1-me] && !p.Missing.Has(packet.NoAck) {
		f.next[1-me], f.has[1-me] = p.Ack, true
	}
}

// Quoted turns the number of a segment back that is quoted, and learns nothing of it.
func (t *Table) Quoted(src, dst netip.AddrPort, p *told.Packet) {
	a, b, me := src, dst, 0
	if b.Compare(a) < 0 {
		a, b, me = b, a, 1
	}
	if f := t.flows[key{a, b}]; f != nil && f.known && f.mode == counted && p.Flags.Has(packet.ACK) {
		p.Seq += f.base[me]
	}
}
