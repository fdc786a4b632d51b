//go:build linux

package sysctl

import (
	"errors"
	"os"
	"path"
	"runtime"
	"slices"
	"strings"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// spins reports whether the kernel does not wait for its lock of network devices when a setting
// is written, but tries again and again within the system call (restart_syscall in
// addrconf_sysctl_forward, devinet_sysctl_forward and their like). On Linux 6.18 such a thread
// was seen to keep its processor from all others for minutes, who had the lock among them.
func spins(name string) bool {
	if name == "net.ipv4.ip_forward" {
		return true
	}
	name = strings.ReplaceAll(name, ".", "/")
	return strings.Contains(name, "/conf/") && slices.Contains([]string{"forwarding", "disable_ipv6", "addr_gen_mode",
		"proxy_ndp", "stable_secret", "ignore_routes_with_linkdown", "disable_policy"}, path.Base(name))
}

// iocb is a request of Linux's asynchronous input and output (struct iocb of aio_abi.h).
type iocb struct {
	_      uint64 // data
	_, _   uint32 // key, rw_flags
	opcode uint16
	_      int16 // priority
	fd     uint32
	buf    uint64
	size   uint64
	_      int64     // offset
	_      [2]uint64 // reserved2, flags, resfd
}

// ioEvent says what became of one (struct io_event).
type ioEvent struct {
	_, _ uint64 // data, obj
	res  int64
	_    int64 // res2
}

const opWrite = 1 // IOCB_CMD_PWRITE

// patiently writes text to such a setting: asked for asynchronously the kernel tries its lock
// once and says EINTR (aio_rw_done), and in between others get the processor. A kernel without
// that is asked as usual.
func patiently(f *os.File, text string) error {
	if text == "" {
		return write1(f, text)
	}
	var queue uintptr
	if _, _, errno := unix.Syscall(unix.SYS_IO_SETUP, 1, uintptr(unsafe.Pointer(&queue)), 0); errno != 0 {
		return write1(f, text)
	}
	defer func() { _, _, _ = unix.Syscall(unix.SYS_IO_DESTROY, queue, 0, 0) }()
	var pin runtime.Pinner
	defer pin.Unpin()
	b, req, done := []byte(text), &iocb{opcode: opWrite, fd: uint32(f.Fd())}, &ioEvent{}
	pin.Pin(&b[0])
	pin.Pin(req)
	req.buf, req.size = uint64(uintptr(unsafe.Pointer(&b[0]))), uint64(len(b))
	for pause := time.Millisecond; ; pause = min(2*pause, 20*time.Millisecond) {
		if _, _, errno := unix.Syscall(unix.SYS_IO_SUBMIT, queue, 1, uintptr(unsafe.Pointer(&req))); errno != 0 {
			return write1(f, text)
		}
		for {
			_, _, errno := unix.Syscall6(unix.SYS_IO_GETEVENTS, queue, 1, 1, uintptr(unsafe.Pointer(done)), 0, 0)
			if errno == 0 {
				break
			}
			if errno != unix.EINTR {
				return errno
			}
		}
		switch errno := unix.Errno(-done.res); {
		case done.res >= 0:
			return nil
		case !errors.Is(errno, unix.EINTR):
			return errno
		}
		time.Sleep(pause) // whoever has the lock tells nobody when it lets go
	}
}

func write1(f *os.File, text string) error {
	_, err := f.WriteString(text)
	return err
}
