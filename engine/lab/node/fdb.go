//go:build linux

package node

import (
	"errors"
	"fmt"
	"net"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"netrepro/engine/lab/topology/plan"
)

// FDBEntry is where a switch has learned that a MAC address is.
type FDBEntry struct {
	MAC  net.HardwareAddr
	Wire string
	VLAN int // 0 where the switch has none
}

// FDB lists what a switch has learned.
func (n *Node) FDB() ([]FDBEntry, error) {
	var out []FDBEntry
	err := n.learned(func(f *plan.Iface, e *netlink.Neigh, _ *netlink.Handle) error {
		out = append(out, FDBEntry{MAC: e.HardwareAddr, Wire: f.Wire.Name, VLAN: f.Access()})
		return nil
	})
	return out, err
}

// ForgetFDB has a switch forget what it has learned.
func (n *Node) ForgetFDB() error {
	return n.learned(func(f *plan.Iface, e *netlink.Neigh, h *netlink.Handle) error {
		err := h.NeighDel(&netlink.Neigh{LinkIndex: n.index[f.Dev], Family: unix.AF_BRIDGE,
			Flags: netlink.NTF_MASTER, HardwareAddr: e.HardwareAddr})
		if err != nil && !errors.Is(err, unix.ENOENT) {
			return fmt.Errorf("switch %s: forget %s: %w", n.Name, e.HardwareAddr, err)
		}
		return nil
	})
}

// learned hands out what the ports of a switch have learned.
func (n *Node) learned(f func(*plan.Iface, *netlink.Neigh, *netlink.Handle) error) error {
	h, err := Netlink(n.NS)
	if err != nil {
		return err
	}
	defer h.Close()
	for _, port := range n.Ports() {
		entries, err := h.NeighList(n.index[port.Dev], unix.AF_BRIDGE)
		if err != nil {
			return fmt.Errorf("switch %s: read what it has learned: %w", n.Name, err)
		}
		for i := range entries {
			e := &entries[i]
			own := e.State&(netlink.NUD_PERMANENT|netlink.NUD_NOARP) != 0 // of the switch itself
			if e.LinkIndex != n.index[port.Dev] || own || e.MasterIndex == 0 {
				continue
			}
			if err := f(port, e, h); err != nil {
				return err
			}
		}
	}
	return nil
}
