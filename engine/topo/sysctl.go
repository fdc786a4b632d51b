//go:build linux

package topo

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path"
	"strings"

	"netrepro/engine/netns"
)

// pinned are the values every node starts with, whatever the machine's own
// are. The first group is what a new namespace inherits from the machine, the
// second what kernels or distributions are known to differ in. A kernel that
// has no such setting is left alone.
var pinned = []Setting{
	{"net.ipv4.tcp_congestion_control", "reno"},
	{"net.ipv4.tcp_rmem", "4096\t131072\t6291456"},
	{"net.ipv4.tcp_wmem", "4096\t16384\t4194304"},

	// A closed socket that its peer never acknowledges keeps its namespace
	// alive, long after every process and device of it is gone: 100 s by the
	// kernel's default of 8 retries (0 means 8), 3 s so.
	{"net.ipv4.tcp_orphan_retries", "3"},
	{"net.ipv4.tcp_syn_linear_timeouts", "4"},
	{"net.ipv4.tcp_ecn", "2"},
	{"net.ipv4.tcp_fastopen", "1"},
	{"net.ipv4.tcp_mtu_probing", "0"},
	{"net.ipv4.tcp_base_mss", "1024"},
	{"net.ipv4.tcp_timestamps", "1"},
	{"net.ipv4.tcp_sack", "1"},
	{"net.ipv4.tcp_early_retrans", "3"},
	{"net.ipv4.tcp_recovery", "1"},
	{"net.ipv4.tcp_no_metrics_save", "1"},
	{"net.ipv4.tcp_shrink_window", "0"},
	{"net.ipv4.ip_no_pmtu_disc", "0"},
	{"net.ipv4.ip_local_port_range", "32768\t60999"},
	{"net.ipv4.ip_unprivileged_port_start", "0"},
	{"net.ipv4.conf.all.rp_filter", "0"},
	{"net.ipv4.conf.default.rp_filter", "0"},
	{"net.ipv4.conf.all.accept_redirects", "0"},
	{"net.ipv4.conf.default.accept_redirects", "0"},
	{"net.ipv4.conf.all.send_redirects", "0"},
	{"net.ipv4.conf.default.send_redirects", "0"},
}

// quiet keeps IPv6 from talking on links that no script gave it.
var quiet = []Setting{
	{"net.ipv6.conf.all.disable_ipv6", "1"},
	{"net.ipv6.conf.default.disable_ipv6", "1"},
}

// SetSysctl writes a sysctl inside ns. A name the kernel does not have is an
// error that is fs.ErrNotExist.
func SetSysctl(ns *netns.NS, s Setting) error {
	return ns.Do(func() error { return writeSysctl(s) })
}

// writeSysctl writes s in the calling thread's namespace.
func writeSysctl(s Setting) error {
	file, err := sysctlPath(s.Name)
	if err != nil {
		return err
	}
	f, err := os.OpenFile(file, os.O_WRONLY, 0)
	if err != nil {
		return fmt.Errorf("set sysctl %s: %w", s.Name, reason(err))
	}
	_, err = f.WriteString(s.Value)
	if err := errors.Join(err, f.Close()); err != nil {
		return fmt.Errorf("set sysctl %s to %q: %w", s.Name, s.Value, reason(err))
	}
	return nil
}

// GetSysctl reads a sysctl inside ns, its fields separated by single spaces.
func GetSysctl(ns *netns.NS, name string) (string, error) {
	file, err := sysctlPath(name)
	if err != nil {
		return "", err
	}
	var b []byte
	err = ns.Do(func() error {
		b, err = os.ReadFile(file)
		return err
	})
	if err != nil {
		return "", fmt.Errorf("read sysctl %s: %w", name, reason(err))
	}
	return strings.Join(strings.Fields(string(b)), " "), nil
}

// sysctlPath is the file of a sysctl; only those of a network namespace are
// allowed, others would change the machine.
func sysctlPath(name string) (string, error) {
	if !strings.HasPrefix(name, "net.") || strings.ContainsAny(name, "/\x00") || strings.Contains(name, "..") {
		return "", fmt.Errorf("sysctl %q: only dotted names below net. belong to a node", name)
	}
	return path.Join("/proc/sys", strings.ReplaceAll(name, ".", "/")), nil
}

// reason drops the path from a file error: the sysctl's name says it better.
func reason(err error) error {
	var pe *fs.PathError
	if errors.As(err, &pe) {
		return pe.Err
	}
	return err
}

// settle writes the sysctls of a new node, in the calling thread's namespace.
func settle(n *NodePlan) error {
	settings := append([]Setting(nil), quiet...)
	settings = append(settings, pinned...)
	if n.Forward {
		settings = append(settings, Setting{"net.ipv4.ip_forward", "1"})
	}
	for _, s := range settings {
		if err := writeSysctl(s); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return fmt.Errorf("node %s: %w", n.Name, err)
		}
	}
	return nil
}
