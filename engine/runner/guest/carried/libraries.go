//go:build linux

package carried

import (
	"debug/elf"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// always are the folders that loaders look into without being told, the best first.
var always = []string{"/lib/x86_64-linux-gnu", "/usr/lib/x86_64-linux-gnu", "/lib64", "/usr/lib64", "/lib", "/usr/lib"}

// library is where a library is that a program needs: in folders that the program names,
// in those that loaders know, or in those of ld.so.conf. In the machine there is no cache of
// the latter, so that a link leads from a folder that loaders know.
func (b *bundle) library(name string, rpath []string, by *elf.File) (string, error) {
	if filepath.IsAbs(name) {
		return name, nil
	}
	fits := func(dir string) bool {
		p := filepath.Join(dir, name)
		return b.exists(p) && b.same(p, by)
	}
	for _, dir := range append(rpath, always...) {
		if fits(dir) {
			return filepath.Join(dir, name), nil
		}
	}
	if b.dirs == nil {
		b.dirs = b.configured("/etc/ld.so.conf", 0)
	}
	for _, dir := range b.dirs {
		if fits(dir) {
			for _, known := range []string{"/lib/x86_64-linux-gnu", "/lib64", "/lib"} {
				b.Links[filepath.Join(known, name)] = filepath.Join(dir, name)
			}
			return filepath.Join(dir, name), nil
		}
	}
	return "", fmt.Errorf("find it: %w", fs.ErrNotExist)
}

// same reports whether a library is of the same kind as who needs it: another one of the
// name may be for other processors.
func (b *bundle) same(path string, by *elf.File) bool {
	f, err := elf.Open(filepath.Join(b.root, path))
	if err != nil {
		return false
	}
	defer f.Close()
	return f.Class == by.Class && f.Machine == by.Machine
}

// deepest is how many files of ld.so.conf may include each other.
const deepest = 4

// configured are the folders that a file like ld.so.conf names.
func (b *bundle) configured(file string, depth int) []string {
	out := []string{}
	text, err := os.ReadFile(filepath.Join(b.root, file))
	if err != nil || depth > deepest {
		return out // there need not be any
	}
	for line := range strings.Lines(string(text)) {
		line, _, _ = strings.Cut(line, "#")
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case words[0] != "include":
			out = append(out, words[0])
		case len(words) > 1:
			pattern := words[1]
			if !filepath.IsAbs(pattern) {
				pattern = filepath.Join(filepath.Dir(file), pattern)
			}
			found, _ := filepath.Glob(filepath.Join(b.root, pattern)) // what is no pattern names no files
			for _, p := range found {
				rel, err := filepath.Rel(b.root, p)
				if err == nil {
					out = append(out, b.configured("/"+rel, depth+1)...)
				}
			}
		}
	}
	return out
}
