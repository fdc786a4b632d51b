//go:build linux

package node

import (
	"errors"
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"netrepro/engine/lab/netns"
	"netrepro/engine/lab/topology/plan"
)

// vxlanPort is where VXLAN is sent (RFC 7348, section 5).
const vxlanPort = 4789

// dig makes the device of one end of a tunnel.
func (n *Node) dig(h *netlink.Handle, f *plan.Iface) error {
	t := n.tunnelOf(f)
	under, far := t.Under[f.Side], t.Under[1-f.Side]
	six := !under.Addr(false).IsValid()
	local, remote := under.Addr(six).Addr().AsSlice(), far.Addr(six).Addr().AsSlice()
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU = f.Dev, f.MTU
	var l netlink.Link
	switch {
	case t.Kind == "vxlan":
		attrs.HardwareAddr = f.MAC[:]
		l = &netlink.Vxlan{LinkAttrs: attrs, VxlanId: t.ID, SrcAddr: local, Group: remote, Port: vxlanPort,
			Learning: false, UDPCSum: true}
	case t.Kind == "gre":
		l = &netlink.Gretun{LinkAttrs: attrs, Local: local, Remote: remote,
			IKey: uint32(t.ID), OKey: uint32(t.ID), PMtuDisc: 1}
	case t.Kind == "ipip" && six:
		l = &netlink.Ip6tnl{LinkAttrs: attrs, Local: local, Remote: remote, Proto: unix.IPPROTO_IPV6}
	case t.Kind == "ipip":
		l = &netlink.Iptun{LinkAttrs: attrs, Local: local, Remote: remote, PMtuDisc: 1}
	case t.Kind == "wireguard":
		l = &netlink.Wireguard{LinkAttrs: attrs}
	default:
		return fmt.Errorf("a %s tunnel cannot be made", t.Kind)
	}
	if err := h.LinkAdd(l); err != nil {
		return fmt.Errorf("create %s device: %w", t.Kind, err)
	}
	n.index[f.Dev] = l.Attrs().Index
	if t.Kind == "wireguard" {
		if err := n.wireguard(f.Dev, n.keys[t], f.Side, remote); err != nil {
			return err
		}
	}
	if n.Family.Has6() {
		if err := n.silence(h, f); err != nil {
			return err
		}
	}
	return n.bringUp(h, f)
}

func (n *Node) tunnelOf(f *plan.Iface) *plan.Tunnel {
	for _, t := range n.tunnels {
		if t.Ends[f.Side] == f {
			return t
		}
	}
	return nil
}

// ProbeTunnel reports whether the kernel has a kind of tunnel.
func ProbeTunnel(ns *netns.NS, kind string) error {
	h, err := Netlink(ns)
	if err != nil {
		return err
	}
	defer h.Close()
	attrs := netlink.NewLinkAttrs()
	attrs.Name = "probe"
	local, remote := net.IPv4(192, 0, 2, 1), net.IPv4(192, 0, 2, 2)
	links := map[string]netlink.Link{
		"vxlan": &netlink.Vxlan{LinkAttrs: attrs, VxlanId: 1, SrcAddr: local, Group: remote, Port: vxlanPort},
		"gre":   &netlink.Gretun{LinkAttrs: attrs, Local: local, Remote: remote},
		"ipip":  &netlink.Iptun{LinkAttrs: attrs, Local: local, Remote: remote},

		"wireguard": &netlink.Wireguard{LinkAttrs: attrs},
	}
	l := links[kind]
	if l == nil {
		return fmt.Errorf("no kind of tunnel %q", kind)
	}
	if err := h.LinkAdd(l); err != nil {
		if errors.Is(err, unix.EOPNOTSUPP) {
			return fmt.Errorf("this kernel has no %s device", kind)
		}
		return err
	}
	return h.LinkDel(l)
}
