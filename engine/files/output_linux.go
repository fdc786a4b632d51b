package files

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"syscall"

	"golang.org/x/sys/unix"
)

// temporary is a file without a name in the directory of path, which ends with
// the process, or one with a name where the file system has none such.
func temporary(path string, mode fs.FileMode) (f *os.File, temp string, err error) {
	fd, err := unix.Open(filepath.Dir(path), unix.O_TMPFILE|unix.O_RDWR|unix.O_CLOEXEC, uint32(mode.Perm()))
	if err != nil {
		return beside(path, mode)
	}
	return os.NewFile(uintptr(fd), path), "", nil
}

// name gives f, which has none, a name: that of path, or if that is taken one
// beside it, to be renamed. Only between the two can a kill leave it behind.
func name(f *os.File, path string, taken bool) (string, error) {
	to := path
	for i := 0; ; i++ {
		if taken || i > 0 {
			to = filepath.Join(filepath.Dir(path), fmt.Sprintf(".%s-%d-%d", filepath.Base(path), os.Getpid(), i))
		}
		err := unix.Linkat(unix.AT_FDCWD, fmt.Sprintf("/proc/self/fd/%d", f.Fd()), unix.AT_FDCWD, to,
			unix.AT_SYMLINK_FOLLOW)
		if err == nil {
			return to, nil
		}
		if !errors.Is(err, fs.ErrExist) || i > 100 {
			return "", &fs.PathError{Op: "write", Path: path, Err: err}
		}
	}
}

// inherit gives f the mode and the owner of the file that it takes the place of.
func inherit(f *os.File, was fs.FileInfo) error {
	if st, ok := was.Sys().(*syscall.Stat_t); ok {
		_ = f.Chown(int(st.Uid), int(st.Gid)) // whoever may not has a file of his own
	}
	return f.Chmod(was.Mode().Perm())
}
