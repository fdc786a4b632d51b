package incident

import (
	"slices"

	"netrepro/engine/packet"
)

// arrived finds the largest payload of each side that arrived for sure: acknowledged, and
// no byte of it sent again in between.
func (f *Flow) arrived() {
	for i := range f.Sides {
		s := &f.Sides[i]
		again := slices.Clone(s.Resent)
		slices.SortFunc(again, func(a, b *Segment) int { return int(int32(a.Seq - b.Seq)) })
		for _, g := range s.Segments {
			by := g.Acked
			if by == nil {
				by = g.Sacked
			}
			size := int(g.PayloadLen)
			if mss := f.Sides[1-i].MSS; mss > 0 && size > mss {
				// The device cuts it, into pieces as large as its TCP believes the path to take.
				if size = mss - 12; reduced(s, g) {
					continue
				}
			}
			if by == nil || g.Again() || size <= s.LargestAcked {
				continue
			}
			at, _ := slices.BinarySearchFunc(again, g, func(o,
				g *Segment) int {
				return int(int32(o.End() - 1 - g.Seq))
			})
			sent := false
			for _, o := range again[at:] {
				if !packet.Before(o.Seq, g.End()) {
					break
				}
				sent = sent || o.Time < by.Time
			}
			if !sent {
				s.LargestAcked = size
			}
		}
	}
}

// reduced reports whether a side had sent something again in smaller pieces before g.
func reduced(s *Side, g *Segment) bool {
	sizes := map[uint32]uint32{}
	for _, o := range s.Segments {
		if o.Time >= g.Time {
			break
		}
		n := uint32(o.PayloadLen)
		if was, ok := sizes[o.Seq]; ok && o.Again() && n >= 256 && n < was && n*2 > was {
			return true
		}
		if n > 0 {
			sizes[o.Seq] = n
		}
	}
	return false
}
