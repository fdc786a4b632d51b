package fingerprint

import (
	"os"
	"path/filepath"
	"strings"
)

// Commit is the commit that is checked out in a folder or one above it, empty if there is
// none. It reads the files of git and starts no program.
func Commit(folder string) string {
	dir, err := filepath.Abs(folder)
	if err != nil {
		return ""
	}
	for {
		if git := filepath.Join(dir, ".git"); exists(git) {
			return head(git)
		}
		up := filepath.Dir(dir)
		if up == dir {
			return ""
		}
		dir = up
	}
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// head is the commit of HEAD in a .git, which is a folder, or a file that names one.
func head(git string) string {
	if to, ok := strings.CutPrefix(read(git), "gitdir: "); ok {
		if !filepath.IsAbs(to) {
			to = filepath.Join(filepath.Dir(git), to)
		}
		git = to
	}
	ref, symbolic := strings.CutPrefix(read(filepath.Join(git, "HEAD")), "ref: ")
	if !symbolic {
		return hash(ref)
	}
	places := []string{git}
	if common := read(filepath.Join(git, "commondir")); common != "" { // of a worktree
		if !filepath.IsAbs(common) {
			common = filepath.Join(git, common)
		}
		places = append(places, common)
	}
	for _, p := range places {
		if h := hash(read(filepath.Join(p, filepath.FromSlash(ref)))); h != "" {
			return h
		}
		packed, err := os.ReadFile(filepath.Join(p, "packed-refs"))
		if err != nil {
			continue
		}
		for line := range strings.Lines(string(packed)) {
			if h, name, ok := strings.Cut(strings.TrimSpace(line), " "); ok && name == ref {
				return hash(h)
			}
		}
	}
	return ""
}

// hash is s if it can be a commit.
func hash(s string) string {
	if len(s) < 40 || strings.Trim(s, "0123456789abcdef") != "" {
		return ""
	}
	return s
}
