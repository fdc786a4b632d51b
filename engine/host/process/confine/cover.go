//go:build linux

package confine

import (
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// Cover shows files in place of others, by the paths of those, to this process and
// what it starts. A path that is not there is made on a copy of its directory. It
// must be called in a mount namespace of its own.
func Cover(over map[string]string) error {
	for path, file := range over {
		target := path
		// A link, as systemd's /etc/resolv.conf, may lead to nowhere.
		if real, err := filepath.EvalSymlinks(path); err == nil {
			target = real
		} else if err := place(path); err != nil {
			return fmt.Errorf("put a file over %s: %w", path, err)
		}
		if err := unix.Mount(file, target, "", unix.MS_BIND, ""); err != nil {
			return fmt.Errorf("put a file over %s: %w", path, err)
		}
	}
	return nil
}

// place makes an empty file where there is none, on a copy of its directory that
// only this process sees.
func place(path string) error {
	dir := filepath.Dir(path)
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return err
	}
	entries, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	// Everything in the directory appears in the copy too.
	held, err := unix.Open(dir, unix.O_PATH|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(held)
	if err := unix.Mount("tmpfs", dir, "tmpfs", 0, "mode=755"); err != nil {
		return err
	}
	for _, e := range entries {
		from, to := fmt.Sprintf("/proc/self/fd/%d/%s", held, e.Name()), filepath.Join(dir, e.Name())
		switch {
		case e.Name() == filepath.Base(path):
			continue
		case e.Type()&fs.ModeSymlink != 0:
			if target, err := os.Readlink(from); err == nil {
				_ = os.Symlink(target, to)
			}
			continue
		case e.IsDir():
			err = os.Mkdir(to, 0o755)
		default:
			err = os.WriteFile(to, nil, 0o644)
		}
		if err == nil {
			err = unix.Mount(from, to, "", unix.MS_BIND|unix.MS_REC, "")
		}
		if err != nil && !strings.HasPrefix(e.Name(), ".") {
			return err
		}
	}
	return os.WriteFile(path, nil, 0o644)
}
