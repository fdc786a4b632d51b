//go:build linux

package sink

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"netrepro/engine/runner/task"
	"netrepro/engine/script"
	"netrepro/engine/script/session"
)

// log is a sink that writes down what it is told.
type log struct{ lines []string }

func (l *log) Begin(t *task.Task)                  { l.lines = append(l.lines, "begin "+t.Name()) }
func (l *log) Event(_ *task.Task, e session.Event) { l.lines = append(l.lines, "event "+e.Text) }
func (l *log) End(_ *task.Task, r session.Result) {
	l.lines = append(l.lines, strings.TrimSpace("end "+string(r.Verdict)+" "+r.Why))
}

func TestProofs(t *testing.T) {
	const cured = "end failed its expectations hold although the cure is applied: they do not show the failure"
	const harmless = "end failed its expectations hold although no fault does anything: they do not show the failure"
	withCure, noFaults := &task.Task{Cure: "fixed"}, &task.Task{Harmless: true}
	for _, tt := range []struct {
		name   string
		task   *task.Task
		result session.Result
		want   []string
	}{
		{"it fails as it should", withCure, session.Result{Verdict: session.Failed}, []string{"end passed"}},
		{"it passes with the cure", withCure, session.Result{Verdict: session.Passed}, []string{"event e", cured}},
		{"it passes without faults", noFaults, session.Result{Verdict: session.Passed, Spared: 1},
			[]string{"event e", harmless}},
		{"it has no faults to leave out", noFaults, session.Result{Verdict: session.Passed}, []string{"end passed"}},
		{"it proves nothing", withCure, session.Result{Verdict: session.Inconclusive, Why: "a stall"},
			[]string{"event e", "end inconclusive a stall"}},
	} {
		var l log
		p := &Proofs{Sink: &l}
		p.Event(tt.task, session.Event{Text: "e"})
		p.End(tt.task, tt.result)
		if !slices.Equal(l.lines, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, l.lines, tt.want)
		}
	}
}

func TestGoldens(t *testing.T) {
	type end struct {
		trace   string
		verdict session.Verdict
	}
	for _, tt := range []struct {
		name string
		old  string // what the file holds before, nothing if empty
		ends []end
		want string // what it holds then
		says string // of the error
		same bool   // it is not written again
	}{
		{"a new one", "", []end{{"a", session.Passed}}, "a", "", false},
		{"a changed one", "old", []end{{"a", session.Passed}}, "a", "", false},
		{"one that is as it was", "a", []end{{"a", session.Passed}}, "a", "", true},
		{"of a case that failed", "old", []end{{"a", session.Failed}}, "old", "", true},
		{"two that agree", "", []end{{"a", session.Passed}, {"a", session.Passed}}, "a", "", false},
		{"two that do not", "old", []end{{"a", session.Passed}, {"b", session.Passed}}, "old", "different traces",
			true},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, "x.golden")
		if tt.old != "" {
			if err := os.WriteFile(path, []byte(tt.old), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		var l log
		g := &Goldens{Sink: &l}
		c := &script.Case{Scenario: &script.Scenario{Name: "x"}}
		for i, e := range tt.ends {
			task := &task.Task{Case: c, Round: i + 1, Rounds: 2, File: &script.File{Name: filepath.Join(dir, "x.lua")}}
			g.Event(task, session.Event{Kind: session.EventGolden, Label: "x", Text: e.trace})
			g.End(task, session.Result{Verdict: e.verdict})
		}
		changed, err := g.Write(t.Context())
		if (err == nil) != (tt.says == "") || err != nil && !strings.Contains(err.Error(), tt.says) {
			t.Errorf("%s: %v", tt.name, err)
		}
		if b, err := os.ReadFile(path); err != nil || string(b) != tt.want {
			t.Errorf("%s: the file holds %q, %v", tt.name, b, err)
		}
		if (len(changed) == 0) != tt.same {
			t.Errorf("%s: written: %q", tt.name, changed)
		}
		if len(l.lines) != len(tt.ends) {
			t.Errorf("%s: passed on: %q", tt.name, l.lines)
		}
	}
}
