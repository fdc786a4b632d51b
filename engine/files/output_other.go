//go:build !linux

package files

import (
	"io/fs"
	"os"
)

func temporary(path string, mode fs.FileMode) (*os.File, string, error) { return beside(path, mode) }

func name(_ *os.File, path string, _ bool) (string, error) { return path, nil }

func inherit(f *os.File, was fs.FileInfo) error { return f.Chmod(was.Mode().Perm()) }
