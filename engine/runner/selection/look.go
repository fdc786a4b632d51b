//go:build linux

package selection

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"

	"netrepro/engine/runner/discover"
	"netrepro/engine/sanitize"
	"netrepro/engine/script"
	"netrepro/engine/script/diag"
)

// split tells the paths of files and folders that are there from names. A glob that
// matches files or folders is these.
func split(args []string) (paths []string, names []pattern, err error) {
	for _, a := range args {
		_, err := os.Stat(a)
		if errors.Is(err, syscall.ENOTDIR) {
			file := filepath.Dir(a)
			return nil, nil, fmt.Errorf("read %s: %s is a file, and has nothing below it: write %s NAME/%s, where NAME is a "+
				"scenario in it", a, file, file, filepath.Base(a))
		}
		if err == nil || a == "-" || !errors.Is(err, os.ErrNotExist) {
			paths = append(paths, a) // what cannot be read is an error of whoever reads it
			continue
		}
		if a == "" {
			return nil, nil, errors.New("a path is empty: leave it out for the shipped library")
		}
		var files []string
		if glob(a) {
			found, err := filepath.Glob(a)
			if err != nil {
				return nil, nil, fmt.Errorf("find %s: %w", a, err)
			}
			for _, f := range found {
				if st, err := os.Stat(f); err == nil && (st.IsDir() || filepath.Ext(f) == ".lua") {
					files = append(files, f)
				}
			}
		}
		if len(files) > 0 {
			paths = append(paths, files...)
			continue
		}
		names = append(names, newPattern(a))
	}
	return paths, names, nil
}

// standardInput reads a scenario file from r, until ctx ends.
func standardInput(ctx context.Context, r io.Reader) ([]discover.Source, error) {
	if r == nil {
		return nil, errors.New("read standard input: there is none")
	}
	type said struct {
		text []byte
		err  error
	}
	done := make(chan said, 1)
	go func() {
		b, err := io.ReadAll(io.LimitReader(r, discover.MaxSource+1))
		if err == nil && len(b) > discover.MaxSource {
			err = fmt.Errorf("it has more than %d MB", discover.MaxSource>>20)
		}
		done <- said{b, err}
	}()
	select {
	case s := <-done:
		if s.err != nil {
			return nil, fmt.Errorf("read standard input: %w", s.err)
		}
		return []discover.Source{{Name: "-", Text: string(s.text)}}, nil
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
}

// look takes what the patterns name from the working folder and the shipped library.
func (s *Cases) look(ctx context.Context, ps []pattern, o Options) error {
	if len(ps) == 0 {
		return nil
	}
	own := discover.Below(".")
	library, err := discover.Shipped()
	if err != nil {
		return err
	}
	e := elsewhere{ctx: ctx, o: o, loaded: map[discover.Source]*script.File{}, named: s.Files}
	for _, p := range ps {
		files, wanted, err := e.find(p, own, library)
		if err != nil {
			return err
		}
		for _, f := range files {
			if !slices.ContainsFunc(s.Files, func(g *script.File) bool { return g.Name == f.Name }) {
				s.Files = append(s.Files, f)
			}
		}
		s.take(files, wanted)
	}
	return nil
}

// elsewhere looks for names in files that were not named.
type elsewhere struct {
	ctx    context.Context
	o      Options
	loaded map[discover.Source]*script.File
	named  []*script.File // files that were named beside
	broken []error
}

// load loads the sources that are fine. Those that are not matter only if a name is
// not found.
func (e *elsewhere) load(sources []discover.Source) (files []*script.File) {
	for _, src := range sources {
		f, before := e.loaded[src]
		if !before {
			fs, err := discover.Load(e.ctx, []discover.Source{src}, e.o.Script)
			if err != nil {
				e.broken = append(e.broken, err)
			} else {
				f = fs[0]
			}
			e.loaded[src] = f
		}
		if f != nil {
			files = append(files, f)
		}
	}
	return files
}

// find finds the files with what p names, and which of their cases: in the library or in
// the working folder, but not something else in each.
func (e *elsewhere) find(p pattern, own, library []discover.Source) ([]*script.File, wanted, error) {
	likely := func(sources []discover.Source) []discover.Source {
		if glob(p.scenario) {
			return sources
		}
		return slices.DeleteFunc(slices.Clone(sources), func(s discover.Source) bool {
			return !strings.Contains(s.Text, p.scenario)
		})
	}
	for _, narrow := range []func([]discover.Source) []discover.Source{
		likely, func(s []discover.Source) []discover.Source { return s },
	} {
		mine, theirs := having(e.load(narrow(own)), p), having(e.load(narrow(library)), p)
		for _, m := range mine {
			for _, t := range theirs {
				if m.Text != t.Text && same(m, t, p) {
					return nil, nil, fmt.Errorf("%q is in %s and in the shipped library: name the file, or the library's "+
						"scenario by its folder", p.text, m.Name)
				}
			}
		}
		// The library's files are there beside the program's sources.
		mine = slices.DeleteFunc(mine, func(m *script.File) bool {
			return slices.ContainsFunc(theirs, func(t *script.File) bool { return t.Text == m.Text })
		})
		if len(mine)+len(theirs) > 0 {
			return append(theirs, mine...), p.wants, nil
		}
		if found := discover.Named(p.text); len(found) > 0 {
			return e.load(found), all, nil
		}
	}
	files := e.load(library)
	placed := slices.DeleteFunc(slices.Clone(files), func(f *script.File) bool { return !holds(f, p.places) })
	if len(placed) > 0 {
		return placed, p.places, nil
	}
	return nil, nil, e.unknown(p, append(files, e.load(own)...))
}

// having are those of files that have what p names.
func having(files []*script.File, p pattern) []*script.File {
	return slices.DeleteFunc(files, func(f *script.File) bool {
		return !holds(f, p.wants)
	})
}

// holds reports whether a case of f is wanted.
func holds(f *script.File, want wanted) (yes bool) {
	each([]*script.File{f}, func(f *script.File, c *script.Case) { yes = yes || want(f, c) })
	return yes
}

// same reports whether p names a scenario of one name in both files.
func same(a, b *script.File, p pattern) bool {
	return holds(a, func(_ *script.File, c *script.Case) bool {
		return p.names(c) && slices.ContainsFunc(b.Scenarios, func(s *script.Scenario) bool { return s.Name == c.Name })
	})
}

// variantOf is a scenario of files that has a variant, empty if none has.
func variantOf(files []*script.File, variant string) (of string) {
	each(files, func(_ *script.File, c *script.Case) {
		if c.Variant.Name == variant && of == "" {
			of = c.Name
		}
	})
	return of
}

// unknown says that p is nobody's name, and what is near.
func (e *elsewhere) unknown(p pattern, files []*script.File) error {
	err := &diag.Error{File: p.text, Msg: "there is no such file, and no such scenario or folder here or in the shipped " +
		"library", Hint: "netrepro list shows what there is"}
	names := known(files)
	scenario := pattern{text: p.scenario, scenario: p.scenario}
	if of := having(slices.Clone(files), scenario); p.cases && len(of) > 0 {
		var cases []string
		each(of, func(_ *script.File, c *script.Case) {
			if _, rest, more := strings.Cut(c.ID(), "/"); more && c.Name == p.scenario {
				cases = append(cases, sanitize.Text(rest))
			}
		})
		err.Msg = fmt.Sprintf("scenario %q has no case %q", p.scenario, p.rest)
		err.Hint = "it has no variants: leave out what follows its name"
		if len(cases) > 0 {
			err.Hint = "it has: " + strings.Join(cases, ", ")
		}
	} else if of := variantOf(e.named, p.text); of != "" {
		err.Hint = fmt.Sprintf("it is a variant of %s: write %s/%s", of, of, p.text)
	} else if hint := diag.DidYouMean(p.text, append(names, neighbours(p.text)...)); hint != "" {
		err.Hint = hint
	}
	if len(e.broken) > 0 {
		err.Hint += fmt.Sprintf(" (%d files here do not load: netrepro check . says why)", len(e.broken))
	}
	return err
}

// neighbours are the paths of what is in the folder that a path is in.
func neighbours(path string) (out []string) {
	entries, err := os.ReadDir(filepath.Dir(path))
	if err != nil {
		return nil
	}
	for _, e := range entries {
		name := e.Name()
		if dir, _ := filepath.Split(path); dir != "" {
			name = dir + name
		}
		if e.IsDir() || filepath.Ext(name) == ".lua" {
			out = append(out, name)
		}
	}
	return out
}
