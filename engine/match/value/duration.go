package value

import (
	"math"
	"strconv"
	"time"
)

// MaxDuration bounds every time a script writes: longer ones are slips.
const MaxDuration = 20 * 24 * time.Hour

// durationUnits are the units of times, the long before the short.
var durationUnits = []struct {
	name string
	unit time.Duration
}{
	{"d", 24 * time.Hour}, {"h", time.Hour}, {"m", time.Minute}, {"s", time.Second},
	{"ms", time.Millisecond}, {"us", time.Microsecond}, {"ns", time.Nanosecond},
}

// ParseDuration reads a time as scripts write it: numbers with units, the largest first,
// as "40ms", "1.5s", "1h30m" or "5d". ok is false for all else, and for what is longer than
// [MaxDuration].
func ParseDuration(s string) (d time.Duration, ok bool) {
	left := durationUnits
	for s != "" {
		n := leading(s, "0123456789.")
		of := leading(s[n:], "dhmnsu")
		if n == 0 {
			return 0, false
		}
		number, err := strconv.ParseFloat(s[:n], 64)
		if err != nil {
			return 0, false
		}
		at := 0
		for at < len(left) && left[at].name != s[n:n+of] {
			at++
		}
		if at == len(left) { // no unit, or not smaller than the one before
			return 0, false
		}
		add := number * float64(left[at].unit)
		if add > float64(MaxDuration) {
			return 0, false
		}
		d += time.Duration(math.Round(add))
		s, left, ok = s[n+of:], left[at+1:], true
	}
	return d, ok && d <= MaxDuration
}

// leading is how many bytes at the front of s are among chars.
func leading(s, chars string) int {
	for i := range len(s) {
		found := false
		for j := range len(chars) {
			found = found || s[i] == chars[j]
		}
		if !found {
			return i
		}
	}
	return len(s)
}
