package transfer

import (
	"fmt"
	"time"

	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/packet"
	"netrepro/engine/tcp"
)

// damaged are segments that arrive with a wrong checksum: the receiver's kernel drops
// them without a word.
func damaged(f *incident.Flow, side int) *finding.Finding {
	s := &f.Sides[side]
	if s.Bad+s.BadTunnels == 0 || local(f, side) {
		return nil
	}
	var bad, again []*incident.Segment
	arrived, counted := 0, 0
	good := map[uint32]time.Duration{} // when bytes were last sent with a right checksum
	for _, g := range s.Segments {
		if !g.Checksum.Drops() {
			good[g.Seq] = g.Time
		}
	}
	for _, g := range s.Segments {
		if !g.Checksum.Drops() {
			continue
		}
		bad = append(bad, g)
		if g.SeqLen() > 0 {
			counted++
		}
		if g.Acked != nil && good[g.Seq] <= g.Time && g.SeqLen() > 0 {
			arrived++
		}
	}
	if counted == 0 || arrived*2 >= counted {
		return nil
	}
	damagedAt := map[uint32]*incident.Segment{} // the first by its sequence number
	for _, b := range bad {
		if damagedAt[b.Seq] == nil {
			damagedAt[b.Seq] = b
		}
	}
	for _, g := range s.Resent {
		if b := damagedAt[g.Seq]; b != nil && b != g {
			again = append(again, g)
		}
	}
	what := "a wrong TCP checksum"
	if bad[0].Checksum == packet.BadTunnel {
		what = "a wrong UDP checksum of the tunnel around them"
	}
	c := finding.New("checksum-bad", f).
		Say("%d of the %s's segments arrive with %s; the %s's kernel drops them without a word.",
			len(bad), incident.Name(side), what, incident.Name(1-side))
	c.For(1.6, fmt.Sprintf("%d checksums do not fit, on the side that receives them", len(bad)), bad...)
	if len(again) > 0 {
		c.For(1.2, "they are not acknowledged and have to be sent again", again...)
	}
	if arrived == 0 && len(bad) > 2 {
		c.For(1, "none of them is ever answered")
	}
	if n := f.Others(func(o *incident.Flow) bool {
		return o.Ends[1-side] == f.Ends[1-side] &&
			o.Sides[side].Good > 1
	}); len(n) > 0 {
		c.For(0.8, "the checksums of others fit here, so it is no offload")
	}
	if s.Good > 0 {
		c.For(0.5, fmt.Sprintf("%d others of the same sender fit, so it is no offload", s.Good))
	}
	return c.IsNot("loss-one-way: they arrive, damaged")
}

// local reports whether the capture was made on the host of a side, whose checksums its
// network card completes.
func local(f *incident.Flow, side int) bool {
	s := &f.Sides[side]
	switch {
	case f.Near(side):
		return true
	case f.From == incident.AtClient || f.From == incident.AtServer:
		return false
	}
	for _, g := range s.Segments {
		if g.Direction == tcp.Out {
			return true
		}
	}
	return s.BadTunnels == 0 && s.Good == 0 && f.Sides[1-side].Bad == 0 && !s.Travelled() && !rightElsewhere(f, side)
}

// rightElsewhere reports whether the checksum of a side's segments is right in another capture.
func rightElsewhere(f *incident.Flow, side int) bool {
	for _, t := range f.Twins {
		if t.Near(side) && t.Sides[side].Good > 0 && t.Sides[side].Bad == 0 {
			return true
		}
	}
	return false
}

// ethernet is the MSS of a device with an MTU of 1500 bytes: one that announces less may have
// been told to, for what is behind it.
const ethernet = 1460

// offloaded is a frame larger than the MSS: cut, or joined, by the capturing host.
func offloaded(in *incident.Incident) (found []*finding.Finding) {
	in.All(func(f *incident.Flow) {
		for side := range f.Sides {
			s := &f.Sides[side]
			mss := f.Sides[1-side].MSS // it bounds what this side may send
			known := mss > 0
			if own := s.MSS; own > 0 && known { // and no frame is larger than the device that it goes out by
				mss = min(mss, max(own, ethernet))
			}
			if !known {
				mss = ethernet
			}
			if s.Largest <= mss {
				continue
			}
			var big []*incident.Segment
			arrived := 0
			for _, g := range s.Segments {
				if int(g.PayloadLen) > mss {
					big = append(big, g)
					if g.Acked != nil {
						arrived++
					}
				}
			}
			if arrived*2 < len(big) {
				continue
			}
			c := finding.New("jumbo-is-tso", f)
			if known {
				c.Say("Frames of up to %d bytes of payload, with an MSS of %d, are segmentation offload: the capture was made "+
					"before the card cuts them, or after it joined them. On the wire they are not larger than the MSS.",
					s.Largest, mss)
			} else {
				c.Say("Frames of up to %d bytes of payload are most likely segmentation offload: the capture was made before the "+
					"card cuts them, or after it joined them. The MSS is not known: on a network with jumbo frames they may be "+
					"what crosses the wire.", s.Largest)
			}
			c.For(1.6, fmt.Sprintf("%d segments are larger than the MSS, and they are acknowledged", len(big)), big...)
			if known {
				c.For(0.6, "both MSS are known")
			}
			found = append(found, c.IsNot("pmtu-blackhole: they arrive").
				IsNot("no jumbo frames were on the wire"))
			break
		}
	})
	return found
}
