//go:build linux

package confine

import (
	"errors"
	"fmt"
	"runtime"

	"golang.org/x/sys/unix"
)

// keptCaps are the capabilities of a program: those over its node's network.
var keptCaps = []uintptr{unix.CAP_NET_BIND_SERVICE, unix.CAP_NET_BROADCAST, unix.CAP_NET_ADMIN, unix.CAP_NET_RAW}

// Unprivileged runs f on a thread of its own that has given up all capabilities but
// those over the network of its node. What f starts has no others either, and gains
// none. It is never the first thread: what a process may do to another is judged by that
// one (ptrace_may_access), and the process itself must stay out of the program's reach.
func Unprivileged(f func() error) error {
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread() // and never given back
		if unix.Gettid() == unix.Getpid() {
			done <- Unprivileged(f) // while this one is held, on another
			return
		}
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
		err := unix.Prctl(unix.PR_CAPBSET_DROP, c, 0, 0, 0)
		if err != nil && !errors.Is(err, unix.EINVAL) { // beyond the kernel's last
			return fmt.Errorf("drop capability %d: %w", c, err)
		}
	}
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return fmt.Errorf("forbid new privileges: %w", err)
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
