//go:build linux

package main

import (
	"bytes"
	"os"
	"regexp"
	"strings"
	"testing"

	"netrepro/engine/runner/discover"
	"netrepro/engine/script"
	"netrepro/engine/testutil/leaks"
)

const readme = "../../README.md"

// changes is what differs between two runs in what the README shows: times,
// counts, and how many segments had come when an acknowledgement was sent.
var changes = regexp.MustCompile(`#\d+ +\+\d+\.\d+|rexmit 1 \((fast|rack)|[\d.]+s\b|\d+ packets|ack \d+( sack \d+:\d+)*`)

// TestReadme holds the README to what the program does.
func TestReadme(t *testing.T) {
	b, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	text := string(b)
	shipped, err := discover.Find(t.Context(), []string{"one-lost-segment"})
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(text, "```lua\n"+shipped[0].Text+"```") {
		t.Error("the scenario in the README is not the shipped one")
	}
	for _, c := range script.Language().Classes {
		for _, m := range c.Methods {
			if !regexp.MustCompile(`\b` + m.Name + `\b`).MatchString(text) {
				t.Errorf("the README does not name %s:%s", c.Name, m.Name)
			}
		}
	}
}

// TestReadmeTrace shows the capture that the README shows.
func TestReadmeTrace(t *testing.T) {
	b, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "`netrepro trace ")
	_, rest, _ = strings.Cut(rest, "\n`netrepro ")
	line, rest, found := strings.Cut(rest, "`:\n\n```\n")
	want, after, ok := strings.Cut(rest, "```")
	if !found || !ok {
		t.Fatal("the README shows no capture")
	}
	args := strings.Fields(line)
	args[len(args)-1] = "../../" + args[len(args)-1]
	var out, errs bytes.Buffer
	if code := run(t.Context(), env{args: args, out: &out, err: &errs}); code != exitExpected {
		t.Fatalf("exit code %d: %s", code, &errs)
	}
	if *update {
		text := strings.Replace(string(b), "`:\n\n```\n"+want+"```"+after, "`:\n\n```\n"+out.String()+"```"+after, 1)
		if err := os.WriteFile(readme, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if out.String() != want {
		t.Errorf("the README shows\n%s\nand it is\n%s", want, &out)
	}
}

// TestReadmeOutput runs what the README shows.
func TestReadmeOutput(t *testing.T) {
	leaks.Lab(t)
	b, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	code := exitInconclusive
	for tries := 0; code == exitInconclusive && tries < 3; tries++ { // the host was stalled
		out.Reset()
		code = run(t.Context(),
			env{args: []string{"run", "-v", "-o", t.TempDir(), "one-lost-segment"}, out: &out, err: &errs})
	}
	if code != exitExpected {
		t.Fatalf("exit code %d: %s%s", code, &out, &errs)
	}
	const begin = "prints, but for the times:\n\n```\n"
	_, rest, _ := strings.Cut(string(b), begin)
	want, after, found := strings.Cut(rest, "```")
	if *update {
		head, _, _ := strings.Cut(string(b), begin)
		if err := os.WriteFile(readme, []byte(head+begin+out.String()+"```"+after), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	stalled := regexp.MustCompile(` +\(host stalled .*\)`)
	steady := func(s string) string { return changes.ReplaceAllString(stalled.ReplaceAllString(s, ""), "…") }
	if got := steady(out.String()); !found || got != steady(want) {
		t.Errorf("the README shows\n%s\nthe program prints\n%s", want, &out)
	}
}
