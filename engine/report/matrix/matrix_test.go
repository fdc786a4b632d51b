//go:build linux

package matrix

import (
	"strings"
	"testing"

	"netrepro/engine/runner/sink"
	"netrepro/engine/runner/task"
	"netrepro/engine/script"
	"netrepro/engine/script/session"
)

type nobody struct{}

func (nobody) Begin(*task.Task)                {}
func (nobody) Event(*task.Task, session.Event) {}
func (nobody) End(*task.Task, session.Result)  {}

// ran is a matrix of two kernels, on which these cases ended so.
func ran(t *testing.T) *sink.Matrix {
	t.Helper()
	f, err := script.Load(t.Context(), "scenarios/x/clash.lua", `scenario "clash" {
	topology = path { host "a", wire {}, host "b" },
	variants = { { "bug", outcome = "x" }, { "fix", outcome = "y" }, { "gone", outcome = "z" } },
	run = function() end }`, script.Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	tasks, err := task.List([]*script.File{f}, task.Selection{})
	if err != nil {
		t.Fatal(err)
	}
	m := &sink.Matrix{}
	for _, k := range []struct {
		name     string
		verdicts []session.Verdict
		forms    []string
	}{
		{"6.1.0-57-cloud", []session.Verdict{session.Passed, session.Passed, session.Skipped},
			[]string{"client SYN\nserver ACK", "client SYN", ""}},
		{"6.12.1+deb12", []session.Verdict{session.Passed, session.Failed, session.Passed},
			[]string{"client SYN\nserver SYN ACK", "client SYN", "client SYN"}},
	} {
		s := m.On(k.name, nobody{})
		for i, x := range tasks {
			s.Begin(x)
			s.Event(x, session.Event{Kind: session.EventForm, Text: k.forms[i]})
			s.End(x, session.Result{Verdict: k.verdicts[i], Why: "for a reason"})
		}
	}
	return m
}

func TestMatrix(t *testing.T) {
	var shown, page strings.Builder
	Show(&shown, ran(t))
	Markdown(&page, ran(t))
	for _, tt := range []struct{ name, text, want string }{
		{"a verdict that changed", shown.String(), "clash/fix   clean          failed"},
		{"a skip", shown.String(), "clash/gone  skipped        clean"},
		{"the heads", shown.String(), "6.1.0          6.12.1"},
		{"the rest", shown.String(), "1 cases end the same"},
		{"what a trace means", shown.String(), "since 6.12.1: clash/bug\n    \""},
		{"a row of the page", page.String(), "| [clash](x/clash.lua) | 2, 1 skipped | 2, 1 failed |"},
		{"a reason", page.String(), "- `clash/gone` on 6.1.0: skipped: for a reason"},
		{"a change on the page", page.String(), "- `clash/bug`, since 6.12.1:"},
	} {
		if !strings.Contains(tt.text, tt.want) {
			t.Errorf("%s: %q is not in\n%s", tt.name, tt.want, tt.text)
		}
	}
	if strings.Contains(shown.String(), "since 6.12.1: clash/gone") {
		t.Errorf("a skip is a change:\n%s", &shown)
	}
}

// TestSort has kernels that ran in another order stand in theirs, and tells which differ.
func TestSort(t *testing.T) {
	m := ran(t)
	if !m.Differ("6.1.0-57-cloud", "6.12.1+deb12") || m.Differ("6.1.0-57-cloud", "6.1.0-57-cloud") {
		t.Error("what differs is not told")
	}
	first := m.Rows[1].Cells[0].Result.Verdict
	m.Sort(func(a, b string) int { return strings.Compare(b, a) })
	if m.Kernels[1] != "6.1.0-57-cloud" || m.Rows[1].Cells[1].Result.Verdict != first {
		t.Errorf("%v, %+v", m.Kernels, m.Rows[1].Cells)
	}
	m.Rows[0].Cells = m.Rows[0].Cells[:1] // as where the case did not run on the other
	m.Sort(strings.Compare)
	if got := m.Rows[0].Cells[0].Result; got.Verdict != session.Skipped {
		t.Errorf("%+v", got)
	}
}
