//go:build linux

package discover

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"netrepro/engine/script"
)

const text = `scenario "x" { topology = path { host "a", wire {}, host "b" }, run = function() end }`

// write makes files below a new directory.
func write(t *testing.T, contents map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	for name, text := range contents {
		p := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(p), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(p, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func TestFind(t *testing.T) {
	dir := write(t, map[string]string{
		"b.lua": text, "a.lua": text, "deep/c.lua": text, "module.lua": "return {}", "notes.txt": text,
		"empty/module.lua": "return {}",
	})
	for _, tt := range []struct {
		name  string
		paths []string
		want  []string // names below dir, or of the library
		err   string
	}{
		{"one file", []string{"/b.lua"}, []string{"/b.lua"}, ""},
		{"a module that is named", []string{"/module.lua"}, []string{"/module.lua"}, ""},
		{"a directory", []string{"/"}, []string{"/a.lua", "/b.lua", "/deep/c.lua"}, ""},
		{"a file twice", []string{"/b.lua", "/b.lua"}, []string{"/b.lua"}, ""},
		{"no scenario below", []string{"/empty"}, nil, "there is no scenario below this directory"},
		{"by the scenario's name", []string{"one-lost-segment"}, []string{"scenarios/loss/one_lost_segment.lua"}, ""},
		{"nothing of that name", []string{"no-such-thing"}, nil, "there is no such file"},
	} {
		paths := slices.Clone(tt.paths)
		for i, p := range paths {
			if strings.HasPrefix(p, "/") {
				paths[i] = dir + strings.TrimSuffix(p, "/")
			}
		}
		found, err := Find(t.Context(), paths)
		if (err == nil) != (tt.err == "") || err != nil && !strings.Contains(err.Error(), tt.err) {
			t.Errorf("%s: got %v", tt.name, err)
		}
		var got []string
		for _, s := range found {
			got = append(got, strings.TrimPrefix(s.Name, dir))
		}
		if !slices.Equal(got, tt.want) {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

// TestFindShipped takes the whole library where no path is given, and a folder of it.
func TestFindShipped(t *testing.T) {
	all, err := Find(t.Context(), nil)
	if err != nil || len(all) == 0 {
		t.Fatalf("%d files, %v", len(all), err)
	}
	some, err := Find(t.Context(), []string{"loss"})
	if err != nil || len(some) == 0 || len(some) >= len(all) {
		t.Errorf("%d files of %d, %v", len(some), len(all), err)
	}
	for _, s := range some {
		if !strings.HasPrefix(s.Name, "scenarios/loss/") {
			t.Errorf("%s is not in the folder", s.Name)
		}
	}
}

// TestLoad joins the errors of the files that do not load.
func TestLoad(t *testing.T) {
	files, err := Load(t.Context(), []Source{{"bad.lua", "("}, {"good.lua", text}, {"worse.lua", "nothing()"}},
		script.Options{})
	if len(files) != 1 || files[0].Name != "good.lua" {
		t.Errorf("%d files were loaded", len(files))
	}
	for _, name := range []string{"bad.lua", "worse.lua"} {
		if err == nil || !strings.Contains(err.Error(), name) {
			t.Errorf("the error does not name %s: %v", name, err)
		}
	}
}

// TestGolden reads a golden trace beside its file, or in the library.
func TestGolden(t *testing.T) {
	dir := write(t, map[string]string{"x.golden": "mine"})
	if b, err := Golden(filepath.Join(dir, "x.lua"), "x"); err != nil || string(b) != "mine" {
		t.Errorf("beside the file: %q, %v", b, err)
	}
	if _, err := Golden(filepath.Join(dir, "x.lua"), "y"); err == nil {
		t.Error("one that is not there was read")
	}
	const shipped = "scenarios/loss/one_lost_segment.lua"
	if b, err := Golden(shipped, "one-lost-segment"); err != nil || len(b) == 0 {
		t.Errorf("of the library: %d bytes, %v", len(b), err)
	}
	if _, err := Golden(shipped, "no-such-trace"); err == nil {
		t.Error("one that the library does not have was read")
	}
}
