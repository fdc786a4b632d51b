//go:build linux

// Package discover finds scenario files, in directories and in the shipped
// library, with the golden traces beside them, and loads them. It runs nothing.
//
// Invariant: a file is found once, whatever paths lead to it, and in the same
// order on every machine.
package discover

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"netrepro/engine/files"
	"netrepro/engine/pattern"
	"netrepro/engine/script"
	"netrepro/engine/script/diag"
	"netrepro/scenarios"
)

// Source is the text of a scenario file.
type Source struct {
	Name string // as shown
	Text string
}

// Find reads the scenario files that paths name: files, directories with all
// below them, or files and folders of the shipped library. No path means the whole
// shipped library. A pipe is read until its end, or the end of ctx.
func Find(ctx context.Context, paths []string) ([]Source, error) {
	if len(paths) == 0 {
		return Shipped()
	}
	var out []Source
	for _, p := range paths {
		found, err := find(ctx, p)
		if err != nil {
			return nil, err
		}
		for _, f := range found { // a file named twice, or in a directory named too, is one
			if !slices.Contains(out, f) {
				out = append(out, f)
			}
		}
	}
	return out, nil
}

func find(ctx context.Context, path string) ([]Source, error) {
	st, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) {
		if found := Named(path); len(found) > 0 {
			return found, nil
		}
		return nil, &diag.Error{File: path,
			Msg:  "there is no such file, and no such scenario or folder in the shipped library",
			Hint: "netrepro list shows what there is"}
	}
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	if !st.IsDir() {
		b, err := files.Read(ctx, path, MaxSource)
		if err != nil {
			return nil, fmt.Errorf("read scenario: %w", err)
		}
		return []Source{{Name: path, Text: string(b)}}, nil
	}
	var paths []string
	err = filepath.WalkDir(path, func(p string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && strings.HasSuffix(p, ".lua") {
			paths = append(paths, p)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", path, err)
	}
	out, err := readFiles(paths)
	// A module beside the scenarios is not one itself.
	out = slices.DeleteFunc(out, func(s Source) bool { return !defines.MatchString(s.Text) })
	if err == nil && len(out) == 0 {
		return nil, &diag.Error{File: path,
			Msg: "there is no scenario below this directory", Hint: "scenario files end in .lua"}
	}
	return out, err
}

// defines finds a scenario in a file.
var defines = pattern.New(`(?m)^\s*scenario\b`)

// MaxSource bounds a scenario file, and a golden trace, in bytes.
const MaxSource = 16 << 20

func readFiles(paths []string) ([]Source, error) {
	slices.Sort(paths)
	var out []Source
	for _, f := range paths {
		b, err := files.ReadRegular(f, MaxSource)
		if err != nil {
			return nil, fmt.Errorf("read scenario: %w", err)
		}
		out = append(out, Source{Name: f, Text: string(b)})
	}
	return out, nil
}

// Shipped is the built-in library.
func Shipped() ([]Source, error) {
	var out []Source
	err := fs.WalkDir(scenarios.Files, ".", func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || path.Ext(p) != ".lua" {
			return err
		}
		b, err := scenarios.Files.ReadFile(p)
		out = append(out, Source{Name: shippedRoot + p, Text: string(b)})
		return err
	})
	return out, err
}

// maxSeen bounds how many files and folders are looked at for names that somebody
// may have meant.
const maxSeen = 20_000

// Below reads the scenario files in a folder and below it that can be read, for whoever
// looks for a name: hidden folders are left out, and of very many files those that come
// late.
func Below(dir string) (out []Source) {
	seen := 0
	_ = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error { // what cannot be read is left out
		if seen++; seen > maxSeen {
			return fs.SkipAll
		}
		switch {
		case err != nil && d != nil && d.IsDir():
			return fs.SkipDir
		case err != nil:
			return nil
		case d.IsDir() && p != dir && (strings.HasPrefix(d.Name(), ".") || d.Name() == "node_modules"):
			return fs.SkipDir
		case !d.Type().IsRegular() || filepath.Ext(p) != ".lua":
			return nil
		}
		if b, err := files.ReadRegular(p, MaxSource); err == nil && defines.Match(b) {
			out = append(out, Source{Name: p, Text: string(b)})
		}
		return nil
	})
	return out
}

// shippedRoot begins the names of files of the library.
const shippedRoot = "scenarios/"

// Named finds files of the library: one by its scenario's name or its own, or all of
// a folder.
func Named(name string) []Source {
	all, err := Shipped()
	if err != nil {
		return nil
	}
	name = strings.TrimPrefix(path.Clean(filepath.ToSlash(name)), shippedRoot)
	file := strings.ReplaceAll(strings.TrimSuffix(name, ".lua"), "-", "_") + ".lua"
	return slices.DeleteFunc(all, func(s Source) bool {
		p := strings.TrimPrefix(s.Name, shippedRoot)
		return path.Dir(p) != name && p != file && path.Base(p) != file
	})
}

// loadTimeout bounds what the top level of a file may take.
const loadTimeout = 10 * time.Second

// Load loads every source. The errors of those that do not load are joined.
func Load(ctx context.Context, sources []Source, o script.Options) ([]*script.File, error) {
	var files []*script.File
	var errs []error
	for _, s := range sources {
		late := fmt.Errorf("loading takes longer than %s: only what run does may take time", loadTimeout)
		ctx, cancel := context.WithTimeoutCause(ctx, loadTimeout, late)
		defer cancel()
		f, err := script.Load(ctx, s.Name, s.Text, o)
		if err != nil {
			errs = append(errs, err)
			continue
		}
		files = append(files, f)
	}
	return files, errors.Join(errs...)
}
