//go:build linux

// Package confine has a process, and what it starts, see the machine but not change
// it: [Files] makes mounts read-only, [Unprivileged] drops capabilities, [Cover]
// shows files in place of others.
//
// It is for processes with a mount namespace of their own and changes nothing
// outside it.
package confine

import (
	"errors"
	"fmt"
	"io/fs"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// machinery is what of /proc acts on the whole machine.
var machinery = []string{
	"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/acpi", "/proc/scsi",
}

// Files has what is started from now on see the machine's files, but not change
// them. It may write in dir and /tmp, to the settings of its own network, and to
// shared memory. It must be called in a mount namespace of its own.
func Files(dir string) error {
	held := holdDevices()
	defer func() {
		for _, f := range held {
			_ = f.Close()
		}
	}()
	if err := readOnly("/"); err != nil {
		return fmt.Errorf("make the machine's files read-only: %w", err)
	}
	// Where /proc may not be mounted the outer one serves.
	_ = unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	for _, path := range machinery {
		if err := bind(path, true); err != nil {
			return err
		}
	}
	for _, path := range []string{"/proc/sys/net", "/tmp", dir} {
		if err := bind(path, false); err != nil {
			return err
		}
	}
	if err := fewDevices(held); err != nil {
		return fmt.Errorf("make a /dev of its own: %w", err)
	}
	return hideSockets("/run")
}

// hideSockets covers the sockets below a directory, through which the machine's
// services would do what the program may not.
func hideSockets(dir string) error {
	const deep, most = 4, 10_000
	seen := 0
	return filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if seen++; err != nil || seen > most {
			return filepath.SkipDir
		}
		if d.IsDir() && strings.Count(path, "/")-strings.Count(dir, "/") > deep {
			return filepath.SkipDir
		}
		if d.Type()&fs.ModeSocket == 0 {
			return nil
		}
		if err := unix.Mount("/dev/null", path, "", unix.MS_BIND, ""); err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("hide %s: %w", path, err)
		}
		return nil
	})
}
