//go:build linux

package report

import (
	"fmt"
	"io"
	"path"
	"path/filepath"
	"strings"

	"netrepro/engine/script"
)

// Library writes what scenarios are for as Markdown: for each folder a table of
// symptoms, scenarios and cures. after, if not nil, writes what follows a
// folder's table.
func Library(w io.Writer, files []*script.File, after func(folder string)) {
	folder := ""
	end := func() {
		if folder != "" && after != nil {
			after(folder)
		}
	}
	for _, f := range files {
		name := filepath.ToSlash(f.Name)
		if dir := path.Base(path.Dir(name)); dir != folder {
			end()
			folder = dir
			fmt.Fprintf(w, "\n## %s\n\n| what users see | scenario | what helps |\n|---|---|---|\n", folder)
		}
		for _, s := range f.Scenarios {
			symptom := s.Manual.Symptom
			if symptom == "" {
				symptom = s.About
			}
			fmt.Fprintf(w, "| %s | [%s](%s/%s) | %s |\n",
				cell(symptom), s.Name, folder, path.Base(name), cell(s.Manual.Cure))
		}
	}
	end()
}

// cell is a text that stands in a table.
func cell(s string) string { return strings.ReplaceAll(s, "|", "\\|") }
