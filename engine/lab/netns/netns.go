//go:build linux

// Package netns holds network namespaces by descriptor and is the only way
// into one.
//
// It makes namespaces and runs functions inside them. It does not configure
// them: package node does.
//
// Invariant: no thread of the process is ever left inside a namespace by
// accident. A function passed to [NS.Do] runs on a thread of its own; a thread
// that cannot be brought back is destroyed, not reused. Nothing is named, so
// nothing can clash and nothing survives the process.
package netns

import (
	"fmt"
	"runtime"
	"sync"

	vnetns "github.com/vishvananda/netns"
	"golang.org/x/sys/unix"
)

// self is the path of the calling thread's own namespace. It is right even
// where /proc belongs to an outer PID namespace, which "/proc/<pid>" is not.
const self = "/proc/thread-self/ns/net"

// home is the namespace the process started in; threads return to it.
var home = sync.OnceValues(func() (vnetns.NsHandle, error) {
	return vnetns.GetFromPath(self)
})

// NS is a network namespace held open by a descriptor. It lives as long as the
// descriptor, a socket in it, or a process in it.
type NS struct {
	name string
	mu   sync.Mutex
	h    vnetns.NsHandle
}

// New makes an empty network namespace. The name is used in errors alone.
// It needs CAP_SYS_ADMIN in the current user namespace.
func New(name string) (*NS, error) {
	ns := &NS{name: name, h: vnetns.None()}
	err := onThread(func() error {
		if err := unix.Unshare(unix.CLONE_NEWNET); err != nil {
			return fmt.Errorf("create network namespace %q: %w", name, Limited(err))
		}
		h, err := vnetns.GetFromPath(self)
		if err != nil {
			return fmt.Errorf("open network namespace %q: %w", name, err)
		}
		ns.h = h
		return nil
	})
	if err != nil {
		return nil, err
	}
	return ns, nil
}

// Here holds the namespace the process started in.
func Here(name string) (*NS, error) {
	h, err := home()
	if err != nil {
		return nil, fmt.Errorf("open network namespace %q: %w", name, err)
	}
	fd, err := unix.FcntlInt(uintptr(h), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("hold network namespace %q: %w", name, err)
	}
	return &NS{name: name, h: vnetns.NsHandle(fd)}, nil
}

// Name is the name given to [New].
func (ns *NS) Name() string { return ns.name }

// Fd is the descriptor that holds the namespace, -1 once closed. It stays
// owned by ns.
func (ns *NS) Fd() int {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	return int(ns.h)
}

// Cookie is the number that the kernel gave the namespace and will give no other
// until it is booted anew, while that of its inode is given again once it is
// gone (SO_NETNS_COOKIE, Linux 5.14).
func (ns *NS) Cookie() (cookie uint64, err error) {
	err = ns.Do(func() error {
		fd, err := unix.Socket(unix.AF_UNIX, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return err
		}
		defer unix.Close(fd)
		cookie, err = unix.GetsockoptUint64(fd, unix.SOL_SOCKET, unix.SO_NETNS_COOKIE)
		return err
	})
	if err != nil {
		return 0, fmt.Errorf("cookie of network namespace %q: %w", ns.name, err)
	}
	return cookie, nil
}

// Do runs f with the calling thread inside ns and returns f's error. Sockets
// opened by f stay in ns for good and may be used outside afterwards, and so do
// processes that f itself starts. f must not start goroutines that expect to be
// in ns.
func (ns *NS) Do(f func() error) error {
	h := vnetns.NsHandle(ns.Fd())
	if !h.IsOpen() {
		return fmt.Errorf("enter network namespace %q: already closed", ns.name)
	}
	return onThread(func() error {
		if err := vnetns.Set(h); err != nil {
			return fmt.Errorf("enter network namespace %q: %w", ns.name, err)
		}
		return f()
	})
}

// Close lets go of the namespace. The kernel destroys it, with every link and
// rule in it, once nothing else refers to it. Closing twice is harmless.
func (ns *NS) Close() error {
	ns.mu.Lock()
	defer ns.mu.Unlock()
	if !ns.h.IsOpen() {
		return nil
	}
	return ns.h.Close()
}

// onThread runs f on a locked thread of its own and puts the thread back where
// the process started. If that fails the goroutine ends still locked, which
// makes the runtime destroy the thread.
func onThread(f func() error) error {
	back, err := home()
	if err != nil {
		return fmt.Errorf("open the starting network namespace (is /proc mounted?): %w", err)
	}
	done := make(chan error, 1)
	go func() {
		runtime.LockOSThread()
		err := errPanicked
		defer func() {
			if vnetns.Set(back) == nil {
				runtime.UnlockOSThread()
			}
			done <- err
		}()
		err = f()
	}()
	return <-done
}

// errPanicked is what the waiting side would see if f panicked; the panic
// itself ends the process, as any unrecovered panic does.
var errPanicked = fmt.Errorf("function panicked inside a network namespace")
