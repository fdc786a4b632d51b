package expect

import (
	"slices"

	"netrepro/engine/match"
)

// kernelOnly are the keys of which packets alone tell nothing.
var kernelOnly = []string{"kernel_drop", "timer"}

// KernelOnly is a key that a spec asks for and that kernels alone know, empty if there is
// none.
func KernelOnly(s Spec) string {
	asked := func(ms ...match.Match) string {
		for _, m := range ms {
			for _, key := range kernelOnly {
				if m.Asks(key) {
					return key
				}
			}
		}
		return ""
	}
	switch s := s.(type) {
	case Includes:
		return asked(s.Match)
	case Every:
		return asked(s.Has)
	case Sequence:
		for _, r := range s.Rows {
			if key := asked(r.Match); key != "" {
				return key
			}
		}
	case In:
		return KernelOnly(s.Of)
	case Each:
		return KernelOnly(s.Of)
	}
	return ""
}

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
