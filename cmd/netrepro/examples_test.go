//go:build linux

package main

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"netrepro/engine/report/formats"
	"netrepro/engine/runner/shard"
)

// TestExamples holds the commands of the files for CI systems to what there is: each
// command, flag, report and shard.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("../../.github/examples/*")
	if err != nil || len(files) < 4 {
		t.Fatalf("%d files, %v", len(files), err)
	}
	call := regexp.MustCompile(`netrepro (run|report|doctor)\b([^\n#]*(?:\n +--[^\n]*)*)`)
	all := root(env{})
	n := 0
	for _, path := range files {
		b, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		text := string(b)
		// The arguments of a container are a list.
		if args := regexp.MustCompile(`args: \[([^\]]*)\]`).FindStringSubmatch(text); args != nil {
			text += "\nnetrepro " + strings.ReplaceAll(args[1], ",", "") + "\n"
		}
		for _, m := range call.FindAllStringSubmatch(text, -1) {
			n++
			cmd, _, err := all.Find([]string{m[1]})
			if err != nil || cmd == all {
				t.Errorf("%s: there is no command %s", path, m[1])
				continue
			}
			words := strings.Fields(m[2])
			for i, w := range words {
				if name, ok := strings.CutPrefix(w, "--"); ok && cmd.Flags().Lookup(name) == nil {
					t.Errorf("%s: netrepro %s has no %s", path, m[1], w)
				}
				switch w {
				case "--report":
					if _, err := formats.Parse(words[i+1]); err != nil {
						t.Errorf("%s: %v", path, err)
					}
				case "--shard":
					index := func(name string) string {
						if strings.Contains(name, "INDEX") {
							return "1"
						}
						return "3"
					}
					if s, err := shard.Parse(words[i+1], index); err != nil || s.Of != 3 {
						t.Errorf("%s: %v, %v", path, s, err)
					}
				}
			}
		}
	}
	if n < 8 {
		t.Errorf("%d commands were looked at", n)
	}
}
