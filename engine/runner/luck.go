//go:build linux

package runner

import (
	"fmt"
	"os"
	"strings"

	"netrepro/engine/runner/task"
	"netrepro/engine/runner/worker"
	"netrepro/engine/script/session"
	"netrepro/engine/script/shake"
)

// shakeSeed is what the pauses of a round of t are drawn from: --shake=1 with this
// seed makes them again.
func shakeSeed(t *task.Task, o Options) uint64 { return max(o.Seed+uint64(t.Round)-1, 1) }

// luck finds which of the pauses of a run had it fail, by running it again with
// some of them, and says so.
func luck(job worker.Job, res session.Result, run func(worker.Job) (session.Result, error)) (why string, err error) {
	// The capture of the run that failed stays.
	job.Capture += ".again"
	defer func() { _ = os.Remove(job.Capture) }() // it may not be there
	var first error
	fails := func(only []string) bool {
		job.ShakeOnly = append([]string{}, only...) // not nil: that would be all
		r, err := run(job)
		if first == nil {
			first = err
		}
		return r.Verdict == session.Failed || r.Verdict == session.Errored
	}
	var b strings.Builder
	if res.Why != "" {
		fmt.Fprintf(&b, "%s\n", res.Why)
	}
	fmt.Fprintf(&b, "shaken with --shake=1 --seed %d: ", job.Shake)
	switch {
	case fails(nil):
		b.WriteString("it fails without any pause too")
	case !fails(res.Paused):
		b.WriteString("it depends on luck, but did not fail again with the same pauses: run it with more rounds")
	default:
		b.WriteString("it depends on luck; what makes the difference is a pause")
		for _, p := range shake.Bisect(res.Paused, fails) {
			fmt.Fprintf(&b, "\n  %s", p)
		}
	}
	return b.String(), first
}
