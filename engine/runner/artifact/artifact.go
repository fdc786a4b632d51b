//go:build linux

// Package artifact keeps what cases leave: the directory of a run, and in it a folder for
// each case. It follows no link that leads out of it.
//
// Invariant: one run at a time writes into a directory.
package artifact

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"netrepro/engine/files"
	"netrepro/engine/runner/task"
)

// Claim makes the directory for artifacts and keeps other runs out of it until
// unlock is called. The directory itself is locked, so that nothing of one
// user's stands in the way of another.
func Claim(dir string) (unlock func(), err error) {
	if err := os.MkdirAll(dir, files.SecretDir); err != nil {
		return nil, fmt.Errorf("make directory for artifacts: %w", err)
	}
	f, err := os.OpenFile(dir, os.O_RDONLY|unix.O_DIRECTORY, 0)
	if err != nil {
		return nil, fmt.Errorf("lock directory for artifacts: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		err = fmt.Errorf("lock %s: another run writes there: wait for it, or name another directory with --out: %w",
			dir, err)
		return nil, errors.Join(err, f.Close())
	}
	return func() { _ = f.Close() }, nil // some file systems have no locks for directories
}

// Empty makes the folder of a task below out, with no capture of an earlier run
// in it, and returns the path of the capture to be: a case that writes none must
// not seem to have written that one.
func Empty(out string, t *task.Task) (capture string, err error) {
	defer func() {
		if err != nil {
			err = fmt.Errorf("make directory for artifacts: %w", err)
		}
	}()
	rel, err := filepath.Rel(out, t.Dir)
	if err != nil {
		return "", err
	}
	root, err := os.OpenRoot(out)
	if err != nil {
		return "", err
	}
	defer root.Close()
	at := ""
	for part := range strings.SplitSeq(rel, string(filepath.Separator)) {
		at = filepath.Join(at, part)
		err := root.Mkdir(at, files.SecretDir)
		if err == nil {
			continue
		}
		if !errors.Is(err, fs.ErrExist) {
			return "", err
		}
		// What a link leads to is not ours to empty.
		if st, err := root.Lstat(at); err != nil || !st.IsDir() {
			what := fmt.Errorf("%s exists and is not a directory: remove it, or name another directory with --out",
				filepath.Join(out, at))
			return "", errors.Join(what, err)
		}
	}
	err = root.Remove(filepath.Join(rel, filepath.Base(t.Capture())))
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return "", fmt.Errorf("remove the capture of an earlier run: %w: name another directory with --out", err)
	}
	return filepath.Abs(t.Capture())
}

// Put writes a file into the folder of a task below out, which Empty has made.
func Put(out string, t *task.Task, name string, data []byte) error {
	rel, err := filepath.Rel(out, t.Dir)
	if err != nil {
		return fmt.Errorf("write artifact: %w", err)
	}
	root, err := os.OpenRoot(out)
	if err != nil {
		return fmt.Errorf("write artifact: %w", err)
	}
	defer root.Close()
	at := filepath.Join(rel, filepath.FromSlash(name))
	if err := root.MkdirAll(filepath.Dir(at), files.SecretDir); err != nil {
		return fmt.Errorf("write artifact: %w", err)
	}
	if err := root.WriteFile(at, data, files.Secret); err != nil {
		return fmt.Errorf("write artifact: %w", err)
	}
	return nil
}
