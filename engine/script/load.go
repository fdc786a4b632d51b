//go:build linux

package script

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/files"
	"netrepro/engine/script/diag"
	"netrepro/engine/script/memory"
	"netrepro/engine/script/play"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
	"netrepro/lualib"
)

// loadMemory is what the process may hold while the top level of a file runs.
const loadMemory = 256 << 20

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
	// Only is the name of the one scenario that is wanted, empty if all are. Mistakes in the
	// others are not found.
	Only string
}

// Load reads a scenario file and runs its top level, which touches nothing on
// the machine. Its errors are *[diag.Error]. Close the file when done.
func Load(ctx context.Context, name, text string, o Options) (*File, error) {
	src, err := diag.Parse(name, text)
	if err != nil {
		return nil, err
	}
	m := vm.New(ctx, vm.Config{Language: Language(), Load: o.loader(filepath.Dir(name)), Modules: o.modules(),
		Print: o.Print, Seed: o.Seed})
	ld := &loader{only: o.Only}
	m.Data = ld
	release := memory.Guard(m, 0, func() uint64 { return loadMemory })
	defer release()
	if stuck := m.Watch(func() { err = m.Run(src) }); stuck != nil {
		return nil, stuck // it goes on, with the interpreter
	}
	if err != nil {
		m.Close()
		return nil, err
	}
	if len(ld.found) == 0 && o.Only != "" {
		m.Close()
		return nil, &diag.Error{File: name, Msg: fmt.Sprintf("scenario %q is not in this file any more", o.Only),
			Hint: "a file must have the same scenarios each time it is loaded"}
	}
	if len(ld.found) == 0 {
		m.Close()
		return nil, &diag.Error{File: name, Msg: "there is no scenario in this file",
			Hint: `write scenario "name" { … }`}
	}
	return &File{Name: name, Text: text, Scenarios: ld.found, vm: m}, nil
}

// Run plays one case of f in this process; see [play.Run].
func (f *File) Run(ctx context.Context, c *Case, o play.Options) session.Result {
	return play.Run(ctx, f.vm, play.Case{ID: c.ID(), File: c.File, Needs: c.Needs, Timeout: c.Timeout,
		Memory: c.Memory, Plan: c.Plan,
		Returns: c.compare != nil, Body: c.run, Args: func(r *session.Run) []lua.LValue {
			return []lua.LValue{f.vm.New(netClass, r), f.vm.New(params, c)}
		}}, o)
}

// Compare plays the comparison of a scenario's results, each by what its case is called
// after the scenario's name.
func (f *File) Compare(ctx context.Context, s *Scenario, results map[string]map[string]any, o play.Options,
) session.Result {
	return play.Run(ctx, f.vm, play.Case{ID: s.Name, File: s.File, Timeout: s.Timeout,
		Memory: s.Memory, Plan: s.Plan, Body: s.compare,
		Args: func(*session.Run) []lua.LValue { return []lua.LValue{f.results(results)} }}, o)
}

// results is the table that compare is given.
func (f *File) results(of map[string]map[string]any) lua.LValue {
	all := f.vm.L.NewTable()
	var names []string
	for name, values := range of {
		names = append(names, name)
		t := f.vm.L.NewTable()
		var known []string
		for key, x := range values {
			known = append(known, key)
			switch x := x.(type) {
			case float64:
				t.RawSetString(key, lua.LNumber(x))
			case string:
				t.RawSetString(key, lua.LString(x))
			case bool:
				t.RawSetString(key, lua.LBool(x))
			}
		}
		slices.Sort(known)
		all.RawSetString(name, f.vm.Strict(t, "what "+name+" returned", known...))
	}
	slices.Sort(names)
	return f.vm.Strict(all, "results", names...)
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

// modules are the names of those of the library.
func (o Options) modules() (names []string) {
	var found fs.FS = lualib.Files
	if o.Lualib != "" {
		found = os.DirFS(o.Lualib)
	}
	all, _ := fs.Glob(found, "*.lua") // the pattern is fine
	for _, file := range all {
		if name := strings.TrimSuffix(file, ".lua"); !strings.Contains(name, ".") {
			names = append(names, name)
		}
	}
	return names
}

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
