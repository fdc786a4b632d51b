package phrase

import (
	"time"

	"netrepro/engine/reproduction"
)

// Timeout is that of the case.
func Timeout(inc *reproduction.Incident) time.Duration {
	sum := 20 * time.Second
	for _, f := range inc.Flows {
		sum += f.Stays + 5*time.Second + Wait(inc) // where a side waits for what does not come
		for side := range f.Steps {
			for _, s := range f.Steps[side] {
				sum += s.Pause
			}
		}
	}
	return min(sum.Round(time.Second), 3*time.Minute)
}

// Wait is how long a read waits.
func Wait(inc *reproduction.Incident) time.Duration {
	var most time.Duration
	for _, f := range inc.Flows {
		most = max(most, f.Stays, min(f.Silence, 8*time.Second))
		for side := range f.Steps {
			for _, s := range f.Steps[side] {
				most = max(most, s.Pause)
			}
		}
	}
	return max(min(2*most, 12*time.Second).Round(time.Second)+2*time.Second, 3*time.Second)
}
