//go:build linux

package wire

import (
	"errors"
	"fmt"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batchSize is how many frames go to the kernel in one call.
const batchSize = 128

// How often and how many milliseconds to wait for room to send.
const maxWaits, sendWait = 100, 10

// mmsghdr is struct mmsghdr (sendmmsg(2)).
type mmsghdr struct {
	hdr unix.Msghdr
	n   uint32
	_   [4]byte
}

// batch gathers frames for a packet socket, each with the device it goes to.
type batch struct {
	n    int
	msgs [batchSize]mmsghdr
	iovs [batchSize]unix.Iovec
	to   [batchSize]unix.RawSockaddrLinklayer
}

func (b *batch) full() bool { return b.n == batchSize }

// add queues data for a device; data must stay untouched until flush.
func (b *batch) add(ifindex int, data []byte) {
	v, to, m := &b.iovs[b.n], &b.to[b.n], &b.msgs[b.n].hdr
	v.Base, v.Len = unsafe.SliceData(data), uint64(len(data))
	to.Family, to.Ifindex = unix.AF_PACKET, int32(ifindex)
	m.Iov, m.Iovlen = v, 1
	m.Name, m.Namelen = (*byte)(unsafe.Pointer(to)), unix.SizeofSockaddrLinklayer
	b.n++
}

// flush sends what is queued and returns how many frames the kernel refused.
func (b *batch) flush(fd int) (refused int, err error) {
	waits := 0
	for at := 0; at < b.n; {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&b.msgs[at])),
			uintptr(b.n-at), unix.MSG_DONTWAIT, 0, 0)
		switch {
		case errno == 0:
			at += int(n)
		case errors.Is(errno, unix.EINTR):
		case errors.Is(errno, unix.EAGAIN) && waits < maxWaits:
			// The socket's buffer is charged until the node has taken the
			// frames in: that is about to happen.
			waits++
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(fd), Events: unix.POLLOUT}}, sendWait)
		default:
			// The first frame left is the one refused; the rest may pass.
			refused++
			err = fmt.Errorf("send frame: %w", errno)
			at++
		}
	}
	b.n = 0
	return refused, err
}
