package inspect

import (
	"netrepro/engine/tcp"
	"netrepro/engine/view"
)

// maxPassed is how many packets are remembered as shown, and of how many that a
// filter does not show the sightings are: it may show one of them at a later
// point, behind a NAT say.
const maxPassed = 1 << 14

// shownRows knows which packets are shown, by the frame in which each was seen
// first.
type shownRows struct {
	shown  map[int]bool
	passed map[int][]*tcp.Record
	// Of both, oldest first: what is far back is not seen again.
	order [2][]int
}

// take takes in a sighting, which matches a filter or not, and reports whether it
// is shown: if any sighting of its packet before it was, it is too. before are
// the earlier sightings of a packet of which this is the first to match, if they
// are to be remembered.
func (s *shownRows) take(r *tcp.Record, matches, remember bool) (before []*tcp.Record, shown bool) {
	if s.shown == nil {
		s.shown, s.passed = map[int]bool{}, map[int][]*tcp.Record{}
	}
	first := r.First()
	switch {
	case r.Copy > 0 && s.shown[first]:
		return nil, true
	case matches:
		before = s.passed[first]
		delete(s.passed, first)
		s.shown[first] = true
		if s.order[0] = append(s.order[0], first); len(s.order[0]) > maxPassed {
			delete(s.shown, s.order[0][0])
			s.order[0] = s.order[0][1:]
		}
		return before, true
	case remember:
		s.passed[first] = append(s.passed[first], view.Keep(r))
		if s.order[1] = append(s.order[1], first); len(s.order[1]) > maxPassed {
			delete(s.passed, s.order[1][0])
			s.order[1] = s.order[1][1:]
		}
	}
	return nil, false
}
