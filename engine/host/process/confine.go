//go:build linux

package process

import (
	"bufio"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"

	"golang.org/x/sys/unix"
)

// devices are what a program sees of /dev: none that leads to the machine.
var devices = []string{"null", "zero", "full", "random", "urandom", "tty", "net/tun"}

// machinery is what of /proc acts on the whole machine.
var machinery = []string{"/proc/sys", "/proc/sysrq-trigger", "/proc/irq", "/proc/bus", "/proc/fs", "/proc/acpi", "/proc/scsi"}

// confine has what is started from now on see the machine's files, but not
// change them: only dir and /tmp, the settings of its own network and memory to
// share are to be written. It must be called in a mount namespace of its own.
func confine(dir string) error {
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
	for has, flag := range map[int64]uintptr{unix.ST_NOSUID: unix.MS_NOSUID, unix.ST_NODEV: unix.MS_NODEV, unix.ST_NOEXEC: unix.MS_NOEXEC,
		unix.ST_NOATIME: unix.MS_NOATIME, unix.ST_RELATIME: unix.MS_RELATIME} {
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

// holdDevices opens what of /dev a program is to see, by name; a machine need not
// have all.
func holdDevices() map[string]*os.File {
	held := map[string]*os.File{}
	for _, name := range devices {
		if f, err := os.OpenFile(filepath.Join("/dev", name), unix.O_PATH, 0); err == nil {
			held[name] = f
		}
	}
	return held
}

// fewDevices puts a /dev in the place of the machine's that has only those.
func fewDevices(held map[string]*os.File) error {
	if err := unix.Mount("tmpfs", "/dev", "tmpfs", unix.MS_NOSUID|unix.MS_NOEXEC, "mode=755,size=1m"); err != nil {
		return err
	}
	for _, d := range []string{"/dev/net", "/dev/pts", "/dev/shm"} {
		if err := os.Mkdir(d, 0o755); err != nil {
			return err
		}
	}
	for name, f := range held {
		to := filepath.Join("/dev", name)
		if err := os.WriteFile(to, nil, 0o666); err != nil {
			return err
		}
		if err := unix.Mount(fmt.Sprintf("/proc/self/fd/%d", f.Fd()), to, "", unix.MS_BIND, ""); err != nil {
			return err
		}
		if err := writable(to); err != nil {
			return err
		}
	}
	// Terminals of its own: those of the machine belong to people. A program that
	// wants none does without.
	_ = unix.Mount("devpts", "/dev/pts", "devpts", unix.MS_NOSUID|unix.MS_NOEXEC, "newinstance,ptmxmode=0666,mode=0620")
	for link, to := range map[string]string{"ptmx": "pts/ptmx", "fd": "/proc/self/fd", "stdin": "/proc/self/fd/0", "stdout": "/proc/self/fd/1", "stderr": "/proc/self/fd/2"} {
		if err := os.Symlink(to, filepath.Join("/dev", link)); err != nil {
			return err
		}
	}
	return unix.Mount("tmpfs", "/dev/shm", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777,size=256m")
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

// keptCaps are the capabilities of a program: those over its node's network.
var keptCaps = []uintptr{unix.CAP_NET_BIND_SERVICE, unix.CAP_NET_BROADCAST, unix.CAP_NET_ADMIN, unix.CAP_NET_RAW}

// shorn runs f on a thread that has given up all capabilities but those, for
// itself and what it starts, and ends with it.
func shorn(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never given back
		err := dropCaps()
		if err == nil {
			err = f()
		}
		done <- err
	}()
	return <-done
}

func dropCaps() error {
	var keep uint64
	for _, c := range keptCaps {
		keep |= 1 << c
	}
	for c := uintptr(0); c < 64; c++ {
		if keep&(1<<c) != 0 {
			continue
		}
		if err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0); err != nil && !errors.Is(err, unix.EINVAL) { // beyond the kernel's last
			return fmt.Errorf("drop capability %d: %w", c, err)
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("rule out new privileges: %w", err)
	}
	_ = unix.Prctl(unix.PR_CAP_AMBIENT, unix.PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0) // they are within what is kept anyway
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	half := func(n uint) uint32 { return uint32(keep >> (32 * n)) }
	data := [2]unix.CapUserData{{Effective: half(0), Permitted: half(0)}, {Effective: half(1), Permitted: half(1)}}
	if err := unix.Capset(&head, &data[0]); err != nil {
		return fmt.Errorf("drop capabilities: %w", err)
	}
	return nil
}
