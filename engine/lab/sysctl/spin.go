//go:build linux

package sysctl

import (
	"path"
	"runtime"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
)

// spins reports whether the kernel does not wait for its lock of network devices when a setting
// is written, but tries again and again within the system call (restart_syscall in
// addrconf_sysctl_forward, devinet_sysctl_forward and their like).
func spins(name string) bool {
	if name == "net.ipv4.ip_forward" {
		return true
	}
	name = strings.ReplaceAll(name, ".", "/")
	return strings.Contains(name, "/conf/") && slices.Contains([]string{"forwarding", "disable_ipv6", "addr_gen_mode",
		"proxy_ndp", "stable_secret", "ignore_routes_with_linkdown", "disable_policy"}, path.Base(name))
}

// humbly runs f, a write to such a setting, on a thread that all others go before: who has the
// lock may wait for work on the same processor, which an equal would keep from it, for minutes as
// was seen on Linux 6.18. The thread ends with f, for not everybody may take such a priority back.
func humbly(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never unlocks it
		_ = unix.SchedSetAttr(0, &unix.SchedAttr{Size: unix.SizeofSchedAttr, Policy: unix.SCHED_IDLE}, 0)
		done <- f()
	}()
	return <-done
}
