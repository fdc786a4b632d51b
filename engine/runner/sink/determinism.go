//go:build linux

package sink

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"netrepro/engine/lab/stall"
	"netrepro/engine/runner/task"
	"netrepro/engine/script/session"
	"netrepro/engine/trace/golden"
)

// Determinism is a sink that compares the normal forms of the rounds of each
// case and passes everything on. A round that differs proves nothing where the
// host stalled for so long that TCP itself may have acted on it.
type Determinism struct {
	task.Sink
	forms map[*task.Task][]string
	cases map[string]*rounds
	order []string
}

// rounds are the runs of one case.
type rounds struct {
	runs    []round
	left    int // rounds without a form to compare
	skipped int // rounds that this machine cannot play
}

type round struct {
	name    string
	form    []string
	stalled time.Duration // the longest stall of the host
}

func (r round) quiet() bool { return r.stalled < stall.Matters }

// Event implements [task.Sink].
func (d *Determinism) Event(t *task.Task, e session.Event) {
	if e.Kind != session.EventForm {
		d.Sink.Event(t, e)
		return
	}
	if d.forms == nil {
		d.forms = map[*task.Task][]string{}
	}
	d.forms[t] = strings.Split(e.Text, "\n")
}

// End implements [task.Sink].
func (d *Determinism) End(t *task.Task, r session.Result) {
	d.Sink.End(t, r)
	id := t.Case.ID()
	if d.cases == nil {
		d.cases = map[string]*rounds{}
	}
	c := d.cases[id]
	if c == nil {
		c = &rounds{}
		d.cases[id] = c
		d.order = append(d.order, id)
	}
	form := d.forms[t]
	delete(d.forms, t)
	if r.Verdict == session.Skipped {
		c.skipped++
		return
	}
	unended := []session.Verdict{session.Inconclusive, session.Errored}
	if form == nil || slices.Contains(unended, r.Verdict) {
		c.left++
		return
	}
	c.runs = append(c.runs, round{t.Name(), form, r.Stalled})
}

// Report says of each case how many rounds meant the same, and whether all did.
func (d *Determinism) Report() (lines []string, ok bool) {
	ok = true
	for _, id := range d.order {
		c := d.cases[id]
		if c.skipped > 0 && c.left+len(c.runs) == 0 { // whether that is a failure is --require's matter
			lines = append(lines, fmt.Sprintf("%-44s skipped", id))
			continue
		}
		same, left, differ, excused := c.compare()
		s := fmt.Sprintf("%-44s %d rounds mean the same", id, same)
		if left > 0 {
			s += fmt.Sprintf(", %d prove nothing", left)
		}
		if same+len(differ) < 2 {
			ok = false
			s += ": too few to compare"
		}
		ok = ok && len(differ) == 0
		lines = append(lines, s)
		for _, x := range differ {
			lines = append(lines, "  ✗ "+x)
		}
		for _, x := range excused {
			lines = append(lines, "  ? "+x)
		}
	}
	return lines, ok
}

// compare counts the rounds that mean what the first one does during which the
// host did not stall, and says of the others what is different in them; excused
// are those of which nothing follows.
func (c *rounds) compare() (same, left int, differ, excused []string) {
	left = c.left
	if len(c.runs) == 0 {
		return same, left, nil, nil
	}
	first := c.runs[max(slices.IndexFunc(c.runs, round.quiet), 0)]
	for _, r := range c.runs {
		diff := golden.Diff(first.form, r.form)
		about := fmt.Sprintf("%s differs from %s:\n      %s", r.name, first.name, strings.Join(diff, "\n      "))
		switch {
		case len(diff) == 0:
			same++
		case first.quiet() && r.quiet():
			differ = append(differ, about)
		default:
			left++
			stalled := max(first.stalled, r.stalled).Round(time.Millisecond)
			excused = append(excused, fmt.Sprintf("the host stalled for %s: %s", stalled, about))
		}
	}
	return same, left, differ, excused
}
