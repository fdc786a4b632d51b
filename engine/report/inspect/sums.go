package inspect

import (
	"net/netip"

	"netrepro/engine/packet"
	"netrepro/engine/tcp"
)

// sums knows hosts whose checksums were once right.
//
// A host that leaves them to its network card sends none that is right, as far as a
// capture on that host shows; what it is sent has right ones. A wrong checksum says
// something only of a host of which a right one was seen.
type sums struct {
	right map[summed]bool
	last  [2]summed // seen to be right, which most are again
}

// summed is a host as one capture point sees it, with one protocol: cards are given the
// checksums of some protocols alone.
type summed struct {
	addr  netip.Addr
	point int
	proto uint8
}

// maxSummed bounds how many hosts are known; of more nothing is said.
const maxSummed = 1 << 14

// judge takes in what the checksum of a packet is. A wrong one that its sender has left to
// the network card is unsaid.
func (s *sums) judge(r *tcp.Record) {
	p := r.Packet
	if p.Checksum != packet.GoodSum && p.Checksum != packet.BadSum {
		return
	}
	from := summed{p.Src, r.Point, p.Proto}
	if p.Checksum == packet.GoodSum {
		if from == s.last[0] || from == s.last[1] {
			return
		}
		s.last[0], s.last[1] = from, s.last[0]
		if len(s.right) < maxSummed {
			if s.right == nil {
				s.right = map[summed]bool{}
			}
			s.right[from] = true
		}
		return
	}
	if r.Direction == tcp.Out || !s.right[from] {
		p.Checksum = packet.Unchecked
		return
	}
	r.Notes = append(r.Notes, "its checksum is wrong: whoever receives it throws it away")
}
