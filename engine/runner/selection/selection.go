//go:build linux

package selection

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"netrepro/engine/runner/discover"
	"netrepro/engine/script"
	"netrepro/engine/script/diag"
)

// Options say which cases are meant.
type Options struct {
	Paths   []string // files, folders, names and globs; "-" is Stdin. None is the shipped library
	Tag     string   // an expression of tags that must hold; empty for none
	Exclude []string // names, globs, files and folders to leave out
	Script  script.Options
	Stdin   io.Reader
	Warn    func(string) // tells people what may not be what they meant; nil does not
}

// Cases are those that were selected, with the files that they are in.
type Cases struct {
	Files []*script.File
	ids   map[id]bool
}

// id is a case of a file.
type id struct{ file, name string }

// Wants reports whether c of f was selected.
func (s *Cases) Wants(f *script.File, c *script.Case) bool { return s.ids[id{f.Name, c.ID()}] }

// Load loads what o names. Its errors are those of files that do not load, and of
// names that are nobody's.
func Load(ctx context.Context, o Options) (*Cases, error) {
	tag := expression{holds: func([]string) bool { return true }}
	if o.Tag != "" {
		var err error
		if tag, err = parseTag(o.Tag); err != nil {
			return nil, err
		}
	}
	s := &Cases{ids: map[id]bool{}}
	if err := s.find(ctx, o); err != nil {
		return nil, err
	}
	if err := s.knows(tag.tags, o.Warn); err != nil {
		return nil, err
	}
	if err := s.exclude(o.Exclude); err != nil {
		return nil, err
	}
	s.keep(func(_ *script.File, c *script.Case) bool { return tag.holds(c.Tags) })
	if len(s.ids) == 0 {
		return nil, errors.New("no case is left to run: --tag and --exclude leave all out\n" +
			"  hint: netrepro list with the same flags shows what is selected")
	}
	s.trim()
	return s, nil
}

// find takes what the paths name.
func (s *Cases) find(ctx context.Context, o Options) error {
	paths, names, err := split(o.Paths)
	if err != nil {
		return err
	}
	var sources []discover.Source
	for _, p := range paths {
		var found []discover.Source
		if p == "-" {
			found, err = standardInput(ctx, o.Stdin)
		} else {
			found, err = discover.Find(ctx, []string{p})
		}
		if err != nil {
			return err
		}
		for _, f := range found { // a file named twice, or in a directory named too, is one
			if !slices.Contains(sources, f) {
				sources = append(sources, f)
			}
		}
	}
	if len(o.Paths) == 0 {
		if sources, err = discover.Shipped(); err != nil {
			return err
		}
	}
	if s.Files, err = discover.Load(ctx, sources, o.Script); err != nil {
		return err
	}
	var elsewhere []pattern
	hits := 0
	for _, p := range names {
		n := s.take(s.Files, p.wants)
		if hits += n; n == 0 {
			elsewhere = append(elsewhere, p)
		}
	}
	if hits == 0 { // the files are not where to look, but what to run
		s.take(s.Files, all)
	}
	return s.look(ctx, elsewhere, o)
}

// wanted is a condition on cases.
type wanted = func(*script.File, *script.Case) bool

func all(*script.File, *script.Case) bool { return true }

// take selects the cases of files that are wanted, and returns how many there are.
func (s *Cases) take(files []*script.File, want wanted) (n int) {
	each(files, func(f *script.File, c *script.Case) {
		if want(f, c) {
			s.ids[id{f.Name, c.ID()}] = true
			n++
		}
	})
	return n
}

// each calls do for every case of files.
func each(files []*script.File, do func(*script.File, *script.Case)) {
	for _, f := range files {
		for _, s := range f.Scenarios {
			for _, c := range s.Cases() {
				do(f, c)
			}
		}
	}
}

// keep drops what is not wanted of what is selected.
func (s *Cases) keep(want wanted) (dropped int) {
	each(s.Files, func(f *script.File, c *script.Case) {
		if s.Wants(f, c) && !want(f, c) {
			delete(s.ids, id{f.Name, c.ID()})
			dropped++
		}
	})
	return dropped
}

// trim closes files of which nothing is selected.
func (s *Cases) trim() {
	s.Files = slices.DeleteFunc(s.Files, func(f *script.File) bool {
		for _, sc := range f.Scenarios {
			if slices.ContainsFunc(sc.Cases(), func(c *script.Case) bool { return s.Wants(f, c) }) {
				return false
			}
		}
		f.Close()
		return true
	})
}

// knows refuses tags that are nobody's, if they are near one that is: they were
// misspelt.
func (s *Cases) knows(tags []string, warn func(string)) error {
	var known []string
	each(s.Files, func(_ *script.File, c *script.Case) { known = append(known, c.Tags...) })
	slices.Sort(known)
	known = slices.Compact(known)
	for _, t := range tags {
		if slices.Contains(known, t) {
			continue
		}
		if hint := diag.DidYouMean(t, known); hint != "" {
			return fmt.Errorf("--tag: no scenario has the tag %q\n  hint: %s", t, hint)
		}
		if warn != nil {
			there := "; there are: " + strings.Join(known, ", ")
			if len(known) == 0 {
				there = ", or any"
			}
			warn(fmt.Sprintf("no scenario has the tag %q%s", t, there))
		}
	}
	return nil
}

// exclude leaves out what the names name, each of which must name something.
func (s *Cases) exclude(names []string) error {
	selected := s.known()
	for _, text := range names {
		p := newPattern(text)
		exact := s.keep(func(f *script.File, c *script.Case) bool { return !p.names(c) && !p.within(f) })
		if exact > 0 || s.keep(func(f *script.File, c *script.Case) bool { return !p.places(f, c) }) > 0 {
			continue
		}
		hint := diag.DidYouMean(text, selected)
		if hint == "" {
			hint = "netrepro list shows what there is"
		}
		return fmt.Errorf("--exclude: nothing of what is selected is called %q\n  hint: %s", text, hint)
	}
	return nil
}

// known are the names of scenarios and cases of the files.
func (s *Cases) known() []string { return known(s.Files) }

func known(files []*script.File) []string {
	var out []string
	each(files, func(_ *script.File, c *script.Case) { out = append(out, c.Name, c.ID()) })
	slices.Sort(out)
	return slices.Compact(out)
}
