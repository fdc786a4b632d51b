package chance

import (
	"math"
	"testing"
)

// TestMean holds the shares that chains are made for to those that they say.
func TestMean(t *testing.T) {
	for _, tt := range [][2]float64{{0.01, 3}, {0.05, 1}, {0.3, 10}} {
		m, err := Bursts(tt[0], tt[1])
		if err != nil || math.Abs(m.Mean()-tt[0]) > 1e-9 || math.Abs(1/m.R-tt[1]) > 1e-9 {
			t.Errorf("rate %v in runs of %v became %s, %v", tt[0], tt[1], &m, err)
		}
	}
	for m, want := range map[Model]float64{
		{P: 0.2}: 0.2, {States: true, Good: 0.1, Bad: 1}: 0.1, {States: true, P: 1, R: 1, Bad: 1}: 0.5,
	} {
		if got := m.Mean(); math.Abs(got-want) > 1e-9 {
			t.Errorf("%s: mean %v, want %v", &m, got, want)
		}
	}
}

// TestDice draws the same for the same numbers and other for others.
func TestDice(t *testing.T) {
	m := &Model{P: 0.5}
	draw := func(seed, stream uint64) (n uint64) {
		d := NewDice(m, seed, stream)
		for range 64 {
			if n <<= 1; d.Hit() {
				n++
			}
		}
		return n
	}
	again := draw(1, 2)
	if draw(1, 2) != again || draw(1, 3) == again || draw(2, 2) == again {
		t.Error("what is drawn does not follow from the numbers")
	}
}

func TestBurstsRefuses(t *testing.T) {
	for _, tt := range [][2]float64{{0.1, 0.5}, {1, 5}, {0.9, 2}} {
		if m, err := Bursts(tt[0], tt[1]); err == nil {
			t.Errorf("rate %v in runs of %v became %s", tt[0], tt[1], &m)
		}
	}
}
