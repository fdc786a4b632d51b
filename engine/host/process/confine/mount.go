//go:build linux

package confine

import (
	"bufio"
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// bind makes path a mount of its own, to be written or not; one that is not there
// is left out.
func bind(path string, ro bool) error {
	if err := unix.Mount(path, path, "", unix.MS_BIND|unix.MS_REC, ""); err != nil {
		if errors.Is(err, unix.ENOENT) {
			return nil
		}
		return fmt.Errorf("mount %s on itself: %w", path, err)
	}
	var err error
	if ro {
		err = readOnly(path)
	} else {
		err = writable(path)
	}
	if err != nil {
		return fmt.Errorf("mount %s: %w", path, err)
	}
	return nil
}

// readOnly makes a mount, and those below it, read-only.
func readOnly(path string) error {
	err := unix.MountSetattr(unix.AT_FDCWD, path, unix.AT_RECURSIVE, &unix.MountAttr{Attr_set: unix.MOUNT_ATTR_RDONLY})
	if !errors.Is(err, unix.ENOSYS) {
		return err
	}
	for _, at := range mounts(path) { // before Linux 5.12
		if err := remount(at, unix.MS_RDONLY); err != nil && at == path {
			return err
		}
	}
	return nil
}

// writable takes from a mount what readOnly gave it. One that was read-only on the
// machine stays so.
func writable(path string) error {
	err := unix.MountSetattr(unix.AT_FDCWD, path, 0, &unix.MountAttr{Attr_clr: unix.MOUNT_ATTR_RDONLY})
	if errors.Is(err, unix.ENOSYS) {
		err = remount(path, 0)
	}
	if errors.Is(err, unix.EPERM) {
		return nil
	}
	return err
}

// remount sets the flags of a mount, those that it has besides kept.
func remount(path string, flags uintptr) error {
	var st unix.Statfs_t
	if err := unix.Statfs(path, &st); err != nil {
		return err
	}
	for has, flag := range map[int64]uintptr{
		unix.ST_NOSUID:   unix.MS_NOSUID,
		unix.ST_NODEV:    unix.MS_NODEV,
		unix.ST_NOEXEC:   unix.MS_NOEXEC,
		unix.ST_NOATIME:  unix.MS_NOATIME,
		unix.ST_RELATIME: unix.MS_RELATIME,
	} {
		if st.Flags&has != 0 {
			flags |= flag
		}
	}
	return unix.Mount("", path, "", unix.MS_BIND|unix.MS_REMOUNT|flags, "")
}

// mounts lists the mounts at path and below it.
func mounts(path string) []string {
	f, err := os.Open("/proc/self/mountinfo")
	if err != nil {
		return []string{path}
	}
	defer f.Close()
	out := []string{path}
	for r := bufio.NewScanner(f); r.Scan(); {
		fields := strings.Fields(r.Text())
		if len(fields) < 5 {
			continue
		}
		at := strings.NewReplacer(`\040`, " ", `\011`, "\t", `\012`, "\n", `\134`, `\`).Replace(fields[4])
		if at != path && strings.HasPrefix(at, strings.TrimSuffix(path, "/")+"/") {
			out = append(out, at)
		}
	}
	return out
}
