package segment

import (
	"cmp"
	"slices"
	"sort"
	"time"

	"netrepro/engine/packet"
)

// index has what is asked for with every segment of a flow, so that a long connection is
// not gone through for each. It is built when it is first asked, and again after
// [Flow.Lose].
type index struct {
	of   [2][]*Segment
	most [2]*uint32
	// by the side whose data it is about
	acked [2][]acked
	had   [2][]had
}

// acked says how far a side's data was acknowledged, from a time on.
type acked struct {
	since time.Duration
	upto  uint32
	sent  int // the place of the acknowledgement among the segments
}

// had says up to where a side had what the other sent, and since when.
type had struct {
	next uint32
	at   time.Duration
}

// Lose says whether a segment was lost.
func (f *Flow) Lose(s *Segment, lost bool) {
	if s.Lost != lost {
		s.Lost = lost
		f.index.acked[1-s.Side], f.index.had[1-s.Side] = nil, nil
	}
}

// Of are the segments of a side. They are not to be changed.
func (f *Flow) Of(side int) []*Segment {
	if f.index.of[side] == nil {
		f.index.of[side] = slices.DeleteFunc(slices.Clone(f.Segs), func(s *Segment) bool { return s.Side != side })
	}
	return f.index.of[side]
}

// Most is the highest acknowledgement of a side.
func (f *Flow) Most(side int) uint32 {
	if f.index.most[side] == nil {
		var ack uint32
		for _, s := range f.Of(side) {
			if s.Has(packet.ACK) && !s.Has(packet.RST) {
				ack = max(ack, s.Ack)
			}
		}
		f.index.most[side] = &ack
	}
	return *f.index.most[side]
}

// Arrival is when a side had all that the other had sent before seq.
func (f *Flow) Arrival(side int, seq uint32) time.Duration {
	if f.index.had[side] == nil {
		f.index.had[side] = f.arrivals(side)
	}
	all := f.index.had[side]
	i := sort.Search(len(all), func(i int) bool { return int32(all[i].next-seq) >= 0 })
	return all[min(i, len(all)-1)].at
}

// arrivals are in the order of numbers.
func (f *Flow) arrivals(side int) []had {
	out := []had{{next: 1}}
	for _, s := range f.Of(1 - side) {
		last := out[len(out)-1]
		if !s.Lost && s.Packet.SeqLen() > 0 && int32(s.End-last.next) > 0 {
			out = append(out, had{s.End, max(last.at, s.Arrived)})
		}
	}
	return out
}

// Acknowledged is how far the other side had acknowledged what a side sent, as that
// side knew at a time.
func (f *Flow) Acknowledged(side int, at time.Duration) (upto uint32, since time.Duration) {
	if f.index.acked[side] == nil {
		f.index.acked[side] = f.acknowledgements(side)
	}
	all := f.index.acked[side]
	i := sort.Search(len(all), func(i int) bool { return all[i].since > at })
	if i == 0 {
		return 0, 0
	}
	return all[i-1].upto, all[i-1].since
}

// acknowledgements are in the order in which they arrived. Of two of one number the one
// that was sent first says since when.
func (f *Flow) acknowledgements(side int) []acked {
	var came []acked
	for i, s := range f.Of(1 - side) {
		if s.Has(packet.ACK) && !s.Has(packet.RST) && !s.Lost {
			came = append(came, acked{s.Arrived, s.Ack, i})
		}
	}
	slices.SortStableFunc(came, func(a, b acked) int { return cmp.Compare(a.since, b.since) })
	out := []acked{}
	var last acked
	for _, a := range came {
		if d := int32(a.upto - last.upto); d > 0 || d == 0 && a.sent < last.sent {
			out, last = append(out, a), a
		}
	}
	return out
}
