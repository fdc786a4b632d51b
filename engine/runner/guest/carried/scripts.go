//go:build linux

// Package carried finds what a virtual machine is given of the files of the machine that
// starts it. It runs nothing.
//
// Invariant: it reads only, and its bounds hold whatever is in a folder.
package carried

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"netrepro/engine/files"
	"netrepro/engine/runner/discover"
)

// File is one that a case may read.
type File struct {
	Path string `json:"path"`
	Data []byte `json:"data"`
}

// Bounds of what is carried into a machine.
const (
	mostCarried  = 64 << 20
	mostEntries  = 10000
	deepestBelow = 2
)

// Scripts are the files of folders that scripts may read: modules of Lua and golden traces,
// and those of folders below them.
func Scripts(dirs []string) (out []File, err error) {
	seen, size, entries := map[string]bool{}, 0, 0
	for _, dir := range dirs {
		err := filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
			entries++
			switch {
			case errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission):
				return nil // of the built-in library, or nobody's to read
			case err != nil:
				return err
			case entries > mostEntries:
				return fmt.Errorf("%s holds more than %d files: put scenarios into a folder of their own", dir, mostEntries)
			case d.IsDir():
				rel, err := filepath.Rel(dir, p)
				if err != nil || rel != "." && (strings.HasPrefix(d.Name(), ".") ||
					strings.Count(rel, string(filepath.Separator)) >= deepestBelow) {
					return fs.SkipDir
				}
				return nil
			}
			ext := filepath.Ext(p)
			if seen[p] || !d.Type().IsRegular() || ext != ".lua" && ext != discover.GoldenExt {
				return nil
			}
			seen[p] = true
			b, err := files.ReadRegular(p, discover.MaxSource)
			if err != nil {
				return err
			}
			if size += len(b); size > mostCarried {
				return fmt.Errorf("%s holds more than %d MB of scripts: put scenarios into a folder of their own",
					dir, mostCarried>>20)
			}
			out = append(out, File{Path: p, Data: b})
			return nil
		})
		if err != nil {
			return nil, fmt.Errorf("carry files into the virtual machine: %w", err)
		}
	}
	return out, nil
}
