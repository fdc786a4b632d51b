package shake

import (
	"context"
	"fmt"
	"math"
	"slices"
	"testing"
	"time"
)

func TestPausesDependOnTheSeed(t *testing.T) {
	lengths := func(seed uint64, only []string) (out []time.Duration) {
		s := New(seed, only)
		for n := range 40 {
			out = append(out, s.Length(fmt.Sprint("place ", n%8)))
		}
		return out
	}
	if a, b := lengths(1, nil), lengths(1, nil); !slices.Equal(a, b) {
		t.Errorf("the same seed: %v and %v", a, b)
	}
	a, b := lengths(1, nil), lengths(2, nil)
	if slices.Equal(a, b) {
		t.Error("two seeds make the same pauses")
	}
	none := 0
	for _, d := range a {
		if d == 0 {
			none++
		}
		if d > Longest {
			t.Errorf("a pause of %s", d)
		}
	}
	if none == 40 || none == 0 {
		t.Errorf("%d of 40 are none", none)
	}
	for n, d := range lengths(1, []string{"place 3"}) {
		if want := a[n]; n%8 != 3 && d != 0 || n%8 == 3 && d != want {
			t.Errorf("pause %d with one place alone is %s, with all %s", n, d, want)
		}
	}
}

func TestPausesEnd(t *testing.T) {
	s := New(1, nil)
	total := time.Duration(0)
	for n := range 100000 {
		total += s.Length(fmt.Sprint(n))
	}
	if total > Most || total < Most/2 {
		t.Errorf("all pauses take %s, want up to %s", total, Most)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	for n := range 1000 {
		New(1, nil).Pause(ctx, fmt.Sprint(n)) // ends at once
	}
	var none *Shaker
	none.Pause(ctx, "anywhere")
	if none.Length("anywhere") != 0 || none.Places() != nil || none.Since(time.Time{}) {
		t.Error("no shaker makes pauses")
	}
}

func TestBisect(t *testing.T) {
	var places []string
	for n := range 50 {
		places = append(places, fmt.Sprint(n))
	}
	for _, guilty := range [][]string{{"0"}, {"49"}, {"17"}, {"3", "40"}, {"24", "25"}, {"1", "20", "45"}} {
		asked := 0
		got := Bisect(places, func(s []string) bool {
			asked++
			for _, g := range guilty {
				if !slices.Contains(s, g) {
					return false
				}
			}
			return true
		})
		if !slices.Equal(got, guilty) {
			t.Errorf("got %v, want %v", got, guilty)
		}
		if most := 2 * len(guilty) * int(math.Ceil(math.Log2(50))+1); asked > most {
			t.Errorf("%v took %d runs, want at most %d", guilty, asked, most)
		}
	}
}
