//go:build linux

package node

import (
	"fmt"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

// readySeconds bounds how long the kernel may take to do what it leaves to its
// work queues.
const readySeconds = 5

// subscribe listens for news of a kind in the node's namespace.
func (n *Node) subscribe(groups ...uint) (news *nl.NetlinkSocket, err error) {
	err = n.NS.Do(func() (err error) {
		news, err = nl.Subscribe(unix.NETLINK_ROUTE, groups...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("node %s: listen for the kernel's news: %w", n.Name, err)
	}
	if err := news.SetReceiveTimeout(&unix.Timeval{Sec: readySeconds}); err != nil {
		news.Close()
		return nil, err
	}
	return news, nil
}

// awaitAddrs waits until the node takes packets for its IPv6 addresses: the
// kernel does that last step of adding one from a work queue (addrconf_dad_work
// of net/ipv6/addrconf.c), and drops what comes before.
func (n *Node) awaitAddrs(h *netlink.Handle, news *nl.NetlinkSocket) error {
	for {
		missing, err := n.unready(h)
		if err != nil || !missing.IsValid() {
			return err
		}
		if _, _, err := news.Receive(); err != nil {
			return fmt.Errorf("node %s: address %s does not become ready: %w", n.Name, missing, err)
		}
	}
}

// unready is an IPv6 address of the node that it does not take packets for yet,
// invalid if there is none.
func (n *Node) unready(h *netlink.Handle) (netip.Addr, error) {
	local := &netlink.Route{Table: unix.RT_TABLE_LOCAL}
	routes, err := h.RouteListFiltered(netlink.FAMILY_V6, local, netlink.RT_FILTER_TABLE)
	if err != nil {
		return netip.Addr{}, fmt.Errorf("node %s: list local addresses: %w", n.Name, err)
	}
	takes := map[netip.Addr]bool{}
	for _, r := range routes {
		if r.Dst != nil && r.Type == unix.RTN_LOCAL {
			if a, ok := netip.AddrFromSlice(r.Dst.IP); ok {
				takes[a] = true
			}
		}
	}
	for _, a := range n.Addrs() {
		if a.Is6() && !takes[a] {
			return a, nil
		}
	}
	return netip.Addr{}, nil
}
