//go:build linux

package carried

import (
	"bytes"
	"debug/elf"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"netrepro/engine/files"
	"netrepro/engine/host/process"
	"netrepro/engine/runner/task"
	"netrepro/engine/script/need"
)

// Tree is files by their absolute paths in a virtual machine.
type Tree struct {
	Files map[string][]byte // programs and libraries
	Links map[string]string // names of programs, and where they are
}

// companions are files that programs do not work without and that nothing in them names.
var companions = map[string][]string{
	"openssl": {"/etc/ssl/openssl.cnf", "/usr/lib/ssl/openssl.cnf", "/etc/pki/tls/openssl.cnf"},
	"nginx":   {"/etc/nginx/mime.types"},
	"haproxy": {"/etc/ssl/openssl.cnf"},
}

// Bounds of a program with its libraries.
const (
	mostPrograms = 256 << 20
	mostFile     = 128 << 20
)

// where programs are looked for in a virtual machine.
const programs = "/usr/bin"

// usual are programs with which people look into a case.
var usual = []string{"sh", "cat", "curl", "dmesg", "grep", "ip", "ls", "nft", "ping", "ss", "tcpdump"}

// shell is where scripts and prompts have it.
const shell = "/bin/sh"

// Programs are those of this machine that tasks need, with their libraries; of tasks that
// somebody looks into, those too that people look with. One that is not here is left out: the
// case that needs it is skipped, and says so.
func Programs(tasks []*task.Task, looked bool) (*Tree, error) {
	names, asked := map[string]bool{}, map[string]bool{}
	if looked {
		for _, n := range usual {
			names[n] = true
		}
	}
	for _, t := range tasks {
		if t.Of != nil {
			continue // it runs none
		}
		for _, n := range t.Case.Needs {
			if p := need.Program(n); p != "" {
				names[p], asked[p] = true, true
			}
		}
	}
	b := &bundle{Tree: Tree{Files: map[string][]byte{}, Links: map[string]string{}}, root: "/"}
	for _, n := range slices.Sorted(maps.Keys(names)) {
		path, err := process.Find(n)
		if err != nil {
			continue
		}
		if err := b.program(n, path); err != nil {
			if !asked[n] {
				continue
			}
			return nil, fmt.Errorf("carry program %s into the virtual machine: %w", n, err)
		}
	}
	if at, err := process.Find("sh"); looked && err == nil && at != shell {
		b.Links[shell] = at
	}
	return &b.Tree, nil
}

// bundle is a tree in the making, of files below root.
type bundle struct {
	Tree
	root string
	size int
	dirs []string // of ld.so.conf; nil if not read yet
}

// program adds a program that is called name, and all that it needs.
func (b *bundle) program(name, path string) error {
	if err := b.add(path, nil); err != nil {
		return err
	}
	if at := filepath.Join(programs, filepath.Base(name)); at != path {
		b.Links[at] = path
	}
	for _, c := range companions[name] {
		if err := b.add(c, nil); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return err
		}
	}
	return nil
}

// add adds a file, and the interpreter and the libraries that it needs. rpath is where
// whoever needs it has libraries looked for.
func (b *bundle) add(path string, rpath []string) error {
	if _, ok := b.Files[path]; ok {
		return nil
	}
	data, err := files.ReadRegular(filepath.Join(b.root, path), mostFile)
	if err != nil {
		return err
	}
	if b.size += len(data); b.size > mostPrograms {
		return fmt.Errorf("with what it needs it is larger than %d MB", mostPrograms>>20)
	}
	b.Files[path] = data
	if text, ok := bytes.CutPrefix(data, []byte("#!")); ok {
		line, _, _ := bytes.Cut(text, []byte("\n"))
		return b.script(path, strings.Fields(string(line)))
	}
	f, err := elf.NewFile(bytes.NewReader(data))
	if err != nil {
		return nil // it is no program
	}
	return b.needs(path, f, rpath)
}

// script adds what a script is run by, given as the words of its first line.
func (b *bundle) script(path string, by []string) error {
	if len(by) == 0 {
		return fmt.Errorf("%s does not say what runs it", path)
	}
	if err := b.add(by[0], nil); err != nil {
		return fmt.Errorf("what runs %s: %w", path, err)
	}
	if filepath.Base(by[0]) == "env" && len(by) > 1 {
		p, err := process.Find(by[1])
		if err != nil {
			return fmt.Errorf("what runs %s: %w", path, err)
		}
		return b.program(by[1], p)
	}
	return nil
}

// needs adds the interpreter and the libraries of a program, or of a library.
func (b *bundle) needs(path string, f *elf.File, rpath []string) error {
	for _, p := range f.Progs {
		if p.Type != elf.PT_INTERP {
			continue
		}
		name := make([]byte, min(p.Filesz, 4096))
		if _, err := p.ReadAt(name, 0); err != nil {
			return fmt.Errorf("read %s: %w", path, err)
		}
		if err := b.add(string(bytes.TrimRight(name, "\x00")), nil); err != nil {
			return fmt.Errorf("the loader of %s: %w", path, err)
		}
	}
	libraries, err := f.ImportedLibraries()
	if err != nil {
		return fmt.Errorf("read %s: %w", path, err)
	}
	own := runpath(f, path)
	for _, l := range libraries {
		at, err := b.library(l, slices.Concat(own, rpath), f)
		if err == nil {
			err = b.add(at, slices.Concat(own, rpath))
		}
		if err != nil {
			return fmt.Errorf("library %s of %s: %w", l, path, err)
		}
	}
	return nil
}

// runpath is where a program has its libraries looked for.
func runpath(f *elf.File, path string) (out []string) {
	for _, tag := range []elf.DynTag{elf.DT_RPATH, elf.DT_RUNPATH} {
		texts, _ := f.DynString(tag) // without any there is none
		for _, text := range texts {
			for dir := range strings.SplitSeq(text, ":") {
				for _, origin := range []string{"$ORIGIN", "${ORIGIN}"} {
					dir = strings.ReplaceAll(dir, origin, filepath.Dir(path))
				}
				if filepath.IsAbs(dir) {
					out = append(out, filepath.Clean(dir))
				}
			}
		}
	}
	return out
}

// exists reports whether there is a file below root.
func (b *bundle) exists(path string) bool {
	st, err := os.Stat(filepath.Join(b.root, path))
	return err == nil && st.Mode().IsRegular()
}
