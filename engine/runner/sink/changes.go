//go:build linux

package sink

import (
	"fmt"
	"slices"

	"netrepro/engine/runner/task"
	"netrepro/engine/script/session"
)

// Changes remembers how cases end, and what held in them, to compare a run with the next.
type Changes struct {
	task.Sink
	ended map[string]ended
	order []string
	held  map[*task.Task][]judged
}

// ended is how a case ended.
type ended struct {
	verdict session.Verdict
	why     string
	judged  []judged
}

// judged is an expectation: where it is, what it said, and whether it held.
type judged struct {
	where, text string
	pass        bool
}

// Event implements [task.Sink].
func (c *Changes) Event(t *task.Task, e session.Event) {
	if e.Kind == session.EventExpect {
		if c.held == nil {
			c.held = map[*task.Task][]judged{}
		}
		c.held[t] = append(c.held[t], judged{e.Where, e.Text, e.Pass})
	}
	c.Sink.Event(t, e)
}

// End implements [task.Sink].
func (c *Changes) End(t *task.Task, r session.Result) {
	if c.ended == nil {
		c.ended = map[string]ended{}
	}
	name := t.Name()
	c.ended[name] = ended{r.Verdict, r.Why, c.held[t]}
	c.order = append(c.order, name)
	delete(c.held, t)
	c.Sink.End(t, r)
}

// Since is what changed since another run, a line each.
func (c *Changes) Since(before *Changes) (out []string) {
	names := slices.Clone(c.order)
	for _, name := range before.order {
		if _, ok := c.ended[name]; !ok {
			names = append(names, name)
		}
	}
	slices.Sort(names) // they end in any order
	same := 0
	for _, name := range names {
		was, known := before.ended[name]
		is, there := c.ended[name]
		switch {
		case !known:
			out = append(out, fmt.Sprintf("new      %s: %s", name, is.verdict))
		case !there:
			out = append(out, fmt.Sprintf("gone     %s", name))
		case was.verdict != is.verdict:
			out = append(out, fmt.Sprintf("changed  %s: was %s, now %s", name, was.verdict, is.verdict))
			out = append(out, differences(was, is)...)
		default:
			d := differences(was, is)
			if len(d) == 0 {
				same++
				continue
			}
			out = append(out, fmt.Sprintf("changed  %s: %s as before", name, is.verdict))
			out = append(out, d...)
		}
	}
	return append(out, fmt.Sprintf("%d of %d as before", same, len(names)))
}

// differences are expectations that hold in one run and not in the other. Lines of a script
// that is being written move: an expectation is known again by what it says as well.
func differences(was, is ended) (out []string) {
	fails := func(e ended, j judged) bool {
		return slices.ContainsFunc(e.judged, func(o judged) bool {
			return !o.pass && (o.where == j.where || o.text == j.text)
		})
	}
	for _, j := range is.judged {
		if !j.pass && !fails(was, j) {
			out = append(out, fmt.Sprintf("  fails now  %s: %s", j.where, j.text))
		}
	}
	for _, j := range was.judged {
		if !j.pass && !fails(is, j) {
			out = append(out, fmt.Sprintf("  not now    %s: %s", j.where, j.text))
		}
	}
	return out
}
