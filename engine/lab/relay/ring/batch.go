//go:build linux

package ring

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

// Batch gathers frames to be sent through the socket of a ring, each with the
// device it goes to. Its zero value sends nowhere: see [NewBatch].
type Batch struct {
	fd      int
	n       int
	msgs    [batchSize]mmsghdr
	iovs    [batchSize]unix.Iovec
	to      [batchSize]unix.RawSockaddrLinklayer
	refused int   // by the kernel since the last Flush
	why     error // the last was
}

// NewBatch makes an empty batch that sends through a ring's socket.
func NewBatch(r *Ring) *Batch { return &Batch{fd: r.fd} }

// Send queues data for a device; data must stay untouched until Flush.
func (b *Batch) Send(ifindex int, data []byte) {
	if b.n == batchSize {
		b.hand()
	}
	v, to, m := &b.iovs[b.n], &b.to[b.n], &b.msgs[b.n].hdr
	v.Base, v.Len = unsafe.SliceData(data), uint64(len(data))
	to.Family, to.Ifindex = unix.AF_PACKET, int32(ifindex)
	m.Iov, m.Iovlen = v, 1
	m.Name, m.Namelen = (*byte)(unsafe.Pointer(to)), unix.SizeofSockaddrLinklayer
	b.n++
}

// Flush sends what is queued. It returns how many frames the kernel refused since
// the last Flush, and why it refused the last of them.
func (b *Batch) Flush() (refused int, why error) {
	b.hand()
	refused, why = b.refused, b.why
	b.refused, b.why = 0, nil
	return refused, why
}

// hand gives what is queued to the kernel.
func (b *Batch) hand() {
	waits := 0
	for at := 0; at < b.n; {
		n, _, errno := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(b.fd), uintptr(unsafe.Pointer(&b.msgs[at])),
			uintptr(b.n-at), unix.MSG_DONTWAIT, 0, 0)
		switch {
		case errno == 0:
			at += int(n)
		case errors.Is(errno, unix.EINTR):
		case errors.Is(errno, unix.EAGAIN) && waits < maxWaits:
			// The socket's buffer is charged until the node has taken the
			// frames in: that is about to happen.
			waits++
			_, _ = unix.Poll([]unix.PollFd{{Fd: int32(b.fd), Events: unix.POLLOUT}}, sendWait)
		default:
			// The first frame left is the one refused; the rest may pass.
			b.refused++
			b.why = fmt.Errorf("send frame: %w", errno)
			at++
		}
	}
	b.n = 0
}
