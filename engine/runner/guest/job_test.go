//go:build linux

package guest

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"netrepro/engine/runner"
	"netrepro/engine/runner/discover"
	"netrepro/engine/runner/guest/origin"
	"netrepro/engine/runner/guest/protocol"
	"netrepro/engine/runner/task"
	"netrepro/engine/script"
	"netrepro/engine/script/session"
)

const twoScenarios = `scenario "one" { topology = path { host "a", wire {}, host "b" },
	variants = { { "bug" }, { "cured" } }, run = function() end, compare = function() end }
scenario "two" { topology = path { host "a", wire {}, host "b" }, run = function() end }
`

// tasksOf are the tasks of a file with twoScenarios, in a folder of its own that is the
// working directory.
func tasksOf(t *testing.T, name string, s task.Selection) []*task.Task {
	t.Helper()
	t.Chdir(t.TempDir())
	if err := os.WriteFile(filepath.Base(name), []byte(twoScenarios), 0o600); err != nil {
		t.Fatal(err)
	}
	loaded, err := discover.Load(t.Context(), []discover.Source{{Name: name, Text: twoScenarios}}, script.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s.Out = "out"
	all, err := task.List(loaded, s)
	if err != nil {
		t.Fatal(err)
	}
	return all
}

// jobText is the job of a machine that is to run tasks.
func jobText(t *testing.T, o runner.Options, exact bool, tasks []*task.Task,
	before map[*task.Task]session.Result) string {
	t.Helper()
	h := &host{o: o, machine: Machine{Exact: exact}, results: before}
	j, err := h.job(tasks)
	if err != nil {
		t.Fatal(err)
	}
	b, err := json.Marshal(j)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// TestExactJob has a case be told the same whatever else runs, in whatever folder.
func TestExactJob(t *testing.T) {
	of := func(s task.Selection, exact bool) string {
		var o runner.Options
		o.Selection = s
		all := tasksOf(t, "two.lua", s)
		for i, at := range all {
			if at.Case.ID() == "one/cured" && at.Round == max(1, s.Repeat) {
				return jobText(t, o, exact, all[i:i+1], nil)
			}
		}
		t.Fatal("the case is not there")
		return ""
	}
	alone := of(task.Selection{Variant: "cured"}, true)
	for name, s := range map[string]task.Selection{
		"among others": {Repeat: 1}, "in the third round": {Repeat: 3}, "in another folder": {Variant: "cured"}} {
		if got := of(s, true); got != alone {
			t.Errorf("%s the job is\n%s\nand alone\n%s", name, got, alone)
		}
	}
	if of(task.Selection{Repeat: 3}, false) == alone {
		t.Error("rounds are told apart nowhere")
	}
}

// TestPlace keeps a working directory that a file is not below.
func TestPlace(t *testing.T) {
	for name, want := range map[string]string{"two.lua": place, "below/two.lua": place} {
		var j protocol.Job
		text := jobText(t, runner.Options{}, false, tasksOf(t, name, task.Selection{}), nil)
		if err := json.Unmarshal([]byte(text), &j); err != nil || j.Dir != want {
			t.Errorf("%s: %q, %v", name, j.Dir, err)
		}
	}
	var j protocol.Job
	text := jobText(t, runner.Options{}, false, tasksOf(t, "../two.lua", task.Selection{}), nil)
	here, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal([]byte(text), &j); err != nil || j.Dir != here {
		t.Errorf("%q, %v", j.Dir, err)
	}
}

// TestCompared hands results of one machine to the next.
func TestCompared(t *testing.T) {
	all := tasksOf(t, "two.lua", task.Selection{})
	last := all[len(all)-1]
	if last.Of == nil {
		t.Fatalf("%s compares nothing", last.Name())
	}
	before := map[*task.Task]session.Result{last.Of[0]: {Verdict: session.Passed}, last.Of[1]: {Verdict: session.Failed}}
	var j protocol.Job
	text := jobText(t, runner.Options{}, true, []*task.Task{last}, before)
	if err := json.Unmarshal([]byte(text), &j); err != nil || len(j.Ended) != 2 || !strings.Contains(text, `"one/bug":{`) {
		t.Errorf("%s: %v", text, err)
	}
	byName := map[string]*task.Task{}
	for _, t := range all {
		byName[t.Name()] = t
	}
	delete(j.Ended, "one/bug") // was not run
	got := j.Compared([]*task.Task{last}, byName)
	if len(got) != 1 || len(last.Of) != 1 || got[last.Of[0]].Verdict != session.Failed {
		t.Errorf("%v, of %d", got, len(last.Of))
	}
}

// TestOrigin says what a machine is made of.
func TestOrigin(t *testing.T) {
	h := &host{image: &started{origin: origin.Origin{Kernel: origin.Of("6.1", []byte("kernel"))}}}
	text := string(h.origin(h.config(), []byte("job")).Text())
	for _, want := range []string{`"name": "6.1"`, origin.Of("", []byte("job")).SHA256, `"-icount"`, `"exact": false`} {
		if !strings.Contains(text, want) {
			t.Errorf("%s is not in %s", want, text)
		}
	}
}
