package incident

import (
	"slices"
	"time"

	"netrepro/engine/packet"
	"netrepro/engine/tcp/sender"
)

// key is what a fault matches.
type key struct {
	side     int
	tcp      string
	seq, ack int
}

func (s *segment) key() key {
	k := key{side: s.Side, seq: -1, ack: -1}
	switch {
	case s.has(packet.RST):
		k.tcp = "rst"
	case s.has(packet.SYN) && s.has(packet.ACK):
		k.tcp = "synack"
	case s.has(packet.SYN):
		k.tcp = "syn"
	case s.Class&sender.KeepAlive != 0:
		k.tcp = "keep-alive"
	case s.Class&sender.WindowProbe != 0:
		k.tcp = "window-probe"
	case s.Packet.PayloadLen > 0:
		k.tcp, k.seq = "any", int(s.Seq)
	case s.has(packet.FIN):
		k.tcp = "fin"
	default:
		k.tcp, k.ack = "ack", int(s.Ack)
	}
	return k
}

// losses finds what was lost. Of segments sent again it looks at every sending, so that
// faults count as the wire does.
func (f *flow) losses() {
	if !f.everywhere {
		f.guessLost()
	}
	fates := map[key][]bool{} // lost?
	var order []key
	for _, s := range f.segs {
		if s.forged || s.Reset != nil && (s.Reset.Kind == "forged" || s.Reset.Kind == "firewall") {
			continue
		}
		k := s.key()
		if fates[k] == nil {
			order = append(order, k)
		}
		fates[k] = append(fates[k], s.lost)
	}
	for _, k := range order {
		if k.tcp == "ack" && !f.worthAck(k) {
			continue
		}
		f.Losses = append(f.Losses, runs(k, fates[k])...)
	}
	for _, s := range f.segs {
		if s.Class&sender.Rexmit != 0 && (s.Original != "arrived" || s.Class&sender.RTO != 0) {
			f.Resent = append(f.Resent, Resent{Side: s.Side, Seq: int(s.Seq), Len: int(s.Packet.PayloadLen),
				Timeout: s.Class&sender.RTO != 0})
		}
	}
}

// runs are the faults that lose what was lost of equal segments.
func runs(k key, lost []bool) (out []Loss) {
	for i := 0; i < len(lost); {
		if !lost[i] {
			i++
			continue
		}
		n := 1
		for i+n < len(lost) && lost[i+n] {
			n++
		}
		l := Loss{Side: k.side, TCP: k.tcp, Seq: k.seq, Ack: k.ack, Nth: i + 1, Times: n}
		if i+n == len(lost) && n >= times {
			l.Times = 0 // and what TCP may send more
		}
		out = append(out, l)
		i += n
	}
	return out
}

// worthAck reports whether the loss of an acknowledgement made a difference: what it
// acknowledges was sent again, or the FIN was.
func (f *flow) worthAck(k key) bool {
	return slices.ContainsFunc(f.segs, func(s *segment) bool {
		return s.Side != k.side && s.Class&sender.Rexmit != 0 && int(s.end) <= k.ack
	})
}

// guessLost marks what was lost where the capture shows one end alone: what was sent
// again before it was acknowledged, and what was missing in between.
func (f *flow) guessLost() {
	for side := range 2 {
		own := f.of(side)
		for i, s := range own {
			if s.Packet.SeqLen() == 0 || s.Class&(sender.KeepAlive|sender.WindowProbe) != 0 || s.has(packet.RST) {
				continue
			}
			j := slices.IndexFunc(own[i+1:], func(o *segment) bool {
				return o.Class&sender.Rexmit != 0 && o.Seq == s.Seq && o.Packet.SeqLen() > 0
			})
			if j < 0 {
				s.lost = f.unanswered(s)
				continue
			}
			again := own[i+1+j]
			upto, _ := f.acknowledged(side, again.sent)
			s.lost = int32(upto-s.end) < 0 && again.Original != "arrived" && !f.needless(s, again)
		}
	}
}

// needless reports that the other side had a segment when it was sent again: the answer to
// the first sending came sooner than one to the second could.
func (f *flow) needless(s, again *segment) bool {
	rtt := 2 * (f.away[0] + f.away[1])
	if rtt < 4*time.Millisecond {
		return false
	}
	for _, o := range f.segs {
		if o.Side != s.Side && o.has(packet.ACK) && !o.lost && int32(o.Ack-s.end) >= 0 && o.arrived > again.sent {
			return o.arrived-again.sent < rtt*3/4
		}
	}
	return false
}

// unanswered reports that a segment is the last sending of one that was lost each time
// before, and that nothing came of this one either.
func (f *flow) unanswered(s *segment) bool {
	if s.Class&sender.Rexmit == 0 {
		return false
	}
	upto, _ := f.acknowledged(s.Side, 1<<62)
	return int32(upto-s.end) < 0 && !slices.ContainsFunc(f.segs, func(o *segment) bool {
		return o.Side != s.Side && o.has(packet.RST)
	})
}
