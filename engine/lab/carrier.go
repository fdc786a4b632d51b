//go:build linux

package lab

import (
	"errors"
	"fmt"
	"net"

	"github.com/vishvananda/netlink"

	"netrepro/engine/lab/node"
	"netrepro/engine/lab/topology/plan"
)

// SetCarrier gives the devices at both ends of a wire their carrier, or takes it
// away.
func (l *Lab) SetCarrier(w *plan.Wire, on bool) error {
	h, err := node.Netlink(l.engine)
	if err != nil {
		return err
	}
	defer h.Close()
	for _, index := range l.taps[w] {
		link := &netlink.GenericLink{LinkAttrs: netlink.LinkAttrs{Index: index}}
		if on {
			err = l.excuse(h, index)
			err = errors.Join(err, h.LinkSetUp(link))
		} else {
			err = h.LinkSetDown(link)
		}
		if err != nil {
			return fmt.Errorf("wire %s: set carrier: %w", w.Name, err)
		}
	}
	return nil
}

// excuse takes what a device that is down has dropped for what a script asked
// for.
func (l *Lab) excuse(h *netlink.Handle, index int) error {
	k, err := h.LinkByIndex(index)
	if err != nil {
		return err
	}
	if a := k.Attrs(); a.Statistics != nil && a.Flags&net.FlagUp == 0 {
		l.excused[index] = a.Statistics.RxDropped + a.Statistics.TxDropped
	}
	return nil
}
