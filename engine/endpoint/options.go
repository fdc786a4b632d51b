//go:build linux

package endpoint

import (
	"fmt"
	"time"

	"golang.org/x/sys/unix"
)

// Options of a socket. Nil leaves the kernel's default.
type Options struct {
	// Linger sets SO_LINGER on with so long a wait; 0 makes close send RST.
	Linger      *time.Duration
	NoDelay     *bool
	Cork        *bool
	QuickAck    *bool
	KeepAlive   *bool
	RcvBuf      int           // bytes asked for; the kernel doubles it (socket(7))
	SndBuf      int           // bytes asked for
	MSS         int           // TCP_MAXSEG
	UserTimeout time.Duration // TCP_USER_TIMEOUT
}

// Set applies o.
func (s *socket) Set(o Options) error {
	type opt struct {
		name              string
		level, key, value int
		on                bool
	}
	flag := func(b *bool) (int, bool) {
		if b == nil {
			return 0, false
		}
		if *b {
			return 1, true
		}
		return 0, true
	}
	nodelay, nodelayOn := flag(o.NoDelay)
	cork, corkOn := flag(o.Cork)
	quick, quickOn := flag(o.QuickAck)
	keep, keepOn := flag(o.KeepAlive)
	opts := []opt{
		{"nodelay", unix.IPPROTO_TCP, unix.TCP_NODELAY, nodelay, nodelayOn},
		{"cork", unix.IPPROTO_TCP, unix.TCP_CORK, cork, corkOn},
		{"quickack", unix.IPPROTO_TCP, unix.TCP_QUICKACK, quick, quickOn},
		{"keepalive", unix.SOL_SOCKET, unix.SO_KEEPALIVE, keep, keepOn},
		{"rcvbuf", unix.SOL_SOCKET, unix.SO_RCVBUF, o.RcvBuf, o.RcvBuf > 0},
		{"sndbuf", unix.SOL_SOCKET, unix.SO_SNDBUF, o.SndBuf, o.SndBuf > 0},
		{"mss", unix.IPPROTO_TCP, unix.TCP_MAXSEG, o.MSS, o.MSS > 0},
		{"user_timeout", unix.IPPROTO_TCP, unix.TCP_USER_TIMEOUT, int(o.UserTimeout.Milliseconds()), o.UserTimeout > 0},
	}
	return s.control(func(fd int) error {
		for _, p := range opts {
			if !p.on {
				continue
			}
			if err := unix.SetsockoptInt(fd, p.level, p.key, p.value); err != nil {
				return fmt.Errorf("set %s to %d: %w", p.name, p.value, err)
			}
		}
		if o.Linger == nil {
			return nil
		}
		return setLinger(fd, o.Linger)
	})
}

// setLinger sets SO_LINGER to whole seconds, rounded up, or off if d is nil.
func setLinger(fd int, d *time.Duration) error {
	l := unix.Linger{}
	if d != nil {
		l = unix.Linger{Onoff: 1, Linger: int32((*d + time.Second - 1) / time.Second)}
	}
	if err := unix.SetsockoptLinger(fd, unix.SOL_SOCKET, unix.SO_LINGER, &l); err != nil {
		return fmt.Errorf("set linger: %w", err)
	}
	return nil
}
