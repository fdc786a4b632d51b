//go:build linux

// Package shard deals cases out to machines that run beside each other.
//
// It runs nothing.
//
// Invariant: with the same cases and durations, every machine deals the same way, and
// each case is in exactly one shard.
package shard

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"netrepro/engine/runner/task"
	"netrepro/engine/script"
)

// Shard is one of several.
type Shard struct{ Index, Of int } // Index is from 1

// String is as it is written.
func (s Shard) String() string { return fmt.Sprintf("%d/%d", s.Index, s.Of) }

// environments are where CI systems say which of several jobs a process is in, and
// from what they count.
var environments = []struct {
	name, index, of string
	from            int
}{
	{"gitlab", "CI_NODE_INDEX", "CI_NODE_TOTAL", 1},
	{"github", "STRATEGY_JOB_INDEX", "STRATEGY_JOB_TOTAL", 0},
	{"kubernetes", "JOB_COMPLETION_INDEX", "JOB_COMPLETIONS", 0},
}

// most bounds how many shards there may be.
const most = 10_000

// Parse reads "2/5", or the name of a CI system whose environment says it, or auto for
// whichever does. A job that is one of one is no shard: Of is 1.
func Parse(text string, env func(string) string) (Shard, error) {
	var names []string
	for _, e := range environments {
		names = append(names, e.name)
		if text != e.name && text != "auto" || text == "auto" && env(e.index) == "" {
			continue
		}
		i, err := strconv.Atoi(env(e.index))
		n, err2 := strconv.Atoi(env(e.of))
		if err != nil || err2 != nil || i < e.from || n < 1 || i-e.from >= n || n > most {
			return Shard{}, fmt.Errorf("--shard %s: the environment says %s=%q and %s=%q: both must be numbers, the first "+
				"counts from %d", text, e.index, env(e.index), e.of, env(e.of), e.from)
		}
		return Shard{i - e.from + 1, n}, nil
	}
	if text == "auto" {
		return Shard{}, fmt.Errorf("--shard auto: nothing in the environment says which job this is: %s",
			"set CI_NODE_INDEX and CI_NODE_TOTAL, STRATEGY_JOB_INDEX and STRATEGY_JOB_TOTAL, or JOB_COMPLETION_INDEX "+
				"and JOB_COMPLETIONS")
	}
	a, b, _ := strings.Cut(text, "/")
	i, err := strconv.Atoi(a)
	n, err2 := strconv.Atoi(b)
	if err != nil || err2 != nil || i < 1 || n < 1 || i > n || n > most {
		return Shard{}, fmt.Errorf("--shard is i/n with i from 1 to n, as 2/5, or auto, %s, not %q",
			strings.Join(names, ", "), text)
	}
	return Shard{i, n}, nil
}

// usual is how long a case is taken to last where none has been measured, in seconds.
const usual = 1

// Deal returns the tasks of a shard, in their order: the longest first, each to whichever
// shard has least to do. seconds are how long cases took; one that is not known counts as
// the median of the others.
func Deal(tasks []*task.Task, s Shard, seconds map[string]float64) []*task.Task {
	var known []float64
	for _, t := range tasks {
		if d, ok := seconds[t.Case.ID()]; ok {
			known = append(known, d)
		}
	}
	median := float64(usual)
	if len(known) > 0 {
		slices.Sort(known)
		median = known[len(known)/2]
	}
	long := func(t *task.Task) float64 {
		if d, ok := seconds[t.Case.ID()]; ok {
			return d
		}
		return median
	}
	byLength := slices.Clone(tasks)
	slices.SortStableFunc(byLength, func(a, b *task.Task) int {
		return cmp.Or(cmp.Compare(long(b), long(a)), cmp.Compare(a.Name(), b.Name()))
	})
	sum := make([]float64, s.Of)
	mine := map[*task.Task]bool{}
	together := map[*script.Scenario]int{} // what is compared is run in one place
	for _, t := range byLength {
		least, placed := together[t.Case.Scenario]
		if placed && t.Case.Compares() {
			sum[least] += long(t)
			mine[t] = least == s.Index-1
			continue
		}
		least = 0
		for i := range sum {
			if sum[i] < sum[least] {
				least = i
			}
		}
		sum[least] += long(t)
		mine[t] = least == s.Index-1
		together[t.Case.Scenario] = least
	}
	return slices.DeleteFunc(slices.Clone(tasks), func(t *task.Task) bool { return !mine[t] })
}
