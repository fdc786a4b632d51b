//go:build linux

package relay

import (
	"errors"
	"fmt"

	"golang.org/x/sys/unix"
)

// sleeper is what the relay's thread sleeps on: a frame that comes, the time that
// one is due, or a call from outside.
type sleeper struct {
	epoll, timer, wake int
	armed              int64 // what timer is set to
	events             [4]unix.EpollEvent
}

// newSleeper makes one that is woken by its timer and by interrupt. On error what
// was made so far is to be closed.
func newSleeper() (s sleeper, err error) {
	s.epoll, s.timer, s.wake = -1, -1, -1
	if s.epoll, err = unix.EpollCreate1(unix.EPOLL_CLOEXEC); err != nil {
		return s, fmt.Errorf("create epoll: %w", err)
	}
	if s.timer, err = unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_NONBLOCK|unix.TFD_CLOEXEC); err != nil {
		return s, fmt.Errorf("create timer: %w", err)
	}
	if s.wake, err = unix.Eventfd(0, unix.EFD_NONBLOCK|unix.EFD_CLOEXEC); err != nil {
		return s, fmt.Errorf("create eventfd: %w", err)
	}
	return s, errors.Join(s.watch(s.timer), s.watch(s.wake))
}

// watch has the descriptor wake the thread while it is readable.
func (s *sleeper) watch(fd int) error {
	e := unix.EpollEvent{Events: unix.EPOLLIN, Fd: int32(fd)}
	if err := unix.EpollCtl(s.epoll, unix.EPOLL_CTL_ADD, fd, &e); err != nil {
		return fmt.Errorf("watch descriptor: %w", err)
	}
	return nil
}

// interrupt ends the sleep, or the next one.
func (s *sleeper) interrupt() error {
	one := [8]byte{1}
	_, err := unix.Write(s.wake, one[:])
	return err
}

// arm has the thread wake at a time in nanoseconds since 1970.
func (s *sleeper) arm(at int64) {
	if at != s.armed {
		s.armed = at
		_ = unix.TimerfdSettime(s.timer, unix.TFD_TIMER_ABSTIME, &unix.ItimerSpec{Value: unix.NsecToTimespec(at)}, nil)
	}
}

// sleep waits until there is something to do, at most so many milliseconds, or as
// long as it takes if they are -1.
func (s *sleeper) sleep(most int) error {
	n, err := unix.EpollWait(s.epoll, s.events[:], most)
	if err != nil && !errors.Is(err, unix.EINTR) {
		return fmt.Errorf("wait for frames: %w", err)
	}
	for _, e := range s.events[:max(n, 0)] {
		if e.Fd != int32(s.timer) && e.Fd != int32(s.wake) {
			continue
		}
		var b [8]byte
		_, _ = unix.Read(int(e.Fd), b[:])
		s.armed = 0 // even if the clock was set back since
	}
	return nil
}

func (s *sleeper) close() {
	for _, fd := range []*int{&s.epoll, &s.timer, &s.wake} {
		if *fd >= 0 {
			_ = unix.Close(*fd)
			*fd = -1
		}
	}
}
