//go:build linux

package node

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
)

const (
	// ready bounds how long the kernel may take to do what it leaves to its work queues.
	// These wait for the lock that the end of any namespace on the machine holds
	// (rtnl_mutex, cleanup_net of net/core/net_namespace.c).
	ready = 20 * time.Second
	// again is after how long it is looked whether it is done though no news came.
	again = time.Second
)

// ErrLate is that the kernel has not done in [ready] what a node needs: the machine is too
// busy.
var ErrLate = errors.New("the kernel has not done it yet: the machine is too busy")

// subscribe listens for news of a kind in the node's namespace.
func (n *Node) subscribe(groups ...uint) (news *nl.NetlinkSocket, err error) {
	err = n.NS.Do(func() (err error) {
		news, err = nl.Subscribe(unix.NETLINK_ROUTE, groups...)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("node %s: listen for the kernel's news: %w", n.Name, err)
	}
	if err := news.SetReceiveTimeout(&unix.Timeval{Sec: int64(again / time.Second)}); err != nil {
		news.Close()
		return nil, err
	}
	return news, nil
}

// awaitAddrs waits until the node takes packets for its IPv6 addresses: the
// kernel does that last step of adding one from a work queue (addrconf_dad_work
// of net/ipv6/addrconf.c), and drops what comes before.
func (n *Node) awaitAddrs(h *netlink.Handle, news *nl.NetlinkSocket) error {
	for began := time.Now(); ; {
		missing, err := n.unready(h)
		if err != nil || !missing.IsValid() {
			return err
		}
		if err := next(news, began); err != nil {
			return fmt.Errorf("node %s: address %s does not become ready: %w", n.Name, missing, err)
		}
	}
}

// next waits until there is news, or it is time to look again. It is [ErrLate] long after
// something began.
func next(news *nl.NetlinkSocket, began time.Time) error {
	_, _, err := news.Receive()
	switch {
	case errors.Is(err, unix.ENOBUFS): // more than the socket holds
		err = nil
	case errors.Is(err, unix.EAGAIN):
		if err = nil; time.Since(began) > ready {
			err = ErrLate
		}
	}
	return err
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
