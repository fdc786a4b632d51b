package expect

import (
	"slices"

	"netrepro/engine/trace"
)

// Hears reports whether a spec depends on what kernels say of packets, which they
// may say late ([trace.Late]).
func Hears(s Spec) bool {
	switch s := s.(type) {
	case Includes:
		return hears(&s.Match)
	case Never:
		return hears(&s.Match)
	case Every:
		return hears(&s.Of) || hears(&s.Has)
	case Retransmits:
		return hears(&s.Match)
	case Sequence:
		return slices.ContainsFunc(s.Rows, func(r Row) bool { return hears(&r.Match) })
	case In:
		return Hears(s.Of) || hears(s.Part.After) || hears(s.Part.Before)
	case Each:
		return Hears(s.Of)
	case Same, Golden: // a form says what was lost
		return true
	}
	return false
}

// hears is of one match. What kernels say of resets is waited for where it is
// asked for.
func hears(m *trace.Match) bool {
	return m != nil && (m.Refused != "" || m.Timer != "" || m.Original != "")
}
