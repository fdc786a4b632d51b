//go:build linux

package confine

import (
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// devices are what a program sees of /dev: none that leads to the machine.
var devices = []string{"null", "zero", "full", "random", "urandom", "tty", "net/tun"}

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
	for link, to := range map[string]string{
		"ptmx":   "pts/ptmx",
		"fd":     "/proc/self/fd",
		"stdin":  "/proc/self/fd/0",
		"stdout": "/proc/self/fd/1",
		"stderr": "/proc/self/fd/2",
	} {
		if err := os.Symlink(to, filepath.Join("/dev", link)); err != nil {
			return err
		}
	}
	return unix.Mount("tmpfs", "/dev/shm", "tmpfs", unix.MS_NOSUID|unix.MS_NODEV, "mode=1777,size=256m")
}
