package path

import (
	"slices"
	"sort"

	"netrepro/engine/reproduction/segment"
)

// span is a part of sequence space, to left out.
type span struct{ from, to uint32 }

// spans are parts of sequence space that do not touch, in order.
type spans []span

// reaching is the first that ends behind seq, or at it.
func (all spans) reaching(seq uint32) int {
	return sort.Search(len(all), func(i int) bool { return int32(all[i].to-seq) >= 0 })
}

// add adds a part.
func (all *spans) add(s span) {
	i := all.reaching(s.from)
	j := i
	for ; j < len(*all) && int32((*all)[j].from-s.to) <= 0; j++ {
		if o := (*all)[j]; int32(o.from-s.from) < 0 {
			s.from = o.from
		}
		if o := (*all)[j]; int32(o.to-s.to) > 0 {
			s.to = o.to
		}
	}
	*all = slices.Replace(*all, i, j, s)
}

// meet reports that a part has something in common with one of them.
func (all spans) meet(s span) bool {
	i := all.reaching(s.from + 1)
	return i < len(all) && int32(s.to-all[i].from) > 0
}

// cover reports that one of them has all of a part.
func (all spans) cover(s span) bool {
	i := all.reaching(s.from)
	return i < len(all) && int32(s.from-all[i].from) >= 0 && int32(all[i].to-s.to) >= 0
}

// sacked is what the other side said that it had, after the segments that are asked for
// from the last to the first.
type sacked struct {
	later []*segment.Segment // of the other side, not taken in yet
	had   spans
}

// covers reports that the other side said, when a segment was sent or after, that it has it.
func (k *sacked) covers(s *segment.Segment) bool {
	for n := len(k.later); n > 0 && k.later[n-1].Sent >= s.Sent; n = len(k.later) {
		for _, b := range k.later[n-1].Packet.SACK() {
			if int32(b.Right-b.Left) > 0 {
				k.had.add(span{b.Left, b.Right})
			}
		}
		k.later = k.later[:n-1]
	}
	return k.had.cover(span{s.Packet.Seq, s.Packet.Seq + s.Packet.SeqLen()})
}
