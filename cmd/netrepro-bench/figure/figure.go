//go:build linux

// Package figure is what the bench prints of several measurements of one thing.
package figure

import (
	"fmt"
	"slices"
	"time"
)

// Spread is the least, the middle and the greatest of several values.
type Spread struct{ Min, Median, Max float64 }

// Of is the spread of values, of which there is one at least.
func Of(values []float64) Spread {
	v := slices.Clone(values)
	slices.Sort(v)
	return Spread{v[0], v[len(v)/2], v[len(v)-1]}
}

// String shows the middle, then the others.
func (s Spread) String() string { return fmt.Sprintf("%.2f (%.2f to %.2f)", s.Median, s.Min, s.Max) }

// Milliseconds of a duration.
func Milliseconds(d time.Duration) float64 { return d.Seconds() * 1000 }
