// Package joining finds flows of different captures that are one connection.
package joining

import (
	"net/netip"
	"slices"

	"netrepro/engine/diagnose/incident"
	"netrepro/engine/packet"
)

// mostAlike is how many flows of a file are looked at as one connection with a flow of
// another: those of one initial sequence number, or of the same ends. A capture that
// repeats itself must not be compared flow by flow.
const mostAlike = 32

// Files makes twins of flows of different files that are one connection: the same ends, or the
// same initial sequence numbers behind a NAT.
func Files(in *incident.Incident) {
	most := mostAlike * len(in.Files)
	for i := 1; i < len(in.Files); i++ {
		at := index(in.Files[i])
		for _, file := range in.Files[:i] {
			for _, f := range file.Flows {
				for _, o := range at.alike(f) {
					if len(f.Twins) < most && len(o.Twins) < most && same(f, o) {
						f.Twins, o.Twins = append(f.Twins, o), append(o.Twins, f)
					}
				}
			}
		}
	}
}

// flows finds those of a file that may be one connection with one of another.
type flows struct {
	opened map[uint32][]*incident.Flow // by initial sequence number
	ends   map[ends][]*incident.Flow   // of those that were opened before the capture began
	both   map[ends][]*incident.Flow   // of all
	place  map[*incident.Flow]int
}

type ends = [2]netip.AddrPort

// index takes in the flows of a file.
func index(file *incident.File) *flows {
	at := &flows{opened: map[uint32][]*incident.Flow{}, ends: map[ends][]*incident.Flow{},
		both: map[ends][]*incident.Flow{}, place: map[*incident.Flow]int{}}
	for i, f := range file.Flows {
		if len(f.Segments) == 0 {
			continue
		}
		at.place[f] = i
		if f.SYN != nil {
			put(at.opened, f.SYN.Seq, f)
		} else {
			put(at.ends, f.Ends, f)
		}
		put(at.both, f.Ends, f)
	}
	return at
}

func put[K comparable](m map[K][]*incident.Flow, k K, f *incident.Flow) {
	if len(m[k]) < mostAlike {
		m[k] = append(m[k], f)
	}
}

// alike are the flows that may be one connection with f, in the order of their file.
func (at *flows) alike(f *incident.Flow) []*incident.Flow {
	switch {
	case len(f.Segments) == 0:
		return nil
	case f.SYN == nil:
		return at.both[f.Ends]
	}
	out := slices.Concat(at.opened[f.SYN.Seq], at.ends[f.Ends])
	slices.SortFunc(out, func(a, b *incident.Flow) int { return at.place[a] - at.place[b] })
	return out
}

// same reports whether two flows of different files are one connection.
func same(f, o *incident.Flow) bool {
	if f.SYN != nil && o.SYN != nil {
		return f.SYN.Seq == o.SYN.Seq && (f.Ends == o.Ends || f.SYN.HasTS && f.SYN.TSVal == o.SYN.TSVal ||
			f.Ends[0].Port() == o.Ends[0].Port() || f.Ends[1] == o.Ends[1])
	}
	if f.Ends != o.Ends {
		return false
	}
	a, b := f.Segments[0], o.Segments[0]
	return a.Missing|b.Missing != 0 || a.Side != b.Side || near(a.Seq, b.Seq)
}

// near reports whether two sequence numbers are of one connection.
func near(a, b uint32) bool {
	const span = 1 << 28
	return packet.Before(a, b+span) && packet.After(a, b-span)
}
