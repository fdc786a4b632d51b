package load

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"
)

func TestHistogram(t *testing.T) {
	const us, ms = time.Microsecond, time.Millisecond
	for _, tt := range []struct {
		name    string
		values  []time.Duration
		want    [4]time.Duration // 0, 50, 99 and 100 percent
		mean    time.Duration
		buckets string
	}{
		{"nothing", nil, [4]time.Duration{}, 0, "[]"},
		{"one", []time.Duration{3 * ms}, [4]time.Duration{3 * ms, 3 * ms, 3 * ms, 3 * ms}, 3 * ms, "[{5ms 1}]"},
		{"not in order", []time.Duration{4 * ms, 1 * ms, 2 * ms, 3 * ms},
			[4]time.Duration{1 * ms, 2 * ms, 4 * ms, 4 * ms}, 2500 * us, "[{1ms 1} {2ms 1} {5ms 2}]"},
		{"far apart", []time.Duration{0, 90 * us, 100 * us, 2 * ms}, [4]time.Duration{0, 90 * us, 2 * ms, 2 * ms},
			547500,
			"[{1µs 1} {2µs 0} {5µs 0} {10µs 0} {20µs 0} {50µs 0} {100µs 2} {200µs 0} {500µs 0} {1ms 0} {2ms 1}]"},
		{"a minute", []time.Duration{time.Minute}, [4]time.Duration{time.Minute, time.Minute, time.Minute, time.Minute},
			time.Minute, "[{1m40s 1}]"},
	} {
		var h Histogram
		for _, v := range tt.values {
			h.add(v)
		}
		for i, p := range []float64{0, 50, 99, 100} {
			if got := h.Percentile(p); got != tt.want[i] {
				t.Errorf("%s: %v percent are up to %s, want %s", tt.name, p, got, tt.want[i])
			}
		}
		if h.Mean() != tt.mean {
			t.Errorf("%s: mean %s, want %s", tt.name, h.Mean(), tt.mean)
		}
		if got := fmt.Sprint(h.Buckets()); got != tt.buckets {
			t.Errorf("%s: buckets %s, want %s", tt.name, got, tt.buckets)
		}
	}
}

// TestHistogramHolds holds what is said of values to the values.
func TestHistogramHolds(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 2))
	for range 200 {
		var h Histogram
		var all []time.Duration
		for range 1 + rng.IntN(300) {
			d := time.Duration(rng.ExpFloat64() * float64(time.Millisecond))
			all = append(all, d)
			h.add(d)
		}
		slices.Sort(all)
		p := rng.Float64() * 100
		v := h.Percentile(p)
		below, n := 0, 0
		for _, d := range all {
			if d <= v {
				below++
			}
		}
		if float64(below) < p/100*float64(len(all)) || !slices.Contains(all, v) {
			t.Fatalf("%v percent of %d: %s, which %d do not exceed", p, len(all), v, below)
		}
		for _, b := range h.Buckets() {
			n += b.Count
		}
		if n != len(all) {
			t.Fatalf("%d values in buckets, want %d", n, len(all))
		}
	}
}
