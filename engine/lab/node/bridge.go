//go:build linux

package node

import (
	"fmt"
	"time"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"

	"netrepro/engine/lab/netns"
	"netrepro/engine/lab/topology/plan"
)

// bridges make a switch: one bridge for each of its VLANs, which then needs no
// filter, and no kernel that has one.
func (n *Node) bridges(h *netlink.Handle) error {
	news, err := n.subscribe(unix.RTNLGRP_LINK)
	if err != nil {
		return err
	}
	defer news.Close()
	made := map[int]netlink.Link{}
	for _, f := range n.Ports() {
		if err := n.port(h, f, made); err != nil {
			return fmt.Errorf("switch %s: port %s: %w", n.Name, f.Dev, err)
		}
	}
	return n.awaitPorts(h, news)
}

// port makes a device a port of the bridge of its VLAN.
func (n *Node) port(h *netlink.Handle, f *plan.Iface, made map[int]netlink.Link) error {
	v := f.Access()
	if made[v] == nil {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = bridgeName(v)
		snoop := false
		b := &netlink.Bridge{LinkAttrs: attrs, MulticastSnooping: &snoop}
		if err := h.LinkAdd(b); err != nil {
			return fmt.Errorf("create bridge: %w", err)
		}
		if err := h.LinkSetUp(b); err != nil {
			return fmt.Errorf("bring up bridge: %w", err)
		}
		made[v] = b
	}
	l := n.link(f)
	if err := h.LinkSetMaster(l, made[v]); err != nil {
		return fmt.Errorf("join its bridge: %w", err)
	}
	return h.LinkSetUp(l)
}

// awaitPorts waits until every port forwards.
func (n *Node) awaitPorts(h *netlink.Handle, news *nl.NetlinkSocket) error {
	for _, f := range n.Ports() {
		if err := n.awaitPort(h, news, f); err != nil {
			return err
		}
	}
	return nil
}

// awaitPort waits until a device passes frames: the kernel learns of its carrier
// from a work queue of its own, and drops what comes before.
func (n *Node) awaitPort(h *netlink.Handle, news *nl.NetlinkSocket, f *plan.Iface) error {
	for began := time.Now(); ; {
		l, err := h.LinkByIndex(n.index[f.Dev])
		if err != nil {
			return fmt.Errorf("node %s: read device %s: %w", n.Name, f.Dev, err)
		}
		if l.Attrs().OperState == netlink.OperUp {
			return nil
		}
		if err := next(news, began); err != nil {
			return fmt.Errorf("node %s: device %s does not come up: %w", n.Name, f.Dev, err)
		}
	}
}

// AwaitDirect waits until a device of a direct wire passes frames: the first one of
// the two that is brought up has no carrier yet.
func (n *Node) AwaitDirect(f *plan.Iface) error {
	news, err := n.subscribe(unix.RTNLGRP_LINK)
	if err != nil {
		return err
	}
	defer news.Close()
	h, err := Netlink(n.NS)
	if err != nil {
		return err
	}
	defer h.Close()
	return n.awaitPort(h, news, f)
}

// ProbeBridge reports whether the kernel has bridges.
func ProbeBridge(ns *netns.NS) error {
	h, err := Netlink(ns)
	if err != nil {
		return err
	}
	defer h.Close()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = bridgeName(0)
	return h.LinkAdd(&netlink.Bridge{LinkAttrs: attrs})
}

// bridgeName is the bridge of a switch that has a VLAN's ports.
func bridgeName(vlan int) string { return fmt.Sprintf("br%d", vlan) }
