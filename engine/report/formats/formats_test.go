package formats

import (
	"encoding/json"
	"encoding/xml"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"netrepro/engine/report/stream"
)

var update = flag.Bool("update", false, "write the golden files")

// suite is the record of a run with a case of every kind: testdata/events.jsonl is as a run
// wrote it, but for times.
func suite(t *testing.T) *stream.Run {
	t.Helper()
	f, err := os.Open("testdata/events.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	r, err := stream.Read(f)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestGolden holds every report to what it was.
func TestGolden(t *testing.T) {
	r := suite(t)
	for _, name := range Names() {
		var b strings.Builder
		if err := known[name](&b, r); err != nil {
			t.Fatal(err)
		}
		path := filepath.Join("testdata", name+".golden")
		if *update {
			if err := os.WriteFile(path, []byte(b.String()), 0o644); err != nil {
				t.Fatal(err)
			}
		}
		want, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		if b.String() != string(want) {
			t.Errorf("%s: got\n%s\nwant\n%s", name, b.String(), want)
		}
	}
}

// hostile is a run in which a script says what ends elements, lines and commands.
func hostile() *stream.Run {
	no := false
	text := "]]> </failure> ::error:: \x1b[31m % , : | ` ``` <script> # SKIP\r\nok 9 - x\n  ...\n\x00\ufffe"
	c := &stream.Case{Name: "a # SKIP, b: <c> | `d`", Began: stream.Began{Scenario: "a", File: "x,y:z.lua", Line: 3},
		Said: []*stream.Said{{Kind: "expect", Try: 1, Text: text, Where: "x.lua:7", Pass: &no, Packets: []string{text}}},
		Ended: &stream.Ended{Verdict: stream.Failed, Word: stream.Failed, Why: text, Tries: 1,
			Trace: "out/" + text}}
	skipped := &stream.Case{Name: "s", Began: stream.Began{File: "x.lua", Line: 1},
		Ended: &stream.Ended{Verdict: stream.Skipped, Word: stream.Skipped, Why: text}}
	return &stream.Run{Started: stream.Started{Version: 1, Time: "2026-11-30T00:00:00Z"},
		Cases: []*stream.Case{c, skipped}, Finished: &stream.Finished{}}
}

// TestHostile holds every report to its grammar whatever is in it.
func TestHostile(t *testing.T) {
	for _, r := range []*stream.Run{suite(t), hostile()} {
		for name, check := range map[string]func(string, *stream.Run) error{
			"junit": checkJUnit, "tap": checkTAP, "github": checkGitHub, "json": checkJSON, "gitlab": checkJSON,
		} {
			var b strings.Builder
			if err := known[name](&b, r); err != nil {
				t.Fatal(err)
			}
			if err := check(b.String(), r); err != nil {
				t.Errorf("%s: %v in\n%s", name, err, &b)
			}
			if strings.ContainsAny(b.String(), "\x1b\x00\r") {
				t.Errorf("%s has control characters:\n%q", name, &b)
			}
		}
	}
}

// attributes and children are what Jenkins' schema of JUnit's XML allows, in our words.
var (
	attributes = map[string][]string{
		"testsuites": {"name", "time", "tests", "failures", "errors"},
		"testsuite": {"name", "tests", "failures", "errors", "time", "skipped", "timestamp", "hostname", "id", "package",
			"file", "log", "url", "group"},
		"testcase": {"name", "time", "classname", "group"}, "property": {"name", "value"},
		"failure": {"type", "message"}, "error": {"type", "message"}, "skipped": {"type", "message"},
		"flakyFailure": {"type", "message"}, "properties": nil, "system-out": nil,
	}
	children = map[string][]string{
		"": {"testsuites"}, "testsuites": {"testsuite"}, "testsuite": {"properties", "testcase"},
		"properties": {"property"}, "testcase": {"skipped", "error", "failure", "flakyFailure", "system-out"},
	}
	number = regexp.MustCompile(`^[0-9]*(\.[0-9]*)?$`)
)

func checkJUnit(text string, r *stream.Run) error {
	d := xml.NewDecoder(strings.NewReader(text))
	var in []string
	cases, bad := 0, 0
	for {
		token, err := d.Token()
		if errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return err
		}
		switch e := token.(type) {
		case xml.StartElement:
			name, parent := e.Name.Local, ""
			if len(in) > 0 {
				parent = in[len(in)-1]
			}
			if !slices.Contains(children[parent], name) {
				return fmt.Errorf("<%s> in <%s>", name, parent)
			}
			for _, a := range e.Attr {
				if !slices.Contains(attributes[name], a.Name.Local) ||
					a.Name.Local == "time" && !number.MatchString(a.Value) {
					return fmt.Errorf("<%s %s=%q>", name, a.Name.Local, a.Value)
				}
			}
			switch name {
			case "testcase":
				cases++
			case "failure", "error":
				bad++
			}
			in = append(in, name)
		case xml.EndElement:
			in = in[:len(in)-1]
		}
	}
	if want := r.Count(stream.Failed) + r.Count(stream.Errored) + r.Count(stream.Inconclusive); cases != len(r.Cases) ||
		bad != want {
		return fmt.Errorf("it has %d cases, %d bad, want %d and %d", cases, bad, len(r.Cases), want)
	}
	return nil
}

var point = regexp.MustCompile(`^(ok|not ok) (\d+) - ((?:[^#\\]|\\.)*)( # SKIP .*)?$`)

func checkTAP(text string, r *stream.Run) error {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	if len(lines) < 2 || lines[0] != "TAP version 14" || lines[1] != fmt.Sprintf("1..%d", len(r.Cases)) {
		return fmt.Errorf("it begins with %q", lines[:min(len(lines), 2)])
	}
	n, block := 0, false
	for _, l := range lines[2:] {
		switch {
		case l == "  ---" && !block:
			block = true
		case l == "  ..." && block:
			block = false
		case block:
			key, value, ok := strings.Cut(strings.TrimPrefix(l, "  "), ": ")
			if !ok || strings.Trim(key, "abcdefghijklmnopqrstuvwxyz_") != "" || !json.Valid([]byte(value)) {
				return fmt.Errorf("line %q of a block", l)
			}
		case strings.HasPrefix(l, "# "):
		default:
			m := point.FindStringSubmatch(l)
			if n++; m == nil || m[2] != fmt.Sprint(n) {
				return fmt.Errorf("line %q", l)
			}
			if v := r.Cases[n-1].Ended.Verdict; (m[1] == "ok") != (v == stream.Passed || v == stream.Skipped) ||
				(m[4] != "") != (v == stream.Skipped) {
				return fmt.Errorf("line %q of a case that is %s", l, v)
			}
		}
	}
	if n != len(r.Cases) || block {
		return fmt.Errorf("%d points", n)
	}
	return nil
}

var command = regexp.MustCompile(`^::(error|warning) (?:(?:file|line|title)=[^,:%]*(?:%[0-9A-F]{2}[^,:%]*)*,?)+::` +
	`(?:[^%]|%25|%0A|%0D)+$`)

func checkGitHub(text string, r *stream.Run) error {
	lines := strings.Split(strings.TrimSuffix(text, "\n"), "\n")
	want := 0
	for _, c := range r.Cases {
		if bad(c) {
			want++
		}
	}
	if len(lines) != want+len(r.Finished.NotRun) {
		return fmt.Errorf("%d commands, want %d", len(lines), want)
	}
	for _, l := range lines {
		if !command.MatchString(l) {
			return fmt.Errorf("%q is no command", l)
		}
	}
	return nil
}

func checkJSON(text string, _ *stream.Run) error {
	if !json.Valid([]byte(text)) {
		return errors.New("it is no JSON")
	}
	return nil
}

func TestParse(t *testing.T) {
	got, err := Parse("junit=a/b.xml,github,json=-")
	if err != nil || fmt.Sprint(got) != "[{junit a/b.xml} {github -} {json -}]" {
		t.Errorf("got %v, %v", got, err)
	}
	for text, want := range map[string]string{"xunit=x": `no report "xunit"`, "junit=": "name of the file is missing",
		"": "no report", "tap,": "no report"} {
		if _, err := Parse(text); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: got %v, want %q", text, err, want)
		}
	}
}

// TestWrite leaves no half of a report behind.
func TestWrite(t *testing.T) {
	dir := t.TempDir()
	good := filepath.Join(dir, "new", "a.xml")
	if err := os.WriteFile(filepath.Join(dir, "file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	err := Write(t.Context(), []Report{{"junit", filepath.Join(dir, "file", "x.xml")}, {"junit", good}}, hostile(), io.Discard)
	if err == nil || !strings.Contains(err.Error(), "write junit report") {
		t.Errorf("got %v", err)
	}
	if b, err := os.ReadFile(good); err != nil || !strings.HasSuffix(string(b), "</testsuites>\n") {
		t.Errorf("the other is %q, %v", b, err)
	}
}
