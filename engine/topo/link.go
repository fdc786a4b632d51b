//go:build linux

package topo

import (
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"netrepro/engine/netns"
)

// handle opens a route netlink socket in ns.
func handle(ns *netns.NS) (h *netlink.Handle, err error) {
	err = ns.Do(func() error {
		h, err = netlink.NewHandle(unix.NETLINK_ROUTE)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("open netlink in %s: %w", ns.Name(), err)
	}
	return h, nil
}

// tap makes the veth pair between the engine and one end of a wire. The
// engine's side takes frames of any size; the wire itself drops what is larger
// than the receiver's MTU, and records it. It returns the engine's ifindex.
func tap(engine *netlink.Handle, name string, f *Iface, node *netns.NS) (int, error) {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.Flags = name, MaxMTU, net.FlagUp
	attrs.NumTxQueues, attrs.NumRxQueues = 1, 1
	v := netlink.NewVeth(attrs)
	v.PeerName, v.PeerNamespace, v.PeerMTU = f.Dev, netlink.NsFd(node.Fd()), uint32(f.MTU)
	v.PeerHardwareAddr = f.MAC[:]
	v.PeerNumTxQueues, v.PeerNumRxQueues = 1, 1
	if err := engine.LinkAdd(v); err != nil {
		return 0, fmt.Errorf("wire %s: create link for %s: %w", f.Wire.Name, f.Node.Name, err)
	}
	return v.Index, nil
}

// direct makes the plain veth pair of a direct wire.
func direct(w *WirePlan, nodes [2]*netns.NS) error {
	h, err := handle(nodes[0])
	if err != nil {
		return err
	}
	defer h.Close()
	a, b := w.Ends[0], w.Ends[1]
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.HardwareAddr = a.Dev, a.MTU, a.MAC[:]
	attrs.NumTxQueues, attrs.NumRxQueues = 1, 1
	v := netlink.NewVeth(attrs)
	v.PeerName, v.PeerNamespace, v.PeerMTU = b.Dev, netlink.NsFd(nodes[1].Fd()), uint32(b.MTU)
	v.PeerHardwareAddr = b.MAC[:]
	v.PeerNumTxQueues, v.PeerNumRxQueues = 1, 1
	if err := h.LinkAdd(v); err != nil {
		return fmt.Errorf("wire %s: create direct link: %w", w.Name, err)
	}
	return nil
}

// configure brings a node's devices up with addresses, pinned neighbours and
// routes.
func configure(n *NodePlan, ns *netns.NS) error {
	h, err := handle(ns)
	if err != nil {
		return err
	}
	defer h.Close()
	if err := ns.Do(func() error { return noOffloads(n) }); err != nil {
		return err
	}
	const loopback = 1 // its index in every namespace
	if err := h.LinkSetUp(&netlink.GenericLink{LinkAttrs: netlink.LinkAttrs{Index: loopback}}); err != nil {
		return fmt.Errorf("node %s: bring up lo: %w", n.Name, err)
	}
	index := map[string]int{}
	for _, f := range n.Ifaces {
		i, err := f.bringUp(h)
		if err != nil {
			return fmt.Errorf("node %s: device %s: %w", n.Name, f.Dev, err)
		}
		index[f.Dev] = i
	}
	for _, r := range n.Routes {
		dst := &net.IPNet{IP: r.To.Addr().AsSlice(), Mask: net.CIDRMask(r.To.Bits(), r.To.Addr().BitLen())}
		if err := h.RouteReplace(&netlink.Route{Dst: dst, Gw: r.Via.AsSlice(), LinkIndex: index[r.Dev]}); err != nil {
			return fmt.Errorf("node %s: route %s via %s: %w", n.Name, r.To, r.Via, err)
		}
	}
	return nil
}

// bringUp configures a device and returns its index.
func (f *Iface) bringUp(h *netlink.Handle) (int, error) {
	l, err := h.LinkByName(f.Dev)
	if err != nil {
		return 0, fmt.Errorf("find: %w", err)
	}
	mask := net.CIDRMask(f.Prefix.Bits(), f.Prefix.Addr().BitLen())
	ip := &net.IPNet{IP: f.Prefix.Addr().AsSlice(), Mask: mask}
	if err := h.AddrAdd(l, &netlink.Addr{IPNet: ip}); err != nil {
		return 0, fmt.Errorf("add address %s: %w", f.Prefix, err)
	}
	if err := h.LinkSetUp(l); err != nil {
		return 0, fmt.Errorf("bring up: %w", err)
	}
	peer := f.Peer()
	// A pinned neighbour keeps ARP off the wire.
	if err := h.NeighSet(&netlink.Neigh{LinkIndex: l.Attrs().Index, State: netlink.NUD_PERMANENT, Family: netlink.FAMILY_V4,
		IP: peer.Prefix.Addr().AsSlice(), HardwareAddr: peer.MAC[:]}); err != nil {
		return 0, fmt.Errorf("pin neighbour %s: %w", peer.Prefix.Addr(), err)
	}
	return l.Attrs().Index, nil
}
