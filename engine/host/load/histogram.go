package load

import (
	"math"
	"slices"
	"time"
)

// Histogram is how long something took, each time. Every value is kept, so that
// what it says is exact.
type Histogram struct {
	values []time.Duration
	sorted bool
}

// add notes one value.
func (h *Histogram) add(d time.Duration) { h.values, h.sorted = append(h.values, d), false }

// Count is how many values there are.
func (h *Histogram) Count() int { return len(h.values) }

// Percentile is the least value that p percent of all values do not exceed: 0 the
// least, 100 the greatest. It is 0 if there are none.
func (h *Histogram) Percentile(p float64) time.Duration {
	if len(h.values) == 0 {
		return 0
	}
	h.sort()
	rank := int(math.Ceil(p / 100 * float64(len(h.values))))
	return h.values[min(max(rank, 1), len(h.values))-1]
}

// Mean is the arithmetic mean, 0 if there are none.
func (h *Histogram) Mean() time.Duration {
	if len(h.values) == 0 {
		return 0
	}
	var sum float64
	for _, d := range h.values {
		sum += float64(d)
	}
	return time.Duration(sum / float64(len(h.values)))
}

// Bucket is how many values are above the bucket before and not above UpTo.
type Bucket struct {
	UpTo  time.Duration
	Count int
}

// Buckets are the values by bounds of 1, 2 and 5 times powers of ten, from the
// first bucket that has any to the last.
func (h *Histogram) Buckets() []Bucket {
	h.sort()
	var out []Bucket
	next := 0
	for bound, n := time.Microsecond, 0; next < len(h.values); n++ {
		b := Bucket{UpTo: bound}
		for next < len(h.values) && h.values[next] <= bound {
			next++
			b.Count++
		}
		if b.Count > 0 || len(out) > 0 {
			out = append(out, b)
		}
		bound *= 2
		if n%3 == 1 { // 1, 2, 5, 10
			bound += bound / 4
		}
	}
	return out
}

func (h *Histogram) sort() {
	if !h.sorted {
		slices.Sort(h.values)
		h.sorted = true
	}
}
