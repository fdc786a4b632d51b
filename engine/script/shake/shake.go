// Package shake makes pauses where a script, its handlers or what they wait for
// may be late on another machine, so that a case that depends on luck fails on
// this one.
//
// It knows neither scripts nor networks: whoever may be late says where it is.
//
// Invariant: how long the n-th pause at a place is depends on the seed, the place
// and n alone.
package shake

import (
	"context"
	"hash/fnv"
	"math/rand/v2"
	"slices"
	"sync"
	"time"
)

const (
	// Longest is the longest pause: more than the retransmission timeout and the
	// delayed acknowledgement of Linux at their least.
	Longest = 300 * time.Millisecond
	// Most is how long all pauses of a case are together, at most.
	Most = 20 * time.Second
	// often is how many times there may be a pause at each place before pauses
	// there become rare.
	often = 4
)

// Shaker makes the pauses of one run of a case. A nil *Shaker makes none.
type Shaker struct {
	seed uint64
	only map[string]bool // places that pauses are made at; nil for all

	mu     sync.Mutex
	times  map[string]int
	places []string // where there was a pause, in the order of the first
	total  time.Duration
	last   time.Time // when the last pause ended
}

// New makes the shaker of a seed. With only, pauses are made at these places
// alone, each as long as without.
func New(seed uint64, only []string) *Shaker {
	s := &Shaker{seed: seed, times: map[string]int{}}
	if only != nil {
		s.only = map[string]bool{}
		for _, p := range only {
			s.only[p] = true
		}
	}
	return s
}

// Pause waits for a while, or not at all, or until ctx ends.
func (s *Shaker) Pause(ctx context.Context, place string) {
	d := s.Length(place)
	if d == 0 {
		return
	}
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.last = time.Now()
}

// Length is how long the next pause at a place is; whoever asks makes it.
func (s *Shaker) Length(place string) time.Duration {
	if s == nil {
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	n := s.times[place]
	s.times[place]++
	d := draw(s.seed, place, n)
	if d == 0 || s.only != nil && !s.only[place] || s.total+d > Most {
		return 0
	}
	s.total += d
	s.last = time.Now().Add(d)
	if !slices.Contains(s.places, place) {
		s.places = append(s.places, place)
	}
	return d
}

// densities are how likely a pause is, by seed: some cases fail only where nearly
// nothing is late.
var densities = []float64{0.6, 0.1, 0.3, 0.85, 0.05}

// brief is a pause that is longer than a hop takes, and shorter than any timer of
// TCP: one in three is.
const brief = 10 * time.Millisecond

// draw is the length of the n-th pause at a place: none at times, more often at a
// place that was passed many times.
func draw(seed uint64, place string, n int) time.Duration {
	h := fnv.New64a()
	_, _ = h.Write([]byte(place)) // it cannot fail
	r := rand.New(rand.NewPCG(seed, h.Sum64()+uint64(n)))
	chance := densities[seed%uint64(len(densities))] * often / float64(max(often, n))
	most := Longest
	if r.IntN(3) == 0 {
		most = brief
	}
	if r.Float64() >= chance {
		return 0
	}
	return time.Duration(r.Int64N(int64(most)))
}

// Places are where there was a pause, in the order of the first at each.
func (s *Shaker) Places() []string {
	if s == nil {
		return nil
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.places)
}

// Since reports whether there was a pause after a time.
func (s *Shaker) Since(t time.Time) bool {
	if s == nil {
		return false
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.last.After(t)
}

// Bisect finds which of the places make the difference: the least set, as far as
// halving finds it, with which fails is true. It is asked for sets of places, and
// must be true for all of them.
func Bisect(places []string, fails func([]string) bool) []string {
	for len(places) > 1 {
		half := len(places) / 2
		switch first, second := places[:half], places[half:]; {
		case fails(first):
			places = first
		case fails(second):
			places = second
		default: // it takes some of both
			return append(Bisect(first, func(s []string) bool { return fails(slices.Concat(s, second)) }),
				Bisect(second, func(s []string) bool { return fails(slices.Concat(first, s)) })...)
		}
	}
	return places
}
