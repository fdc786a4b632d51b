//go:build linux

package node

import (
	"fmt"
	"net"
	"net/netip"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"netrepro/engine/lab/sysctl"
	"netrepro/engine/lab/topology"
	"netrepro/engine/lab/topology/plan"
)

// configure brings a node's devices up with addresses, pinned neighbours and
// routes.
func (n *Node) configure() error {
	h, err := Netlink(n.NS)
	if err != nil {
		return err
	}
	defer h.Close()
	if err := n.NS.Do(func() error { return noOffloads(n.Node) }); err != nil {
		return err
	}
	const loopback = 1 // its index in every namespace
	if err := h.LinkSetUp(&netlink.GenericLink{LinkAttrs: netlink.LinkAttrs{Index: loopback}}); err != nil {
		return fmt.Errorf("node %s: bring up lo: %w", n.Name, err)
	}
	n.index = map[string]int{}
	for _, f := range n.Ports() {
		l, err := h.LinkByName(f.Dev)
		if err != nil {
			return fmt.Errorf("node %s: find device %s: %w", n.Name, f.Dev, err)
		}
		n.index[f.Dev] = l.Attrs().Index
	}
	if n.Kind == topology.Switch {
		return n.bridges(h)
	}
	var news *nl.NetlinkSocket
	if n.Family.Has6() {
		if news, err = n.subscribe(unix.RTNLGRP_IPV6_IFADDR, unix.RTNLGRP_IPV6_ROUTE); err != nil {
			return err
		}
		defer news.Close()
		for _, f := range n.Ports() {
			if err := n.silence(h, f); err != nil {
				return fmt.Errorf("node %s: device %s: %w", n.Name, f.Dev, err)
			}
		}
		if n.Forward {
			if err := n.NS.Do(func() error { return sysctl.Forward6("node " + n.Name) }); err != nil {
				return err
			}
		}
	}
	for _, f := range n.Ports() {
		if err := n.bringUp(h, f); err != nil {
			return fmt.Errorf("node %s: device %s: %w", n.Name, f.Dev, err)
		}
	}
	for _, f := range n.Tunnels {
		if err := n.dig(h, f); err != nil {
			return fmt.Errorf("node %s: tunnel %s: %w", n.Name, f.Wire.Name, err)
		}
	}
	for _, r := range n.Routes {
		if err := n.addRoute(h, r); err != nil {
			return err
		}
	}
	if news != nil {
		return n.awaitAddrs(h, news)
	}
	return nil
}

// silence has a device join no multicast group, which it would say on the wire
// (MLD, RFC 3810), and look for no neighbours there.
func (n *Node) silence(h *netlink.Handle, f *plan.Iface) error {
	if err := h.LinkSetARPOff(n.link(f)); err != nil {
		return fmt.Errorf("turn neighbour discovery off: %w", err)
	}
	if err := h.LinkSetMulticastOff(n.link(f)); err != nil {
		return fmt.Errorf("turn multicast off: %w", err)
	}
	return nil
}

// bringUp gives a device its addresses and neighbours.
func (n *Node) bringUp(h *netlink.Handle, f *plan.Iface) error {
	l := n.link(f)
	for _, a := range f.Addrs {
		addr := &netlink.Addr{IPNet: ipNet(a)}
		if a.Addr().Is6() {
			addr.Flags = unix.IFA_F_NODAD
		}
		if err := h.AddrAdd(l, addr); err != nil {
			return fmt.Errorf("add address %s: %w", a, err)
		}
	}
	if err := h.LinkSetUp(l); err != nil {
		return fmt.Errorf("bring up: %w", err)
	}
	if t := n.tunnelOf(f); t != nil && t.Kind != "vxlan" {
		return nil // it leads to one neighbour, which has no link address
	}
	// Pinned neighbours keep ARP and neighbour discovery off the wire.
	for _, o := range f.Neighbours() {
		for _, a := range o.Addrs {
			family := netlink.FAMILY_V4
			if a.Addr().Is6() {
				family = netlink.FAMILY_V6
			}
			if err := h.NeighSet(&netlink.Neigh{LinkIndex: n.index[f.Dev], State: netlink.NUD_PERMANENT, Family: family,
				IP: a.Addr().AsSlice(), HardwareAddr: o.MAC[:]}); err != nil {
				return fmt.Errorf("pin neighbour %s: %w", a.Addr(), err)
			}
		}
	}
	return nil
}

func (n *Node) link(f *plan.Iface) netlink.Link {
	return &netlink.GenericLink{LinkAttrs: netlink.LinkAttrs{Index: n.index[f.Dev], Name: f.Dev}}
}

func ipNet(p netip.Prefix) *net.IPNet {
	return &net.IPNet{IP: p.Addr().AsSlice(), Mask: net.CIDRMask(p.Bits(), p.Addr().BitLen())}
}
