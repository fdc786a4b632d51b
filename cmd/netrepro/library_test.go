//go:build linux

package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"netrepro/engine/report"
	"netrepro/engine/runner/discover"
	"netrepro/engine/script"
	"netrepro/engine/testutil/leaks"
)

const library = "../../scenarios"

// tutorial is the scenario that the README begins with; it is about the
// language and not about a failure.
const tutorial = "one-lost-segment"

func shippedFiles(t *testing.T) []*script.File {
	t.Helper()
	sources, err := discover.Shipped()
	if err != nil {
		t.Fatal(err)
	}
	files, err := discover.Load(context.Background(), sources, script.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return files
}

// mechanism is a line of scenarios/mechanisms.txt.
type mechanism struct {
	id, what, reason string
	shown            []string // links to scenarios
}

func mechanisms(t *testing.T, files []*script.File) []*mechanism {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(library, "mechanisms.txt"))
	if err != nil {
		t.Fatal(err)
	}
	var out []*mechanism
	byID := map[string]*mechanism{}
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.SplitN(strings.TrimSpace(line), " | ", 3)
		if len(parts) < 2 {
			t.Fatalf("mechanisms.txt: %q is not a number and a text", line)
		}
		m := &mechanism{id: parts[0], what: parts[1]}
		if len(parts) == 3 {
			m.reason = parts[2]
		}
		if byID[m.id] != nil {
			t.Errorf("mechanisms.txt: %s stands there twice", m.id)
		}
		byID[m.id] = m
		out = append(out, m)
	}
	for _, f := range files {
		for _, s := range f.Scenarios {
			for _, id := range s.Manual.Shows {
				if byID[id] == nil {
					t.Errorf("%s shows %q, which mechanisms.txt does not know", s.Name, id)
					continue
				}
				byID[id].shown = append(byID[id].shown,
					fmt.Sprintf("[%s](%s)", s.Name, strings.TrimPrefix(f.Name, "scenarios/")))
			}
		}
	}
	return out
}

// TestLibraryManual holds every header to what a person with a symptom needs,
// and the library to the two write-ups.
func TestLibraryManual(t *testing.T) {
	files := shippedFiles(t)
	for _, f := range files {
		for _, s := range f.Scenarios {
			if s.Name == tutorial {
				continue
			}
			for key, text := range map[string]string{"about": s.About, "symptom": s.Manual.Symptom,
				"is_not": s.Manual.IsNot, "recognise": s.Manual.Recognise,
				"cure": s.Manual.Cure, "sources": strings.Join(s.Manual.Sources, ""),
				"shows": strings.Join(s.Manual.Shows, "")} {
				if text == "" {
					t.Errorf("%s: %s does not say its %s", f.Name, s.Name, key)
				}
			}
			bugs, cures := 0, 0
			for _, c := range s.Cases() {
				if c.Reproduces() {
					bugs++
				} else {
					cures++
				}
			}
			if bugs == 0 || cures == 0 {
				t.Errorf("%s: %s has %d cases that show the failure and %d that do not", f.Name, s.Name, bugs, cures)
			}
		}
	}
	for _, m := range mechanisms(t, files) {
		if (len(m.shown) == 0) == (m.reason == "") {
			t.Errorf("mechanism %s: %d scenarios show it and the reason for none is %q", m.id, len(m.shown), m.reason)
		}
	}
}

// ladders are the cases that stand for their folders, and what is shown of them.
var ladders = map[string]struct {
	name  string
	flags []string
	lines int // that are shown, 0 for all: how often something is sent again is a matter of time
}{
	"icmp": {"ping-silent-tcp-fine/bug-firewall", []string{"--filter", "icmp=echo-request"}, 0},
	"loss": {"one-lost-segment", []string{"--filter", "tcp=rexmit"}, 0},
	"nat":  {"gateway-forgot/bug-server-speaks", nil, 0},
	"path": {"busy-server/bug", []string{"--flow", "0", "--filter", "http=any"}, 0},
	"pmtu": {"icmp-filtered/bug-at-the-server", []string{"--filter", "tcp=rto"}, 7},
	"rst":  {"handshake-race/bug", nil, 0},
	"tls":  {"wildcard-too-deep/bug", []string{"--flow", "0", "--filter", "tls=any"}, 0},
}

// moving is what differs between two runs in a ladder: times, frame numbers,
// ports that the kernel drew.
var moving = regexp.MustCompile(`#\d+ +\+\d+\.\d+|frame \d+|answers #\d+|\d+ and \d+ packets|handshake [\d.]+ .?s|` +
	`\d+\.\d+\.\d+\.\d+:\d+|held back [\d.]+ ms|timeout \d+ in a row|rexmit \d+|GET /\d|said so \d+ times`)

// TestLibraryLadders runs the cases whose ladders scenarios/README.md shows.
func TestLibraryLadders(t *testing.T) {
	leaks.Lab(t)
	out := t.TempDir()
	for folder, l := range ladders {
		t.Run(folder, func(t *testing.T) {
			name, variant, _ := strings.Cut(l.name, "/")
			args := []string{"run", "--inferred", "-o", out, name} // the same without privilege
			if variant != "" {
				args = append(args, "--variant", variant)
			}
			var said, errs bytes.Buffer
			if code := run(t.Context(), env{args: args, out: &said, err: &errs}); code != exitExpected {
				t.Fatalf("exit code %d: %s%s", code, &said, &errs)
			}
			var got bytes.Buffer
			args = append([]string{"trace", filepath.Join(out, l.name, "trace.pcapng")}, l.flags...)
			if code := run(t.Context(), env{args: args, out: &got, err: &errs}); code != exitExpected {
				t.Fatalf("exit code %d: %s", code, &errs)
			}
			shown := got.Bytes()
			if l.lines > 0 {
				shown = bytes.Join(bytes.SplitAfter(shown, []byte("\n"))[:l.lines], nil)
			}
			if *update {
				golden(t, ladderFile(folder), shown)
				return
			}
			want, err := os.ReadFile(ladderFile(folder))
			if err != nil {
				t.Fatal(err)
			}
			steady := func(b []byte) string { return moving.ReplaceAllString(string(b), "…") }
			if steady(shown) != steady(want) {
				t.Errorf("the ladder is now\n%s\nand was\n%s", shown, want)
			}
		})
	}
}

// TestLibraryReadme holds scenarios/README.md to the headers.
func TestLibraryReadme(t *testing.T) {
	files := shippedFiles(t)
	var b bytes.Buffer
	b.WriteString(`# The library

Generated from the headers of the scenarios by ` + "`go test ./cmd/netrepro -run Library -update`" + `. Find what you
see, run the scenario ` + "(`netrepro run NAME`, or `netrepro run FOLDER`)" + `, and read its header: what it is not, how to recognise
it in the field, which kernels, what helps, where it is written down. The variants called *bug* show the
failure, the others a cure or what is left without the fault. [KERNELS.md](KERNELS.md) has
how they end on Linux 5.10, 6.1, 6.12 and 7.2, and what their traces show from which on.
`)
	report.Library(&b, files, func(folder string) {
		if _, ok := ladders[folder]; !ok {
			return // its cases take hours on a machine
		}
		ladder, err := os.ReadFile(ladderFile(folder))
		if err != nil {
			t.Error(err)
		}
		l := ladders[folder]
		more := ""
		if l.lines > 0 {
			more = fmt.Sprintf(", the first %d lines", l.lines)
		}
		fmt.Fprintf(&b, "\n`%s`, with `netrepro trace%s out/%s/trace.pcapng`%s:\n\n```\n%s```\n", l.name,
			quoted(l.flags), l.name, more, ladder)
	})
	b.WriteString("\n## What is shown where\n\nEvery mechanism, wrong lead and remedy of the two write-ups that " +
		"the library was founded on, and of idle hours.\n\n| | mechanism | scenarios |\n|---|---|---|\n")
	for _, m := range mechanisms(t, files) {
		where := strings.Join(m.shown, ", ")
		if where == "" {
			where = "none: " + m.reason
		}
		fmt.Fprintf(&b, "| %s | %s | %s |\n", m.id, m.what, where)
	}
	golden(t, filepath.Join(library, "README.md"), b.Bytes())
}

func quoted(flags []string) string {
	s := ""
	for _, f := range flags {
		if strings.ContainsAny(f, " =<>!") {
			f = "'" + f + "'"
		}
		s += " " + f
	}
	return s
}

func ladderFile(folder string) string {
	return filepath.Join("../../testdata/library", folder+".ladder")
}

// golden compares a file with what it should be, or writes it.
func golden(t *testing.T, file string, want []byte) {
	t.Helper()
	if *update {
		if err := os.WriteFile(file, want, 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	got, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(got, want) {
		t.Errorf("%s is stale: run go test ./cmd/netrepro -run Library -update", file)
	}
}
