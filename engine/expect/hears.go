package expect

import (
	"slices"
)

// Hears reports whether a spec depends on what kernels say of packets, which they
// may say late ([trace.Late]).
func Hears(s Spec) bool {
	switch s := s.(type) {
	case Includes:
		return s.Match.Hears()
	case Never:
		return s.Match.Hears()
	case Every:
		return s.Of.Hears() || s.Has.Hears()
	case Retransmits:
		return s.Match.Hears()
	case Sequence:
		return slices.ContainsFunc(s.Rows, func(r Row) bool { return r.Match.Hears() })
	case In:
		return Hears(s.Of) || s.Part.After.Hears() || s.Part.Before.Hears()
	case Each:
		return Hears(s.Of)
	case Same, Golden: // a form says what was lost
		return true
	}
	return false
}
