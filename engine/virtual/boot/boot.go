//go:build linux

// Package boot is process 1 of a virtual machine: it mounts what a Linux program expects,
// loads modules, and finds the memory through which the machine speaks. What the machine
// is for, it does not know.
//
// Invariant: it is called in no process but the first of a machine made for it.
package boot

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// mounts are what Linux programs find on any machine.
var mounts = []struct{ from, at, kind, options string }{
	{"proc", "/proc", "proc", ""},
	{"sysfs", "/sys", "sysfs", ""},
	{"devtmpfs", "/dev", "devtmpfs", ""},
	{"tmpfs", "/tmp", "tmpfs", ""},
	{"tmpfs", "/run", "tmpfs", ""},
	{"tmpfs", "/out", "tmpfs", "size=60%"},
	{"cgroup2", "/sys/fs/cgroup", "cgroup2", ""},
	{"bpf", "/sys/fs/bpf", "bpf", ""},
	{"tracefs", "/sys/kernel/tracing", "tracefs", ""},
	{"debugfs", "/sys/kernel/debug", "debugfs", ""},
}

// Up makes the machine one that programs can run on. What an old kernel does not have is
// left out.
func Up() error {
	for _, m := range mounts {
		if err := os.MkdirAll(m.at, 0o755); err != nil {
			continue // there is none on this kernel
		}
		err := unix.Mount(m.from, m.at, m.kind, 0, m.options)
		if err != nil && (m.at == "/proc" || m.at == "/sys" || m.at == "/out") {
			return fmt.Errorf("mount %s: %w", m.at, err)
		}
	}
	for _, l := range []struct{ to, at string }{{"/proc/self/fd", "/dev/fd"}} {
		_ = os.Symlink(l.to, l.at) // some programs open it
	}
	_ = os.MkdirAll("/dev/shm", 0o777)
	if err := loadEarly(); err != nil {
		return err
	}
	if err := unix.Sethostname([]byte("netrepro")); err != nil {
		return fmt.Errorf("name the machine: %w", err)
	}
	for name, value := range map[string]string{"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"} {
		if err := os.Setenv(name, value); err != nil {
			return fmt.Errorf("set %s: %w", name, err)
		}
	}
	tune()
	return loopback()
}

// tune has the kernel leave off what it does several times a second for its own good, for
// in virtual time that is all that an idle hour costs. What a kernel has not it does not do.
func tune() {
	for name, value := range map[string]string{
		"/proc/sys/vm/compaction_proactiveness":                         "0",
		"/proc/sys/vm/stat_interval":                                    "36000",
		"/proc/sys/vm/dirty_writeback_centisecs":                        "0",
		"/proc/sys/kernel/hung_task_timeout_secs":                       "0",
		"/sys/devices/system/machinecheck/machinecheck0/check_interval": "0",
		// Probing of neighbours that somebody has marked as managed (NTF_MANAGED); nobody does.
		"/proc/sys/net/ipv4/neigh/default/interval_probe_time_ms": "36000000",
		"/proc/sys/net/ipv6/neigh/default/interval_probe_time_ms": "36000000",
		// Time that is kept for others than real-time programs; there are none. A timer for it follows
		// whatever runs.
		"/sys/kernel/debug/sched/fair_server/cpu0/runtime": "0",
		// What all labs together may answer by ICMP, which is a machine's own affair.
		"/proc/sys/net/ipv4/icmp_msgs_per_sec": "1000000",
		"/proc/sys/net/ipv4/icmp_msgs_burst":   "1000000",
	} {
		_ = os.WriteFile(name, []byte(value), 0)
	}
}

// loopback brings the machine's own lo up.
func loopback() error {
	s, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
	if err != nil {
		return fmt.Errorf("bring lo up: %w", err)
	}
	defer unix.Close(s)
	r, err := unix.NewIfreq("lo")
	if err != nil {
		return fmt.Errorf("bring lo up: %w", err)
	}
	r.SetUint16(unix.IFF_UP)
	if err := unix.IoctlIfreq(s, unix.SIOCSIFFLAGS, r); err != nil {
		return fmt.Errorf("bring lo up: %w", err)
	}
	return nil
}

// The device whose memory is shared (ivshmem).
const (
	sharedVendor = "0x1af4"
	sharedDevice = "0x1110"
	sharedBar    = 2
)

// Shared is the memory that the machine and its host have mapped.
func Shared() ([]byte, error) {
	devices, err := filepath.Glob("/sys/bus/pci/devices/*")
	if err != nil {
		return nil, err
	}
	for _, d := range devices {
		if read(d+"/vendor") == sharedVendor && read(d+"/device") == sharedDevice {
			m, err := mapBar(d, sharedBar)
			if err != nil {
				return nil, fmt.Errorf("map the memory shared with the host: %w", err)
			}
			return m, nil
		}
	}
	return nil, fmt.Errorf("this machine shares no memory with its host")
}

func read(path string) string {
	b, _ := os.ReadFile(path) // nothing is what it says then
	return strings.TrimSpace(string(b))
}

func mapBar(device string, bar int) ([]byte, error) {
	if err := os.WriteFile(device+"/enable", []byte("1"), 0); err != nil {
		return nil, err
	}
	name := fmt.Sprintf("%s/resource%d", device, bar)
	if _, err := os.Stat(name + "_wc"); err == nil {
		name += "_wc"
	}
	f, err := os.OpenFile(name, os.O_RDWR, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	st, err := f.Stat()
	if err != nil {
		return nil, err
	}
	return unix.Mmap(int(f.Fd()), 0, int(st.Size()), unix.PROT_READ|unix.PROT_WRITE, unix.MAP_SHARED)
}

// PowerOff ends the machine. It returns only if that is refused.
func PowerOff() error {
	unix.Sync()
	return unix.Reboot(unix.LINUX_REBOOT_CMD_POWER_OFF)
}
