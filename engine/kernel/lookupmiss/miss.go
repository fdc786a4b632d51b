//go:build linux

package lookupmiss

import (
	"bytes"
	_ "embed"
	"errors"
	"fmt"
	"os"

	"github.com/cilium/ebpf"
	"github.com/cilium/ebpf/rlimit"
	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"netrepro/engine/lab/netns"
)

//go:embed miss.bpf.o
var object []byte

// Kind is a kind of segment.
type Kind uint32

// Kinds of segments: with payload, with FIN, and acknowledgements with neither.
const (
	Data Kind = 1 + iota
	Fin
	Ack
)

// Rule says which segments miss their connection.
type Rule struct {
	Port  uint16 // they are for
	Peer  uint16 // they come from; 0 for any
	Kind  Kind
	Skip  uint32 // how many of them find it, first
	Times uint32 // how many miss it
}

// state is the program's map: a rule and what became of it.
type state struct {
	Rule
	Seen, Hits uint32
}

// ErrUnsupported says that this machine, or this user, cannot do it.
var ErrUnsupported = errors.New("lookups cannot be made to miss")

// Miss is a live rule.
type Miss struct {
	states *ebpf.Map
	queues []queue
}

// queue is a device's hook.
type queue struct {
	ns    *netns.NS
	index int
}

// Make has the kernel of ns miss the connections of the segments that r means,
// on all the devices named. It fails with [ErrUnsupported] where programs may
// not be loaded (CAP_BPF and CAP_NET_ADMIN of the whole machine).
func Make(ns *netns.NS, devices []string, r Rule) (m *Miss, err error) {
	spec, err := ebpf.LoadCollectionSpecFromReader(bytes.NewReader(object))
	if err != nil {
		return nil, fmt.Errorf("read program: %w", err)
	}
	if err := rlimit.RemoveMemlock(); err != nil && !errors.Is(err, os.ErrPermission) {
		return nil, fmt.Errorf("%w: raise limit of locked memory: %w", ErrUnsupported, err)
	}
	c, err := ebpf.NewCollection(spec)
	if err != nil {
		return nil, fmt.Errorf("%w: load program: %w", ErrUnsupported, err)
	}
	defer c.Programs["miss"].Close() // its filters keep it
	m = &Miss{states: c.Maps["rules"]}
	if err := m.states.Put(uint32(0), state{Rule: r}); err != nil {
		return nil, errors.Join(fmt.Errorf("write rule: %w", err), m.Close())
	}
	err = ns.Do(func() error {
		for _, name := range devices {
			if err := m.hang(ns, name, c.Programs["miss"]); err != nil {
				return fmt.Errorf("attach program to %s: %w", name, err)
			}
		}
		return nil
	})
	if err != nil {
		return nil, errors.Join(err, m.Close())
	}
	return m, nil
}

// hang puts the program where packets come in by a device; the thread is in ns.
// The hook is tc's, because a TCX link was seen not to run on some processors of
// Linux 6.18.
func (m *Miss) hang(ns *netns.NS, device string, p *ebpf.Program) error {
	l, err := netlink.LinkByName(device)
	if err != nil {
		return err
	}
	index := l.Attrs().Index
	err = netlink.QdiscAdd(&netlink.Clsact{QdiscAttrs: netlink.QdiscAttrs{LinkIndex: index,
		Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT}})
	if err != nil && !errors.Is(err, unix.EEXIST) {
		return err
	}
	m.queues = append(m.queues, queue{ns, index})
	return netlink.FilterAdd(&netlink.BpfFilter{
		FilterAttrs: netlink.FilterAttrs{LinkIndex: index, Parent: netlink.HANDLE_MIN_INGRESS, Handle: 1,
			Protocol: unix.ETH_P_ALL, Priority: 1},
		Fd:           p.FD(),
		Name:         "miss",
		DirectAction: true,
	})
}

// Hits is how many segments were given to a listener instead of their
// connection.
func (m *Miss) Hits() (int, error) {
	var s state
	if err := m.states.Lookup(uint32(0), &s); err != nil {
		return 0, fmt.Errorf("read which lookups missed: %w", err)
	}
	return int(s.Hits), nil
}

// Disarm lets lookups find their connections again.
func (m *Miss) Disarm() error {
	var s state
	if err := m.states.Lookup(uint32(0), &s); err != nil {
		return fmt.Errorf("read which lookups missed: %w", err)
	}
	s.Times = 0
	return m.states.Put(uint32(0), s)
}

// Close takes the program off its devices.
func (m *Miss) Close() error {
	var errs []error
	for _, q := range m.queues {
		errs = append(errs, q.ns.Do(func() error {
			return netlink.QdiscDel(&netlink.Clsact{QdiscAttrs: netlink.QdiscAttrs{LinkIndex: q.index,
				Handle: netlink.MakeHandle(0xffff, 0), Parent: netlink.HANDLE_CLSACT}})
		}))
	}
	m.queues = nil
	return errors.Join(append(errs, m.states.Close())...)
}
