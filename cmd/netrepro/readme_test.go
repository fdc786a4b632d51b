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
	"netrepro/engine/script/vm"
	"netrepro/engine/testutil/leaks"
)

const readme = "../../README.md"

// changes is what differs between two runs in what the README shows: times,
// counts, and how many segments had come when an acknowledgement was sent.
var changes = regexp.MustCompile(`#\d+ +\+\d+\.\d+|rexmit 1 \((fast|rack)|[\d.]+s\b|\d+ packets|` +
	`ack \d+( sack \d+:\d+)*`)

// TestReadme holds the README to what is there: the scenario that it shows is the
// shipped one, its links lead somewhere, and its commands and flags exist.
func TestReadme(t *testing.T) {
	b, err := os.ReadFile(readme)
	if err != nil {
		t.Fatal(err)
	}
	shipped, err := discover.Find(t.Context(), []string{"one-lost-segment"})
	if err != nil {
		t.Fatal(err)
	}
	for _, wrong := range readmeMistakes(string(b), shipped[0].Text) {
		t.Error(wrong)
	}
}

// Links of Markdown that are not to the web, and commands where they stand in code.
var (
	links    = regexp.MustCompile(`\]\(([^)#:]+)(?:#[^)]*)?\)`)
	fences   = regexp.MustCompile("(?ms)^```[a-z]*\n.*?^```$")
	spans    = regexp.MustCompile("`([^`\\n]+)`")
	commands = regexp.MustCompile(`(?m)^(?:\$ )?(?:sudo )?(?:\S*/)?netrepro ([a-z]+)(.*)$`)
	flags    = regexp.MustCompile(`--([a-z][a-z-]*)`)
)

// readmeMistakes lists what a README says and is not so.
func readmeMistakes(text, scenario string) []string {
	var out []string
	if !strings.Contains(text, "```lua\n"+scenario+"```") {
		out = append(out, "the scenario in the README is not the shipped one")
	}
	for _, m := range links.FindAllStringSubmatch(text, -1) {
		if _, err := os.Stat("../../" + m[1]); err != nil {
			out = append(out, "the README links to what is not there: "+m[1])
		}
	}
	all := root(env{})
	code := fences.FindAllString(text, -1)
	for _, m := range spans.FindAllStringSubmatch(fences.ReplaceAllString(text, ""), -1) {
		code = append(code, m[1])
	}
	for _, m := range commands.FindAllStringSubmatch(strings.Join(code, "\n"), -1) {
		cmd, _, err := all.Find([]string{m[1]})
		if err != nil || cmd == all {
			out = append(out, "the README names a command that there is not: "+m[1])
			continue
		}
		for _, f := range flags.FindAllStringSubmatch(m[2], -1) {
			if cmd.Flags().Lookup(f[1]) == nil {
				out = append(out, "the README names a flag that netrepro "+m[1]+" has not: --"+f[1])
			}
		}
	}
	return out
}

// TestReadmeMistakes has each of them found.
func TestReadmeMistakes(t *testing.T) {
	const good = "```lua\nscenario\n```\n[page](scenarios/README.md#there) [web](https://example.com) `netrepro " +
		"run --keep x`\n" +
		"```\nnetrepro list [PATH…]  or --markdown\n```\n"
	for _, tt := range []struct{ old, new, want string }{
		{"", "", ""},
		{"scenario\n", "scenarios\n", "not the shipped one"},
		{"scenarios/README.md", "scenarios/NONE.md", "links to what is not there: scenarios/NONE.md"},
		{"netrepro run", "netrepro walk", "a command that there is not: walk"},
		{"--keep", "--kept", "netrepro run has not: --kept"},
		{"--markdown", "--html", "netrepro list has not: --html"},
	} {
		got := strings.Join(readmeMistakes(strings.Replace(good, tt.old, tt.new, 1), "scenario\n"), "; ")
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%q for %q: found %q, want %q", tt.new, tt.old, got, tt.want)
		}
	}
}

// TestReference has every verb in the generated page: a heading of its own, and the
// words that say what it does.
func TestReference(t *testing.T) {
	b, err := os.ReadFile("../../lualib/README.md")
	if err != nil {
		t.Fatal(err)
	}
	page := string(b)
	verb := func(name string, m *vm.Method) {
		heading := regexp.MustCompile("(?m)^#### `(?:[\\w.]+[:.])?" + m.Name + `\b`)
		if !heading.MatchString(page) {
			t.Errorf("lualib/README.md has no heading for %s", name)
		}
		if !strings.Contains(page, m.Doc) {
			t.Errorf("lualib/README.md does not say what %s does: %q", name, m.Doc)
		}
	}
	l := script.Language()
	for _, m := range l.Globals {
		verb(m.Name, m)
	}
	for _, c := range l.Classes {
		for _, m := range c.Methods {
			verb(c.Name+":"+m.Name, m)
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
