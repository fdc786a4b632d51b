// Package watching waits until files change. It looks at them: not every file system that
// people work on tells of changes.
//
// Invariant: it ends when its context does.
package watching

import (
	"context"
	"fmt"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"time"
)

// glance is how often files are looked at.
const glance = 200 * time.Millisecond

// Files are what files are, by path.
type Files map[string]state

// state is what a file is, as far as it tells of a change.
type state struct {
	size int64
	at   time.Time
}

// Look is what scripts and golden traces at paths are now. An error is one of a path
// that is not there.
func Look(paths []string) (Files, error) {
	out := Files{}
	for _, path := range paths {
		err := filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if ext := filepath.Ext(path); ext != ".lua" && ext != ".golden" && !slices.Contains(paths, path) {
				return nil
			}
			st, err := d.Info()
			if err == nil {
				out[path] = state{st.Size(), st.ModTime()}
			}
			return nil // it may be gone again
		})
		if err != nil {
			return nil, fmt.Errorf("watch %s: %w: name files and directories", strings.Join(paths, ", "), err)
		}
	}
	return out, nil
}

// Wait waits until a file is not as it was seen, and no other changes any more.
func Wait(ctx context.Context, paths []string, seen Files) {
	tick := time.NewTicker(glance)
	defer tick.Stop()
	last := seen
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now, err := Look(paths)
		if err != nil {
			continue // it is being replaced
		}
		if same(now, last) && !same(now, seen) {
			return
		}
		last = now
	}
}

func same(a, b Files) bool {
	if len(a) != len(b) {
		return false
	}
	for path, x := range a {
		if y, ok := b[path]; !ok || x.size != y.size || !x.at.Equal(y.at) {
			return false
		}
	}
	return true
}
