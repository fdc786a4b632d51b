//go:build linux

package lab

import (
	"fmt"
	"netrepro/engine/topo"

	"github.com/vishvananda/netlink"
	"github.com/vishvananda/netlink/nl"
	"golang.org/x/sys/unix"
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
func (n *Node) port(h *netlink.Handle, f *topo.Iface, made map[int]netlink.Link) error {
	v := f.Access()
	if made[v] == nil {
		attrs := netlink.NewLinkAttrs()
		attrs.Name = BridgeName(v)
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

// awaitPorts waits until every port forwards: the kernel learns of their
// carriers from a work queue of its own, and drops what comes before.
func (n *Node) awaitPorts(h *netlink.Handle, news *nl.NetlinkSocket) error {
	for _, f := range n.Ports() {
		for {
			l, err := h.LinkByIndex(n.index[f.Dev])
			if err != nil {
				return fmt.Errorf("switch %s: read port %s: %w", n.Name, f.Dev, err)
			}
			if l.Attrs().OperState == netlink.OperUp {
				break
			}
			if _, _, err := news.Receive(); err != nil {
				return fmt.Errorf("switch %s: port %s does not come up: %w", n.Name, f.Dev, err)
			}
		}
	}
	return nil
}

// BridgeName is the bridge of a switch that has a VLAN's ports.
func BridgeName(vlan int) string { return fmt.Sprintf("br%d", vlan) }
