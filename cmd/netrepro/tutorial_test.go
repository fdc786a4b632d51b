//go:build linux

package main

import (
	"bytes"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"

	"netrepro/engine/testutil/leaks"
)

// fence is a block of code in a page: what it is, and its lines.
var fence = regexp.MustCompile("(?ms)^```(lua|console)\n(.*?)^```$")

// loose is what differs between two runs of the tutorial: times and counts. What
// the kernel says of a packet is left out, since it may not be asked.
var loose = regexp.MustCompile(
	`#\d+ +\+\d+\.\d+|[\d.]+ ?(ms|µs|s)\b|\d+ packets|\d+ and \d+|--seed \d+|again#\d+|(?m)^ +dropped by the kernel.*\n`)

// busy is what only a busy machine adds.
var busy = regexp.MustCompile(` +\(host stalled .*\)|, \d+ inconclusive runs repeated| +\(run \d+ times\)`)

// alike is an output without what differs between runs; the cases of a run come
// in any order.
func alike(text string) string {
	lines := strings.Split(loose.ReplaceAllString(busy.ReplaceAllString(text, ""), "…"), "\n")
	slices.Sort(lines)
	return strings.Join(slices.Compact(lines), "\n")
}

// TestTutorial writes the files of the tutorial, runs its commands and compares
// what they print. With -update it writes what they print.
func TestTutorial(t *testing.T) {
	leaks.Lab(t)
	const page = "../../scenarios/TUTORIAL.md"
	b, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	text, done, written := string(b), 0, ""
	home, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	t.Chdir(t.TempDir())
	for _, at := range fence.FindAllStringSubmatchIndex(text, -1) {
		want, got := text[at[4]:at[5]], ""
		if text[at[2]:at[3]] == "lua" {
			name, ok := strings.CutPrefix(strings.SplitN(want, "\n", 2)[0], "-- ")
			if !ok {
				t.Fatalf("a file without a name: %s", want)
			}
			if err := os.WriteFile(name, []byte(want), 0o600); err != nil {
				t.Fatal(err)
			}
			continue
		}
		for range 3 { // the host may stall
			if got = console(t, want); *update || alike(got) == alike(want) {
				break
			}
		}
		written, done = written+text[done:at[4]]+got, at[5]
		if !*update && alike(got) != alike(want) {
			t.Errorf("the tutorial shows\n%s\nand it is\n%s", want, got)
		}
	}
	if *update {
		t.Chdir(home)
		if err := os.WriteFile(page, []byte(written+text[done:]), 0o644); err != nil {
			t.Fatal(err)
		}
	}
}

// console runs the commands of a block and returns them with what they print.
func console(t *testing.T, block string) string {
	var all bytes.Buffer
	for _, line := range strings.Split(block, "\n") {
		command, ok := strings.CutPrefix(line, "$ netrepro ")
		if !ok {
			continue
		}
		all.WriteString(line + "\n")
		var out, errs bytes.Buffer
		run(t.Context(), env{args: strings.Fields(command), out: &out, err: &errs})
		all.Write(out.Bytes())
		all.Write(errs.Bytes())
	}
	return all.String()
}
