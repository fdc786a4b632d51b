//go:build linux

package sink

import (
	"strings"
	"testing"
	"time"

	"netrepro/engine/lab/stall"
	"netrepro/engine/runner/task"
	"netrepro/engine/script"
	"netrepro/engine/script/session"
)

type nothing struct{}

func (nothing) Begin(*task.Task)                {}
func (nothing) Event(*task.Task, session.Event) {}
func (nothing) End(*task.Task, session.Result)  {}

func TestDeterminism(t *testing.T) {
	const long = stall.Matters
	type run struct {
		form    string
		stalled time.Duration
		verdict session.Verdict
	}
	for _, test := range []struct {
		name string
		runs []run
		ok   bool
		says []string
	}{
		{"alike", []run{{form: "a"}, {form: "a"}, {form: "a"}}, true, []string{"3 rounds mean the same"}},
		{"one differs", []run{{form: "a"}, {form: "a"}, {form: "b"}}, false,
			[]string{"2 rounds mean the same", "✗ x#3 differs from x#1"}},
		{"one differs after a stall", []run{{form: "a"}, {form: "a"}, {form: "b", stalled: long}}, true,
			[]string{"2 rounds mean the same, 1 prove nothing", "? the host stalled for 100ms: x#3 differs from x#1"}},
		{"one differs after a short stall", []run{{form: "a"}, {form: "a"}, {form: "b", stalled: long - 1}}, false,
			[]string{"✗ x#3 differs from x#1"}},
		{"the first is the one that stalled", []run{{form: "b", stalled: long}, {form: "a"}, {form: "a"}}, true,
			[]string{"2 rounds mean the same, 1 prove nothing", "x#1 differs from x#2"}},
		{"stalls that changed nothing", []run{{form: "a", stalled: long}, {form: "a", stalled: long}}, true,
			[]string{"2 rounds mean the same"}},
		{"too few", []run{{form: "a"}, {form: "b", stalled: long}}, false,
			[]string{"1 rounds mean the same, 1 prove nothing: too few to compare"}},
		{"inconclusive", []run{{form: "a"}, {form: "a"}, {form: "b", verdict: session.Inconclusive}}, true,
			[]string{"2 rounds mean the same, 1 prove nothing"}},
		{"nothing to compare",
			[]run{{form: "a", verdict: session.Errored}, {form: "a", verdict: session.Errored}}, false,
			[]string{"0 rounds mean the same, 2 prove nothing: too few"}},
		{"cannot be played here",
			[]run{{verdict: session.Skipped}, {verdict: session.Skipped}}, true, []string{" skipped"}},
	} {
		d := &Determinism{Sink: nothing{}}
		c := &script.Case{Scenario: &script.Scenario{Name: "x"}}
		for i, r := range test.runs {
			task := &task.Task{Case: c, Round: i + 1, Rounds: len(test.runs)}
			d.Event(task, session.Event{Kind: session.EventForm, Text: r.form})
			d.End(task, session.Result{Verdict: r.verdict, Stalled: r.stalled})
		}
		lines, ok := d.Report()
		text := strings.Join(lines, "\n")
		if ok != test.ok {
			t.Errorf("%s: ok is %v:\n%s", test.name, ok, text)
		}
		for _, s := range test.says {
			if !strings.Contains(text, s) {
				t.Errorf("%s: does not say %q:\n%s", test.name, s, text)
			}
		}
	}
}
