//go:build linux

package script

import (
	"context"
	"path/filepath"
	"time"

	"netrepro/engine/files"
	"netrepro/engine/script/diag"
	"netrepro/engine/script/vm"
	"netrepro/lualib"
)

// File is a loaded scenario file.
type File struct {
	Name      string
	Text      string
	Scenarios []*Scenario

	vm *vm.VM
}

// Options of loading and running.
type Options struct {
	// Lualib is a directory to take library modules from instead of the
	// built-in ones.
	Lualib string
	// Print receives what the script prints.
	Print func(where, text string)
	Seed  uint64
}

// Load reads a scenario file and runs its top level, which touches nothing on
// the machine. Its errors are *[diag.Error]. Close the file when done.
func Load(ctx context.Context, name, text string, o Options) (*File, error) {
	src, err := diag.Parse(name, text)
	if err != nil {
		return nil, err
	}
	m := vm.New(ctx, vm.Config{Globals: globals, Tables: tables, Load: o.loader(filepath.Dir(name)), Print: o.Print, Seed: o.Seed})
	ld := &loader{}
	m.Data = ld
	release := guardMemory(m, func() uint64 { return loadMemory })
	defer release()
	if stopped, err := top(m, src); err != nil {
		if stopped {
			m.Close()
		}
		return nil, err
	}
	if len(ld.found) == 0 {
		m.Close()
		return nil, &diag.Error{File: name, Msg: "there is no scenario in this file", Hint: `write scenario "name" { … }`}
	}
	return &File{Name: name, Text: text, Scenarios: ld.found, vm: m}, nil
}

// top runs the top level of a file. Stopped is false if it goes on although its
// time is up, in a function of Lua's library that nothing stops.
func top(m *vm.VM, src *diag.Source) (stopped bool, err error) {
	ended := make(chan error, 1)
	go func() { ended <- m.Run(src) }()
	for {
		select {
		case err := <-ended:
			return true, err
		case <-m.Context().Done():
		}
		select {
		case err := <-ended:
			return true, err
		case <-time.After(unwind):
		}
		if err := m.Stuck(context.Cause(m.Context()).Error()); err != nil {
			return false, err
		}
	}
}

// Close frees the interpreter.
func (f *File) Close() { f.vm.Close() }

// Case finds a case by its ID, nil if there is none.
func (f *File) Case(id string) *Case {
	for _, s := range f.Scenarios {
		for _, c := range s.Cases() {
			if c.ID() == id {
				return c
			}
		}
	}
	return nil
}

// maxModule bounds a module's file.
const maxModule = 16 << 20

// loader looks for modules in the library, then beside the scenario.
func (o Options) loader(dir string) vm.Loader {
	return func(name string) (string, string, bool) {
		file := name + ".lua"
		if o.Lualib != "" {
			if b, err := files.ReadRegular(filepath.Join(o.Lualib, file), maxModule); err == nil {
				return filepath.Join(o.Lualib, file), string(b), true
			}
		} else if b, err := lualib.Files.ReadFile(file); err == nil {
			return "lualib/" + file, string(b), true
		}
		path := filepath.Join(dir, file)
		if b, err := files.ReadRegular(path, maxModule); err == nil {
			return path, string(b), true
		}
		return "", "", false
	}
}
