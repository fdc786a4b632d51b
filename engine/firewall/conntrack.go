//go:build linux

package firewall

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"netrepro/engine/netns"
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
}

// Conntrack lists the connections that ns tracks.
func Conntrack(ns *netns.NS) ([]Entry, error) {
	var h *netlink.Handle
	err := ns.Do(func() (err error) {
		h, err = netlink.NewHandle(unix.NETLINK_NETFILTER)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("%s: open conntrack: %w", ns.Name(), err)
	}
	defer h.Close()
	flows, err := h.ConntrackTableList(netlink.ConntrackTable, unix.AF_INET)
	if err != nil {
		return nil, fmt.Errorf("%s: list conntrack: %w", ns.Name(), err)
	}
	var out []Entry
	for _, f := range flows {
		out = append(out, Entry{Proto: f.Forward.Protocol, Orig: tuple(f.Forward), Reply: tuple(f.Reverse)})
	}
	return out, nil
}

func tuple(t netlink.IPTuple) Tuple {
	src, _ := netip.AddrFromSlice(t.SrcIP)
	dst, _ := netip.AddrFromSlice(t.DstIP)
	return Tuple{Src: src.Unmap(), Dst: dst.Unmap(), SPort: int(t.SrcPort), DPort: int(t.DstPort)}
}
