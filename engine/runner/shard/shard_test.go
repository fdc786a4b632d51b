//go:build linux

package shard

import (
	"fmt"
	"math"
	"math/rand/v2"
	"strings"
	"testing"

	"netrepro/engine/runner/task"
	"netrepro/engine/script"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct{ text, env, want, err string }{
		{"2/5", "", "2/5", ""},
		{"1/1", "", "1/1", ""},
		{"0/5", "", "", "i from 1 to n"},
		{"6/5", "", "", "i from 1 to n"},
		{"2", "", "", "i from 1 to n"},
		{"x/y", "", "", "not \"x/y\""},
		{"gitlab", "CI_NODE_INDEX=2 CI_NODE_TOTAL=3", "2/3", ""},
		{"github", "STRATEGY_JOB_INDEX=0 STRATEGY_JOB_TOTAL=3", "1/3", ""},
		{"kubernetes", "JOB_COMPLETION_INDEX=2 JOB_COMPLETIONS=3", "3/3", ""},
		{"auto", "JOB_COMPLETION_INDEX=2 JOB_COMPLETIONS=3", "3/3", ""},
		{"auto", "", "", "nothing in the environment"},
		{"gitlab", "CI_NODE_INDEX=2", "", `CI_NODE_TOTAL=""`},
		{"gitlab", "CI_NODE_INDEX=0 CI_NODE_TOTAL=3", "", "counts from 1"},
		{"kubernetes", "JOB_COMPLETION_INDEX=3 JOB_COMPLETIONS=3", "", "counts from 0"},
	} {
		s, err := Parse(tt.text, func(name string) string {
			for _, pair := range strings.Fields(tt.env) {
				if v, ok := strings.CutPrefix(pair, name+"="); ok {
					return v
				}
			}
			return ""
		})
		if tt.err == "" && (err != nil || s.String() != tt.want) ||
			tt.err != "" && (err == nil || !strings.Contains(err.Error(), tt.err)) {
			t.Errorf("%s with %q: got %v, %v", tt.text, tt.env, s, err)
		}
	}
}

// TestDeal deals each case once, and evenly.
func TestDeal(t *testing.T) {
	rng := rand.New(rand.NewPCG(1, 1))
	var tasks []*task.Task
	seconds := map[string]float64{}
	sum := 0.0
	for i := range 200 {
		name := fmt.Sprintf("c%d", i)
		tasks = append(tasks, &task.Task{Case: &script.Case{Scenario: &script.Scenario{Name: name}}})
		if i%10 > 0 { // the others are new
			seconds[name] = 0.05 + rng.ExpFloat64()
			sum += seconds[name]
		}
	}
	for _, n := range []int{1, 2, 3, 4, 8} {
		seen := map[*task.Task]int{}
		most, least := 0.0, math.Inf(1)
		for i := 1; i <= n; i++ {
			long, last := 0.0, -1
			for _, x := range Deal(tasks, Shard{i, n}, seconds) {
				seen[x]++
				long += seconds[x.Case.ID()]
				at := 0
				for tasks[at] != x {
					at++
				}
				if at < last {
					t.Fatalf("%d/%d: not in order", i, n)
				}
				last = at
			}
			most, least = max(most, long), min(least, long)
		}
		for _, x := range tasks {
			if seen[x] != 1 {
				t.Errorf("of %d shards %d have %s", n, seen[x], x.Name())
			}
		}
		if most > 1.1*sum/float64(n) || least < 0.9*sum/float64(n) {
			t.Errorf("%d shards last from %.1f to %.1f s", n, least, most)
		}
	}
}
