//go:build linux

package sink

import (
	"slices"
	"testing"

	"netrepro/engine/runner/task"
	"netrepro/engine/script"
	"netrepro/engine/script/session"
)

// TestChanges says what is otherwise than in the run before.
func TestChanges(t *testing.T) {
	type outcome struct {
		verdict session.Verdict
		judged  []session.Event
	}
	held := session.Event{Kind: session.EventExpect, Where: "s.lua:3", Text: "expected 1, saw 1", Pass: true}
	failed := session.Event{Kind: session.EventExpect, Where: "s.lua:3", Text: "expected 1, saw 2"}
	moved := session.Event{Kind: session.EventExpect, Where: "s.lua:9", Text: "expected 1, saw 2"}
	run := func(of map[string]outcome) *Changes {
		c := &Changes{Sink: &log{}}
		for name, o := range of {
			task := &task.Task{Case: &script.Case{Scenario: &script.Scenario{Name: name}}}
			for _, e := range o.judged {
				c.Event(task, e)
			}
			c.End(task, session.Result{Verdict: o.verdict})
		}
		return c
	}
	pass, fail := outcome{session.Passed, []session.Event{held}}, outcome{session.Failed, []session.Event{failed}}
	for _, tt := range []struct {
		name     string
		was, now map[string]outcome
		want     []string
	}{
		{"nothing", map[string]outcome{"a": pass}, map[string]outcome{"a": pass}, []string{"1 of 1 as before"}},
		{"it fails", map[string]outcome{"a": pass}, map[string]outcome{"a": fail},
			[]string{"changed  a: was passed, now failed", "  fails now  s.lua:3: expected 1, saw 2", "0 of 1 as before"}},
		{"it holds again", map[string]outcome{"a": fail}, map[string]outcome{"a": pass},
			[]string{"changed  a: was failed, now passed", "  not now    s.lua:3: expected 1, saw 2", "0 of 1 as before"}},
		{"its line moved", map[string]outcome{"a": fail},
			map[string]outcome{"a": {session.Failed, []session.Event{moved}}}, []string{"1 of 1 as before"}},
		{"cases come and go", map[string]outcome{"a": pass}, map[string]outcome{"b": pass},
			[]string{"gone     a", "new      b: passed", "0 of 2 as before"}},
	} {
		if got := run(tt.now).Since(run(tt.was)); !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}
