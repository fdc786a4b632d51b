//go:build linux

package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/testscript"

	"netrepro/engine/diagnose"
	"netrepro/engine/diagnose/corpus"
)

// cause is a line of testdata/library/causes.txt.
type cause struct {
	ids   []string // the cause first
	blind []string // capture points that do not show it
}

// causes are what the cases of the library are, by their names without options.
func causes() (map[string]cause, error) {
	b, err := os.ReadFile("../../testdata/library/causes.txt")
	if err != nil {
		return nil, err
	}
	all := map[string]cause{}
	for line := range strings.Lines(string(b)) {
		if strings.HasPrefix(line, "#") {
			continue
		}
		parts := strings.Split(strings.TrimSpace(line), " | ")
		if len(parts) < 2 {
			return nil, fmt.Errorf("causes.txt: %q is no name and cause", line)
		}
		c := cause{ids: strings.Fields(parts[1])}
		if len(parts) > 2 {
			c.blind = strings.Fields(parts[2])
		}
		all[parts[0]] = c
	}
	return all, nil
}

// score counts what was said of captures whose cause is known.
type score struct {
	views, there, found, said, right map[string]int
	sure                             [5]struct{ said, right int } // by tens of percent from 50
	clean, calm                      int                          // captures of cases without a fault, and those called so
	wrong                            []string
}

// diagnosed diagnoses every capture of the library's cases below dir, from each point.
func diagnosed(dir, scratch string) (*score, error) {
	all, err := causes()
	if err != nil {
		return nil, err
	}
	s := &score{map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{}, map[string]int{},
		[5]struct{ said, right int }{}, 0, 0, nil}
	return s, filepath.WalkDir(dir, func(p string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Base(p) != "trace.pcapng" {
			return err
		}
		name, err := filepath.Rel(dir, filepath.Dir(p))
		if err != nil {
			return err
		}
		key, _, _ := strings.Cut(name, ",")
		c, ok := all[key]
		if !ok {
			return fmt.Errorf("causes.txt does not say what %s is", key)
		}
		views, err := corpus.Views(context.Background(), p, scratch)
		if err != nil {
			return err
		}
		for _, v := range append([]corpus.View{{Name: "whole", Path: p}}, withText(views)...) {
			r, err := diagnose.Files(context.Background(), []string{v.Path})
			if err != nil {
				return fmt.Errorf("%s, %s: %w", name, v.Name, err)
			}
			s.add(name, v.Name, c, r)
		}
		return nil
	})
}

// withText adds what tcpdump prints of the captures of single points, where it is
// installed.
func withText(views []corpus.View) []corpus.View {
	tcpdump, err := exec.LookPath("tcpdump")
	if err != nil || os.Getenv("NETREPRO_CORPUS") == "" {
		return views
	}
	out := views
	for _, v := range views {
		if !strings.HasPrefix(v.Name, "point") {
			continue
		}
		text, err := exec.Command(tcpdump, "-nnv", "-r", v.Path).Output()
		to := v.Path + ".txt"
		if err == nil && len(text) > 0 && os.WriteFile(to, text, 0o600) == nil {
			out = append(out, corpus.View{Name: "text of " + v.Name, Path: to})
		}
	}
	return out
}

// add counts what was said of one view.
func (s *score) add(name, view string, c cause, r *diagnose.Report) {
	kind, point := view, ""
	if i := strings.LastIndex(view, "point "); i >= 0 {
		kind, point = strings.TrimSpace(view[:i]+"point"), view[i+len("point "):]
	}
	s.views[kind]++
	partial := kind != "whole" && point == ""
	blind := point != "" && slices.Contains(c.blind, point)
	sound := c.ids[0] == "clean"
	hit, bad := false, false
	for _, f := range r.Findings {
		right := slices.Contains(c.ids, f.ID) || (partial || blind) && f.ID == "clean"
		if f.ID == "cannot-tell" {
			hit = hit || right
			continue // it claims nothing
		}
		hit = hit || right
		s.said[f.ID]++
		bin := &s.sure[min(max(int(f.Confidence()*10)-5, 0), 4)]
		bin.said++
		if right {
			s.right[f.ID]++
			bin.right++
		} else {
			bad = true
			s.wrong = append(s.wrong, fmt.Sprintf("%s, %s: %s (%v)", name, view, f.ID, f.Confidence()))
		}
	}
	if sound {
		if s.clean++; !bad {
			s.calm++
		}
	}
	if !partial && !blind {
		s.there[c.ids[0]]++
		if hit {
			s.found[c.ids[0]]++
		} else {
			s.wrong = append(s.wrong, fmt.Sprintf("%s, %s: not %s", name, view, c.ids[0]))
		}
	}
}

// check reports what is below what is asked: of all that is said of a cause 95 % right, of
// all that is there 95 % found, 98 % of what is sound called so. Few of a kind may have one
// that is not.
func (s *score) check() error {
	const allowed = 1
	var below []string
	for id, n := range s.said {
		if wrong := n - s.right[id]; wrong > max(n/20, allowed) {
			below = append(below, fmt.Sprintf("%s is said %d times, %d of them wrongly", id, n, wrong))
		}
	}
	for id, n := range s.there {
		if missed := n - s.found[id]; missed > max(n/20, allowed) {
			below = append(below, fmt.Sprintf("%s is there %d times and is missed %d times", id, n, missed))
		}
	}
	if s.clean-s.calm > max(s.clean/50, allowed) {
		below = append(below, fmt.Sprintf("of %d sound captures %d are called sound", s.clean, s.calm))
	}
	if below == nil {
		return nil
	}
	return fmt.Errorf("%s\n%s", strings.Join(below, "\n"), strings.Join(s.wrong, "\n"))
}

// diagnosedRight DIR holds the diagnosis to what the library's cases wrote below a
// directory.
func diagnosedRight(ts *testscript.TestScript, _ bool, args []string) {
	s, err := diagnosed(ts.MkAbs(args[0]), ts.MkAbs("."))
	ts.Check(err)
	ts.Check(s.check())
}

// TestCorpus diagnoses what the library's cases wrote below the folder NETREPRO_CORPUS; with
// -update it writes the table. The script "library" does so without the table.
func TestCorpus(t *testing.T) {
	dir := os.Getenv("NETREPRO_CORPUS")
	if dir == "" {
		t.Skip("NETREPRO_CORPUS names no folder of captures")
	}
	s, err := diagnosed(dir, t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	for _, w := range s.wrong {
		t.Log(w)
	}
	if err := s.check(); err != nil {
		t.Error(err)
	}
	if *update {
		golden(t, "../../engine/diagnose/SUITE.md", s.page())
	}
}

func (s *score) page() []byte {
	var b strings.Builder
	b.WriteString(`# What is said of the library's own captures

Generated by ` + "`netrepro run -o DIR` and `NETREPRO_CORPUS=DIR go test ./cmd/netrepro -run TestCorpus -update`" + `.
Every case of the library is diagnosed from its whole capture, from each capture point alone, from one side's packets
only, from the fourth packet of each connection on, cut after four fifths, and from what tcpdump prints of each point.
[causes.txt](../../testdata/library/causes.txt) says what each case is, what else may be said of it, and which points
do not show it.

`)
	var kinds []string
	for k := range s.views {
		kinds = append(kinds, k)
	}
	slices.Sort(kinds)
	b.WriteString("| captures | how many |\n|---|---|\n")
	for _, k := range kinds {
		fmt.Fprintf(&b, "| %s | %d |\n", k, s.views[k])
	}
	b.WriteString("\n*There* counts whole captures and points that show the cause, *found* those where it, or what may be " +
		"said instead, is\nsaid. *Said* counts all captures, *right* those where it may be said. A capture that cannot " +
		"tell is not counted as said.\n\n| finding | there | found | said | right |\n|---|---|---|---|---|\n")
	var ids []string
	for _, m := range []map[string]int{s.said, s.there} {
		for id := range m {
			if !slices.Contains(ids, id) {
				ids = append(ids, id)
			}
		}
	}
	slices.Sort(ids)
	for _, id := range ids {
		fmt.Fprintf(&b, "| %s | %d | %d | %d | %d |\n", id, s.there[id], s.found[id], s.said[id], s.right[id])
	}
	fmt.Fprintf(&b, "\nOf %d captures of cases without a fault, nothing wrong is said of %d.\n", s.clean, s.calm)
	b.WriteString("\n## How sure is sure\n\n| said with | findings | right |\n|---|---|---|\n")
	for i, bin := range s.sure {
		fmt.Fprintf(&b, "| %d to %d %% | %d | %d |\n", 50+10*i, 60+10*i, bin.said, bin.right)
	}
	return []byte(b.String())
}
