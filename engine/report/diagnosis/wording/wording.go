// Package wording writes numbers and times as sentences have them.
//
// It knows nothing of what they count.
package wording

import (
	"fmt"
	"time"
)

// Count is a number of things.
func Count(n int, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

// Round is a time with three digits or so.
func Round(d time.Duration) time.Duration {
	for _, unit := range []time.Duration{time.Second, time.Millisecond, time.Microsecond} {
		if d >= 100*unit {
			return d.Round(unit)
		}
		if d >= 10*unit {
			return d.Round(unit / 10)
		}
	}
	return d
}
