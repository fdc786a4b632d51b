//go:build linux

// Package given says of what is named on the command line that it is not there.
//
// It looks and changes nothing. Invariant: what is named and is not there is an error; it
// is never taken for nothing.
package given

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"netrepro/engine/near"
	"netrepro/engine/report/stream"
	"netrepro/engine/runner/history"
	"netrepro/engine/script"
	"netrepro/engine/script/lint/ways"
)

// NoHistory says that a directory which should have the history of a run has none, as before
// the first run in CI; empty if it has, or none is named.
func NoHistory(baseline string) string {
	if _, err := os.Stat(filepath.Join(baseline, history.File)); baseline == "" || err == nil {
		return ""
	}
	return fmt.Sprintf("--baseline: %s has no history of a run yet (%s): this run is compared with none", baseline,
		history.File)
}

// Folders is a directory with modules; empty for none.
func Folders(lualib string) error {
	if lualib == "" {
		return nil
	}
	st, err := os.Stat(lualib)
	switch {
	case err != nil:
		return fmt.Errorf("--lualib: there is no directory %s: it is one with modules, NAME.lua", lualib)
	case !st.IsDir():
		return fmt.Errorf("--lualib: %s is a file: name the directory that it is in", lualib)
	}
	if found, _ := filepath.Glob(filepath.Join(lualib, "*.lua")); len(found) == 0 { // the pattern is fine
		return fmt.Errorf("--lualib: there is no module in %s: modules are NAME.lua", lualib)
	}
	return nil
}

// Read are the files that a run into a directory reads, none of which may be written over.
func Read(scenarios []*script.File, out, baseline string) []string {
	read := []string{filepath.Join(out, stream.File), filepath.Join(out, history.File)}
	if baseline != "" {
		read = append(read, filepath.Join(baseline, history.File))
	}
	for _, f := range scenarios {
		read = append(read, f.Name)
	}
	return read
}

// Doubts are what is doubtful about scenarios that are to run: that nothing is expected in a
// file, or that a node cannot find another.
func Doubts(of []*script.File) (out []string) {
	for _, f := range of {
		if !slices.ContainsFunc([]string{"expect", "must", "require"}, func(w string) bool { return strings.Contains(f.Text, w) }) {
			out = append(out, f.Name+": nothing is expected: its cases pass whatever happens (netrepro check says more)")
		}
		for _, s := range f.Scenarios {
			for _, o := range ways.Overlaps(s.Plan) {
				out = append(out, fmt.Sprintf("%s:%d: %s", s.File, s.Line, &o))
			}
		}
	}
	return out
}

// Node reports whether the lab of a case has a node.
func Node(c *script.Case, name string) error {
	var nodes []string
	for _, n := range c.Plan.Nodes {
		if n.Name == name {
			return nil
		}
		nodes = append(nodes, n.Name)
	}
	return fmt.Errorf("%s has no node %q: there are %s%s", c.ID(), name, strings.Join(nodes, ", "), meant(name, nodes))
}

// NoCase says why no case of files is to run: for a proof, or of a variant.
func NoCase(of []*script.File, proof bool, variant string) error {
	var variants []string
	for _, f := range of {
		for _, s := range f.Scenarios {
			for _, v := range s.Variants {
				variants = append(variants, v.Name)
			}
		}
	}
	slices.Sort(variants)
	variants = slices.Compact(variants)
	switch {
	case len(variants) == 0 && proof:
		return errors.New("--prove runs a failure with its cures, and no scenario here has variants: write variants = " +
			`{ { "bug", outcome = "…" }, { "fix", outcome = "…" } }`)
	case len(variants) == 0:
		return fmt.Errorf("--variant: no scenario here has variants: leave out --variant %s", variant)
	case variant == "":
		return fmt.Errorf("--prove runs the variants that show a failure, which are called bug, and there are only %s: write "+
			`{ "bug", outcome = "hangs" }`, strings.Join(variants, ", "))
	}
	return fmt.Errorf("no case has variant %q: there are %s%s", variant, strings.Join(variants, ", "), meant(variant, variants))
}

// meant asks at the end of a message whether a known word was meant, if one is near.
func meant(word string, known []string) string {
	if hint := near.Hint(word, known); hint != "" {
		return "\n  hint: " + hint
	}
	return ""
}
