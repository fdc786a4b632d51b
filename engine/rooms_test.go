package engine

import (
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// picture is how the rooms stand above each other, from the README: rooms on one
// line do not know each other.
func picture(t *testing.T) [][]string {
	t.Helper()
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "cmd/netrepro  ")
	rest, _, found := strings.Cut(rest, "```")
	if !found {
		t.Fatal("the README has no picture of the rooms")
	}
	var out [][]string
	for _, line := range strings.Split(rest, "\n")[1:] {
		left := line[:min(len(line), 32)] // the rest says what they are
		if rooms := strings.Fields(left); len(rooms) > 0 {
			out = append(out, rooms)
		}
	}
	return out
}

// layer is where a package stands in the picture, from the top; -1 if nowhere.
func layer(of [][]string, pkg string) int {
	group, _, _ := strings.Cut(pkg, "/")
	return slices.IndexFunc(of, func(line []string) bool { return slices.Contains(line, group) })
}

// packages are those of the program by their path below engine, with the rooms of
// engine that they import.
func packages(t *testing.T) map[string][]string {
	t.Helper()
	out := map[string][]string{}
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".go") || strings.HasSuffix(path, "_test.go") {
			return err
		}
		pkg := filepath.ToSlash(filepath.Dir(path))
		f, err := parser.ParseFile(token.NewFileSet(), path, nil, parser.ImportsOnly)
		if err != nil || pkg == "." {
			return err
		}
		out[pkg] = append(out[pkg], "")
		for _, i := range f.Imports {
			name, err := strconv.Unquote(i.Path.Value)
			if err != nil {
				return err
			}
			if room, ok := strings.CutPrefix(name, "netrepro/engine/"); ok {
				out[pkg] = append(out[pkg], room)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// mayNot are imports that the picture allows and the table of rooms does not.
var mayNot = []struct{ who, what, why string }{
	{`^script/(vm|diag)$`, `^(packet|tcp|trace|lab|host|kernel|match|expect|script/(args|session|bind))`,
		"knows no network"},
	{`^script/bind/`, `^script/bind/`, "does not know the other rooms of verbs"},
	{`^host/`, `^lab/(wire|relay|fault|firewall)|^(trace|match|expect)`, "knows no wires and no traces"},
	{`^(match|expect)`, `^(script|lab)`, "knows no scripts"},
}

// TestImports holds every import to the picture: downward, or between the rooms of
// one group.
func TestImports(t *testing.T) {
	rooms := picture(t)
	for pkg, imports := range packages(t) {
		if strings.HasPrefix(pkg, "testutil/") {
			continue
		}
		at := layer(rooms, pkg)
		if at < 0 {
			t.Errorf("the picture in README.md has no room for %s", pkg)
			continue
		}
		group, _, _ := strings.Cut(pkg, "/")
		for _, i := range imports {
			other, _, _ := strings.Cut(i, "/")
			if i != "" && other != group && layer(rooms, i) <= at {
				t.Errorf("%s imports %s, which does not stand below it", pkg, i)
			}
			for _, m := range mayNot {
				who, what := regexp.MustCompile(m.who), regexp.MustCompile(m.what)
				if who.MatchString(pkg) && what.MatchString(i) {
					t.Errorf("%s imports %s: it %s", pkg, i, m.why)
				}
			}
		}
	}
}

// TestRooms has every package named in the README.
func TestRooms(t *testing.T) {
	b, err := os.ReadFile("README.md")
	if err != nil {
		t.Fatal(err)
	}
	for pkg := range packages(t) {
		name := pkg[strings.LastIndex(pkg, "/")+1:]
		if strings.HasPrefix(pkg, "script/bind/") || strings.Count(pkg, "/") > 1 {
			continue // told of with the room above it
		}
		if !regexp.MustCompile("[`/ ]" + name + "[` ]").Match(b) {
			t.Errorf("README.md does not say what %s is", pkg)
		}
	}
}

// Bounds of what is read at one time. Lines of which a text or an expression in quotes
// is the most are data, and may be longer.
const (
	mostLines   = 1000 // of a package, without its tests
	mostOfFile  = 400
	mostColumns = 120
)

// quotedPart is a long text in a line.
var quotedPart = regexp.MustCompile("[\"`].{50,}")

// TestSizes holds packages, files and lines to their bounds.
func TestSizes(t *testing.T) {
	lines := map[string]int{}
	for _, root := range []string{".", "../cmd", "../lualib", "../scenarios"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() || filepath.Ext(path) != ".go" {
				return err
			}
			b, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			text := strings.Split(strings.TrimSuffix(string(b), "\n"), "\n")
			if !strings.HasSuffix(path, "_test.go") {
				lines[filepath.Dir(path)] += len(text)
			}
			if len(text) > mostOfFile {
				t.Errorf("%s has %d lines", path, len(text))
			}
			for i, line := range text {
				if n := len([]rune(line)); n > mostColumns && !quotedPart.MatchString(line) {
					t.Errorf("%s:%d has %d columns", path, i+1, n)
				}
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	for dir, n := range lines {
		if n > mostLines {
			t.Errorf("%s has %d lines: split it by what it holds", dir, n)
		}
	}
	if len(lines) < 50 {
		t.Errorf("%d packages were read", len(lines))
	}
}
