package value

import (
	"testing"
	"time"
)

func TestParseDuration(t *testing.T) {
	for _, tt := range []struct {
		text string
		want time.Duration
	}{
		{"40ms", 40 * time.Millisecond},
		{"1.5s", 1500 * time.Millisecond},
		{"200us", 200 * time.Microsecond},
		{"7ns", 7},
		{"2m", 2 * time.Minute},
		{"2h", 2 * time.Hour},
		{"5d", 120 * time.Hour},
		{"1h30m", 90 * time.Minute},
		{"1d2h3m4s5ms", 26*time.Hour + 3*time.Minute + 4*time.Second + 5*time.Millisecond},
		{"20d", MaxDuration},
		{"0s", 0},
		{"0.1s", 100 * time.Millisecond},
	} {
		if got, ok := ParseDuration(tt.text); !ok || got != tt.want {
			t.Errorf("%q: got %v, %v, want %v", tt.text, got, ok, tt.want)
		}
	}
	for _, text := range []string{"", "5", "s", "-1s", "+1s", "1µs", "1w", "1m1h", "1s1s", "20d1ns", "1..5s", ".s",
		"1 s", "1e3s", "1e999d", "99999999999999999999d", "1ss", "NaNs"} {
		if got, ok := ParseDuration(text); ok {
			t.Errorf("%q: got %v, want none", text, got)
		}
	}
}

func FuzzParseDuration(f *testing.F) {
	for _, s := range []string{"40ms", "1h30m", "5d", "20d1ns", "1.5s"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if d, ok := ParseDuration(s); ok && (d < 0 || d > MaxDuration) {
			t.Errorf("%q: %v is out of bounds", s, d)
		}
	})
}
