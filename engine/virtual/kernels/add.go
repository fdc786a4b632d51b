package kernels

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"strings"

	"netrepro/engine/virtual/kernelfile"
)

// Add unpacks packages into the store and returns the version of the last kernel in them.
// What a package adds to a kernel that is there stands beside what it had, for some
// distributions divide one into several packages.
func (s Store) Add(debs ...string) (version string, err error) {
	if err := os.MkdirAll(s.Dir, 0o755); err != nil {
		return "", fmt.Errorf("make folder for kernels: %w", err)
	}
	work, err := os.MkdirTemp(s.Dir, ".adding-")
	if err != nil {
		return "", fmt.Errorf("make folder for kernels: %w", err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(work)) }()
	var empty error // of a package that only names the others that a kernel consists of
	for _, d := range debs {
		of, err := unpack(d, work)
		switch {
		case errors.Is(err, errEmpty):
			empty = fmt.Errorf("add %s: %w", d, err)
		case err != nil:
			return "", fmt.Errorf("add %s: %w", d, err)
		default:
			version = of
		}
	}
	if version == "" && empty != nil {
		return "", empty
	}
	found, err := os.ReadDir(work)
	if err != nil {
		return "", fmt.Errorf("add kernel: %w", err)
	}
	for _, e := range found {
		if err := merge(filepath.Join(work, e.Name()), filepath.Join(s.Dir, e.Name())); err != nil {
			return "", fmt.Errorf("add kernel %s: %w", e.Name(), err)
		}
	}
	return version, nil
}

// unpack writes what a kernel consists of from a package into a folder of its version.
func unpack(deb, dir string) (version string, err error) {
	f, err := os.Open(deb)
	if err != nil {
		return "", err
	}
	defer f.Close()
	root, err := os.OpenRoot(dir)
	if err != nil {
		return "", err
	}
	defer root.Close()
	other := false // it has more than its own papers
	want := func(name string) bool {
		other = other || !strings.HasPrefix(name, "usr/share/")
		return wanted(name)
	}
	err = kernelfile.Debian(f, want, func(name string, data []byte) error {
		name = strings.TrimPrefix(name, "usr/")
		version = versionOf(name)
		at := path.Join(version, name)
		if err := root.MkdirAll(path.Dir(at), 0o755); err != nil {
			return err
		}
		return root.WriteFile(at, data, 0o644)
	})
	switch {
	case err != nil || version != "":
	case other:
		err = errors.New(neither)
	default:
		err = errEmpty
	}
	return version, err
}

// neither says that a package has nothing of a kernel.
const neither = "it holds neither a kernel nor modules: some distributions divide a kernel into several packages, " +
	"whose names end in its version: add those with -image, -binary and -modules in their names, together"

// errEmpty is of a package that has nothing but its papers: it may only name others.
var errEmpty = errors.New(neither)

// versionOf is which kernel a file of a package belongs to, by its path.
func versionOf(name string) string {
	if v, ok := strings.CutPrefix(name, "boot/vmlinuz-"); ok {
		return v
	}
	v, _, _ := strings.Cut(strings.TrimPrefix(name, "lib/modules/"), "/")
	return v
}

// merge moves a folder to where there may be one of another part of the same kernel.
func merge(from, to string) error {
	err := os.Rename(from, to)
	if err == nil || !errors.Is(err, fs.ErrExist) && !isNotEmpty(to) {
		return err
	}
	return filepath.WalkDir(from, func(p string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(from, p)
		if err != nil {
			return err
		}
		at := filepath.Join(to, rel)
		if d.IsDir() {
			return os.MkdirAll(at, 0o755)
		}
		return os.Rename(p, at)
	})
}

func isNotEmpty(dir string) bool {
	e, err := os.ReadDir(dir)
	return err == nil && len(e) > 0
}
