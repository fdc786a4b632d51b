//go:build linux

package sink

import (
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
