//go:build linux

package sink

import (
	"fmt"
	"slices"
	"testing"

	"netrepro/engine/runner/task"
	"netrepro/engine/script"
	"netrepro/engine/script/session"
)

func named(name string) *task.Task {
	return &task.Task{Case: &script.Case{Scenario: &script.Scenario{Name: name}}}
}

func TestInOrder(t *testing.T) {
	a, b, c, d := named("a"), named("b"), named("c"), named("d")
	var l log
	o := NewInOrder(&l, []*task.Task{a, b, c, d})
	over := 0
	o.Over = func(*task.Task) { over++ }
	end := func(t *task.Task, text string) {
		o.Event(t, session.Event{Text: text})
		o.End(t, session.Result{Verdict: session.Passed, Why: text})
	}
	end(b, "b")
	end(d, "d")
	if len(l.lines) > 0 || over != 2 {
		t.Errorf("before its turn: %q, %d over", l.lines, over)
	}
	o.Event(a, session.Event{Text: "a"})
	o.End(a, session.Result{Verdict: session.Passed, Why: "a"})
	want := []string{"event a", "end passed a", "event b", "end passed b"}
	if !slices.Equal(l.lines, want) {
		t.Errorf("got %q, want %q", l.lines, want)
	}
	o.Flush() // c never ended
	if want = append(want, "event d", "end passed d"); !slices.Equal(l.lines, want) {
		t.Errorf("got %q, want %q", l.lines, want)
	}
}

// TestStreaming streams the case whose turn it is, and those that ran beside it when their
// turn comes.
func TestStreaming(t *testing.T) {
	a, b, c := named("a"), named("b"), named("c")
	var l log
	var recorded int
	var lines []string
	o := NewInOrder(&l, []*task.Task{a, b, c})
	live := o.Streaming(func(*task.Task, int, session.Event) { recorded++ },
		func(t *task.Task, run int, e session.Event) {
			lines = append(lines, fmt.Sprintf("%s %d %s", t.Case.Name, run, e.Text))
		})
	live(b, 1, session.Event{Text: "lost"})
	live(a, 1, session.Event{Text: "one"})
	live(b, 2, session.Event{Text: "one"})
	live(a, 2, session.Event{Text: "two"})
	live(c, 1, session.Event{Text: "one"})
	want := []string{"a 1 one", "a 2 two"}
	if !slices.Equal(lines, want) || recorded != 5 {
		t.Errorf("before a ends: %q, %d recorded", lines, recorded)
	}
	o.End(b, session.Result{Verdict: session.Passed})
	o.End(a, session.Result{Verdict: session.Passed})
	if want = append(want, "b 2 one", "c 1 one"); !slices.Equal(lines, want) {
		t.Errorf("when a and b have ended: %q, want %q", lines, want)
	}
	if len(l.lines) != 2 {
		t.Errorf("ended: %q", l.lines)
	}
}
