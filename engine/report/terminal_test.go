//go:build linux

package report

import (
	"flag"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"time"

	"netrepro/engine/runner/task"
	"netrepro/engine/script"
	"netrepro/engine/script/session"
)

var update = flag.Bool("update", false, "write the golden files")

// golden compares got with a file of testdata.
func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got != string(want) {
		t.Errorf("%s: got\n%s\nwant\n%s", name, got, want)
	}
}

// took is the time that a run took, which is another each time.
var took = regexp.MustCompile(`in \d+\.\d+s\n$`)

// of makes a task of a case with this scenario's and variant's names.
func of(scenario, variant string) *task.Task {
	c := &script.Case{Scenario: &script.Scenario{Name: scenario}, Variant: script.Variant{Name: variant}}
	return &task.Task{Case: c, File: &script.File{Name: scenario + ".lua"}, Dir: "out/" + scenario}
}

// ended is a case with what happened in it.
type ended struct {
	task   *task.Task
	events []session.Event
	result session.Result
}

func cases() []ended {
	const ms = time.Millisecond
	proof, shaken, noFaults := of("proof", "bug"), of("shaken", ""), of("proof", "bug")
	proof.Cure, noFaults.Harmless, shaken.Shaken = "fixed", true, 7
	many := make([]int, 20)
	for i := range many {
		many[i] = i + 1
	}
	held := session.Event{Kind: session.EventExpect, Where: "a.lua:7", Text: "a reset", Pass: true,
		Packets: []string{"#3 RST"}}
	missed := session.Event{Kind: session.EventExpect, Where: "a.lua:9", Text: "expected a reset\x1b[2J, saw none",
		Label:   "the client",
		Packets: []string{"#1 SYN", "#2 SYN\x1b[31m"}, Frames: []int{1, 2}}
	return []ended{
		{of("hole", "bug"), []session.Event{held},
			session.Result{Verdict: session.Passed, Took: 1234 * ms, Packets: 12}},
		{of("hole", "fixed"), []session.Event{held},
			session.Result{Verdict: session.Passed, Took: 10 * ms, Packets: 9}},
		{of("plain", ""), nil, session.Result{Verdict: session.Passed, Tries: 2, Stalled: 150 * ms}},
		{of("broken", "bug"), []session.Event{
			{Kind: session.EventStep, Text: "the client connects", At: 20 * ms},
			{Kind: session.EventLog, Where: "a.lua:5", Text: "printed\nin two lines"},
			held, missed,
			{Kind: session.EventFault, Where: "a.lua:3", Text: "the fault never fired"},
			{Kind: session.EventTask, Where: "a.lua:4", Text: "the task did not end"},
		}, session.Result{Verdict: session.Failed, Took: 2 * time.Second, Packets: 30}},
		{of("many", ""), []session.Event{{Kind: session.EventExpect, Where: "a.lua:1", Text: "no packet",
			Frames: many}},
			session.Result{Verdict: session.Failed, Packets: 20}},
		{of("wrong", ""), nil, session.Result{Verdict: session.Errored, Why: "a.lua:3: no such verb\nhint: look"}},
		{of("cannot", ""), nil, session.Result{Verdict: session.Skipped, Why: "the machine has no nftables"}},
		{of("stalled", ""), []session.Event{missed},
			session.Result{Verdict: session.Inconclusive, Why: "the host stalled", Tries: 3, Stalled: 300 * ms,
				Packets: 4}},
		{proof, nil, session.Result{Verdict: session.Passed, Packets: 1}},
		{noFaults, nil, session.Result{Verdict: session.Failed, Why: "they do not show the failure", Packets: 1}},
		{shaken, nil, session.Result{Verdict: session.Failed, Why: "it depends on luck", Packets: 1}},
	}
}

// show writes all cases in a style.
func show(s Style) (text string, t *Terminal) { return showing(s, false) }

// showing writes all cases in a style, what happens in each while it runs if streamed.
func showing(s Style, streamed bool) (text string, t *Terminal) {
	var b strings.Builder
	all := cases()
	t = NewTerminal(&b, len(all), s)
	for _, c := range all {
		t.Begin(c.task)
		for _, e := range c.events {
			if streamed {
				t.Stream(c.task, 1, e)
			}
		}
		for _, e := range c.events {
			t.Event(c.task, e)
		}
		t.End(c.task, c.result)
	}
	t.Close()
	return took.ReplaceAllString(b.String(), "in TIME\n"), t
}

func TestTerminal(t *testing.T) {
	for name, style := range map[string]Style{
		"plain.txt":   {},
		"verbose.txt": {Verbose: true},
	} {
		text, _ := show(style)
		golden(t, name, text)
		if strings.Contains(text, "\x1b") {
			t.Errorf("%s: what a script wrote controls the terminal", name)
		}
	}
}

// TestTerminalAdditions holds that colour and the line of progress are additions:
// without their sequences the text is the plain one.
func TestTerminalAdditions(t *testing.T) {
	plain, _ := show(Style{})
	color, _ := show(Style{Color: true})
	live, _ := show(Style{Live: true})
	for _, s := range Sequences {
		color = strings.ReplaceAll(color, s, "")
	}
	if color != plain {
		t.Errorf("with colour: got\n%s\nwant\n%s", color, plain)
	}
	// What a terminal shows at last of each line is what follows its last clearing.
	shown := strings.Split(live, "\n")
	for i, l := range shown {
		if at := strings.LastIndex(l, clearLine); at >= 0 {
			shown[i] = l[at+len(clearLine):]
		}
	}
	if got := strings.Join(shown, "\n"); got != plain {
		t.Errorf("live: got\n%s\nwant\n%s", got, plain)
	}
}

// TestStream holds that what is shown while a case runs is what is shown when it has ended.
func TestStream(t *testing.T) {
	late, _ := showing(Style{Verbose: true}, false)
	soon, _ := showing(Style{Verbose: true}, true)
	if soon != late {
		t.Errorf("streamed: got\n%s\nwant\n%s", soon, late)
	}
	var b strings.Builder
	term := NewTerminal(&b, 1, Style{Verbose: true})
	c := cases()[0].task
	term.Begin(c)
	step := session.Event{Kind: session.EventStep, Text: "ask"}
	term.Stream(c, 1, step)
	term.Stream(c, 2, step)
	want := "· " + c.Name() + "\n  ask  +0.00s\n    run again, for the last run was not conclusive or failed\n" +
		"  ask  +0.00s\n"
	if b.String() != want {
		t.Errorf("two runs: got\n%s\nwant\n%s", b.String(), want)
	}
}

func TestCount(t *testing.T) {
	_, term := show(Style{})
	for v, want := range map[session.Verdict]int{
		session.Passed: 4, session.Failed: 4, session.Errored: 1, session.Skipped: 1, session.Inconclusive: 1,
	} {
		if got := term.Count(v); got != want {
			t.Errorf("%s: %d, want %d", v, got, want)
		}
	}
}

// TestProgress names what runs, in a line that no terminal breaks.
func TestProgress(t *testing.T) {
	var b strings.Builder
	term := NewTerminal(&b, 3, Style{Live: true})
	term.Begin(of("one", "bug"))
	term.Begin(of("two", ""))
	if want := "  0 of 3 done, running one/bug and two"; !strings.HasSuffix(b.String(), want) {
		t.Errorf("got %q, want %q at its end", b.String(), want)
	}
	term.Begin(of(strings.Repeat("x", 100), ""))
	line := b.String()[strings.LastIndex(b.String(), clearLine)+len(clearLine):]
	if n := len([]rune(line)); n > 78 || !strings.HasSuffix(line, "…") {
		t.Errorf("a line of %d: %q", n, line)
	}
}

// TestKept says how to get into a lab that stays up.
func TestKept(t *testing.T) {
	for _, tt := range []struct {
		name   string
		userns bool
		want   string
	}{
		{"as root", false, "      client       nsenter --net=/proc/77/fd/5\n"},
		{"without", true,
			"      client       nsenter --preserve-credentials --user=/proc/77/ns/user --net=/proc/77/fd/5\n"},
	} {
		var b strings.Builder
		term := NewTerminal(&b, 1, Style{UserNS: tt.userns})
		term.Event(of("one", ""), session.Event{Kind: session.EventKept, Pid: 77,
			Nodes: []session.NodeDesc{{Name: "client", Fd: 5}}, Result: &session.Result{Verdict: session.Failed}})
		if !strings.HasSuffix(b.String(), tt.want) {
			t.Errorf("%s: got\n%s\nwant at its end\n%s", tt.name, b.String(), tt.want)
		}
	}
}
