package finding

import "netrepro/engine/diagnose/incident"

// Each makes a rule of one that looks at flows one at a time.
func Each(of func(*incident.Flow) *Finding) Rule {
	return func(in *incident.Incident) (found []*Finding) {
		in.All(func(f *incident.Flow) {
			if c := of(f); c != nil {
				found = append(found, c)
			}
		})
		return found
	}
}

// Sides makes a rule of one that looks at what one side of a flow sent.
func Sides(of func(*incident.Flow, int) *Finding) Rule {
	return func(in *incident.Incident) (found []*Finding) {
		in.All(func(f *incident.Flow) {
			for side := range f.Sides {
				if c := of(f, side); c != nil {
					found = append(found, c)
				}
			}
		})
		return found
	}
}
