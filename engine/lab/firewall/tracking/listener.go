//go:build linux

package tracking

import (
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"netrepro/engine/lab/netns"
)

// most is how many events are kept until somebody asks: those of some ten thousand
// connections.
const most = 1 << 16

// room is how many bytes of events the kernel keeps until they are read: some ten
// thousand events. Without privilege it is what net.core.rmem_max allows.
const room = 8 << 20

// groups are those of nfnetlink that are heard: new, update and destroy, a bit each
// (linux/netfilter/nfnetlink_compat.h).
const groups = 1<<0 | 1<<1 | 1<<2

// Listener listens to a node.
type Listener struct {
	ns   *netns.NS
	file *os.File

	mu     sync.Mutex
	buffer []byte
	events []Event
	lost   bool
	err    error
	ended  chan struct{}
}

// Listen begins to listen to what ns tracks. It must begin before the first rule that
// needs connection tracking: connections of before are not heard of.
func Listen(ns *netns.NS) (*Listener, error) {
	l := &Listener{ns: ns, buffer: make([]byte, 1<<16), ended: make(chan struct{})}
	err := ns.Do(func() error {
		fd, err := unix.Socket(unix.AF_NETLINK, unix.SOCK_RAW|unix.SOCK_CLOEXEC|unix.SOCK_NONBLOCK, unix.NETLINK_NETFILTER)
		if err != nil {
			return err
		}
		l.file = os.NewFile(uintptr(fd), "connection tracking")
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, room) != nil {
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, room) // what does not fit is told as lost
		}
		return unix.Bind(fd, &unix.SockaddrNetlink{Family: unix.AF_NETLINK, Groups: groups})
	})
	if err != nil {
		if l.file != nil {
			err = errors.Join(err, l.file.Close())
		}
		return nil, fmt.Errorf("%s: listen to connection tracking: %w", ns.Name(), err)
	}
	go l.hear()
	return l, nil
}

// Close ends listening.
func (l *Listener) Close() error {
	err := l.file.Close()
	<-l.ended
	return err
}

// hear reads events as they come, so that there is room for the next.
func (l *Listener) hear() {
	defer close(l.ended)
	raw, err := l.file.SyscallConn()
	if err != nil {
		return // it was closed
	}
	_ = raw.Read(func(fd uintptr) bool {
		l.mu.Lock()
		defer l.mu.Unlock()
		l.read(int(fd))
		return l.err != nil
	})
}

// read takes in what there is, and does not wait. That something was lost is told before
// what was kept.
func (l *Listener) read(fd int) {
	for l.err == nil {
		n, _, err := unix.Recvfrom(fd, l.buffer, unix.MSG_DONTWAIT)
		switch {
		case errors.Is(err, unix.EINTR):
		case errors.Is(err, unix.EAGAIN):
			return
		case errors.Is(err, unix.ENOBUFS):
			l.lost = true
		case err != nil:
			l.err = fmt.Errorf("%s: read what connection tracking did: %w", l.ns.Name(), err)
		case l.lost: // nobody will know anything for sure
			l.events = nil
		default:
			l.events = append(l.events, parse(l.buffer[:n])...)
			l.lost = len(l.events) > most
		}
	}
}

// Drain returns what happened since the last call, in order; it does not wait. Connections
// have the time when they were taken up. lost says that some events are missing, anywhere.
func (l *Listener) Drain() (events []Event, lost bool, err error) {
	raw, err := l.file.SyscallConn()
	if err != nil {
		return nil, false, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	// Those that have run out are forgotten when they are listed, and told after that.
	there, err := list(l.ns)
	if err != nil {
		return nil, false, err
	}
	if err := raw.Control(func(fd uintptr) { l.read(int(fd)) }); err != nil {
		return nil, false, err
	}
	events, lost, err = l.events, l.lost, l.err
	l.events, l.lost = nil, false
	dated(events, there)
	return events, lost, err
}

// list are the connections that a node tracks now.
func list(ns *netns.NS) (out []Event, err error) {
	err = ns.Do(func() error {
		for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
			r := nl.NewNetlinkRequest(unix.NFNL_SUBSYS_CTNETLINK<<8|nl.IPCTNL_MSG_CT_GET, unix.NLM_F_DUMP)
			r.AddData(&nl.Nfgenmsg{NfgenFamily: family, Version: nl.NFNETLINK_V0})
			messages, err := r.Execute(unix.NETLINK_NETFILTER, 0)
			if err != nil {
				return fmt.Errorf("%s: list tracked connections: %w", ns.Name(), err)
			}
			for _, m := range messages {
				if e, ok := event(unix.NFNL_SUBSYS_CTNETLINK<<8, 0, m); ok {
					out = append(out, e)
				}
			}
		}
		return nil
	})
	return out, err
}

// dated gives connections the time when they were taken up: the kernel tells it where it
// forgets one, and where it lists one.
func dated(events, there []Event) {
	last := map[uint32]int{} // the last that was taken up with an ID
	for i, e := range events {
		n, known := last[e.ID]
		switch {
		case e.Kind == New:
			last[e.ID] = i
		case e.Kind == Destroy && known:
			events[n].Start = e.Start
			delete(last, e.ID)
		}
	}
	for _, e := range there {
		if n, known := last[e.ID]; known {
			events[n].Start = e.Start
		}
	}
}
