//go:build linux

package firewall

import (
	"fmt"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"netrepro/engine/lab/firewall/tracking"
	"netrepro/engine/lab/netns"
)

// Tuple is one direction of a tracked connection.
type Tuple struct {
	Src, Dst     netip.Addr
	SPort, DPort int
}

// Entry is a tracked connection: as it came, and as its answers come.
type Entry struct {
	Proto       uint8
	Orig, Reply Tuple
	State       string // of TCP, as the kernel names it: "ESTABLISHED"
	Mark        uint32
	Zone        uint16
	Timeout     time.Duration // until it is forgotten
}

var families = []netlink.InetFamily{unix.AF_INET, unix.AF_INET6}

// Conntrack lists the connections that ns tracks.
func Conntrack(ns *netns.NS) ([]Entry, error) {
	h, err := conntrackHandle(ns)
	if err != nil {
		return nil, err
	}
	defer h.Close()
	var out []Entry
	for _, family := range families {
		flows, err := h.ConntrackTableList(netlink.ConntrackTable, family)
		if err != nil {
			return nil, fmt.Errorf("%s: list conntrack: %w", ns.Name(), err)
		}
		for _, f := range flows {
			e := entry(f)
			e.Timeout = time.Duration(f.TimeOut) * time.Second
			if t, ok := f.ProtoInfo.(*netlink.ProtoInfoTCP); ok && int(t.State) < len(tracking.States) {
				e.State = tracking.States[t.State]
			}
			out = append(out, e)
		}
	}
	return out, nil
}

// Forget has ns forget the tracked connections that which is true of, and
// returns how many they were.
func Forget(ns *netns.NS, which func(*Entry) bool) (n int, err error) {
	h, err := conntrackHandle(ns)
	if err != nil {
		return 0, err
	}
	defer h.Close()
	for _, family := range families {
		got, err := h.ConntrackDeleteFilters(netlink.ConntrackTable, family, matching(which))
		if err != nil {
			return n, fmt.Errorf("%s: delete conntrack: %w", ns.Name(), err)
		}
		n += int(got)
	}
	return n, nil
}

// matching is a filter of the library's.
type matching func(*Entry) bool

// MatchConntrackFlow implements [netlink.CustomConntrackFilter].
func (m matching) MatchConntrackFlow(f *netlink.ConntrackFlow) bool {
	e := entry(f)
	return m(&e)
}

// entry is a tracked connection without what the library's filters do not see: its
// state and its timeout.
func entry(f *netlink.ConntrackFlow) Entry {
	return Entry{Proto: f.Forward.Protocol, Orig: tuple(f.Forward), Reply: tuple(f.Reverse), Mark: f.Mark, Zone: f.Zone}
}

func conntrackHandle(ns *netns.NS) (h *netlink.Handle, err error) {
	err = ns.Do(func() (err error) {
		h, err = netlink.NewHandle(unix.NETLINK_NETFILTER)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: open conntrack: %w", ns.Name(), err)
	}
	return h, nil
}

func tuple(t netlink.IPTuple) Tuple {
	src, _ := netip.AddrFromSlice(t.SrcIP)
	dst, _ := netip.AddrFromSlice(t.DstIP)
	return Tuple{Src: src.Unmap(), Dst: dst.Unmap(), SPort: int(t.SrcPort), DPort: int(t.DstPort)}
}
