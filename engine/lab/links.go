//go:build linux

package lab

import (
	"fmt"
	"net"
	"net/netip"
	"runtime"

	"github.com/vishvananda/netlink"
	"golang.org/x/sync/errgroup"

	"netrepro/engine/lab/netns"
	"netrepro/engine/lab/node"
	"netrepro/engine/lab/topology"
	"netrepro/engine/lab/topology/plan"
	"netrepro/engine/lab/wire"
	"netrepro/engine/trace"
)

// connect makes the links of every wire and returns those the relay serves.
func (l *Lab) connect() (specs []wire.Spec, points []*trace.Point, err error) {
	var g errgroup.Group
	made := make([][2]wire.End, len(l.Plan.Wires))
	hands := runtime.NumCPU()
	for hand := range hands {
		g.Go(func() error {
			h, err := node.Netlink(l.engine)
			if err != nil {
				return err
			}
			defer h.Close()
			for i := hand; i < len(made); i += hands {
				if made[i], err = l.link(h, i); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := g.Wait(); err != nil {
		return nil, nil, err
	}
	for i, w := range l.Plan.Wires {
		if w.Direct {
			continue
		}
		for side := range w.Ends {
			made[i][side].Point.Index = len(points)
			points = append(points, made[i][side].Point)
		}
		for _, e := range made[i] {
			l.taps[w] = append(l.taps[w], e.Devices()...)
		}
		specs = append(specs, wire.Spec{Name: w.Name, Ends: made[i], Props: wire.Props{Delay: w.Delay, Jitter: w.Jitter,
			Rate: w.Rate, QueueBytes: w.QueueBytes, QueuePackets: w.QueuePackets}})
	}
	return specs, points, nil
}

// link makes the links of wire number i.
func (l *Lab) link(h *netlink.Handle, i int) (ends [2]wire.End, err error) {
	w := l.Plan.Wires[i]
	if w.Direct {
		return ends, direct(w, [2]*netns.NS{l.Node(w.Nodes[0]).NS, l.Node(w.Nodes[1]).NS})
	}
	for side, f := range w.Ends {
		e := &ends[side]
		for _, d := range w.Ports(side) {
			index, err := tap(h, fmt.Sprintf("w%d%c%d", i, 'a'+side, d.VLAN), d, l.Node(f.Node.Name).NS)
			if err != nil {
				return ends, err
			}
			if d.VLAN == 0 {
				e.Ifindex = index
				continue
			}
			if e.Taps == nil {
				e.Taps = map[uint16]int{}
			}
			e.Taps[uint16(d.VLAN)] = index
		}
		var addrs []netip.Addr
		for _, d := range w.Ports(side) {
			for _, a := range d.Addrs {
				addrs = append(addrs, a.Addr())
			}
		}
		ends[side].Point = &trace.Point{Node: f.Node.Name, Wire: w.Name, Far: f.Peer().Node.Name,
			Hub: f.Node.Kind == topology.Switch, Dev: f.Dev, MTU: f.MTU, MAC: f.MAC, Addrs: addrs}
	}
	return ends, nil
}

// tap makes the veth pair between the engine and one end of a wire. The
// engine's side takes frames of any size; the wire itself drops what is larger
// than the receiver's MTU, and records it. It returns the engine's ifindex.
func tap(engine *netlink.Handle, name string, f *plan.Iface, ns *netns.NS) (int, error) {
	attrs := netlink.NewLinkAttrs()
	attrs.Name, attrs.MTU, attrs.Flags = name, topology.MaxMTU, net.FlagUp
	attrs.NumTxQueues, attrs.NumRxQueues = 1, 1
	v := netlink.NewVeth(attrs)
	v.PeerName, v.PeerNamespace, v.PeerMTU = f.Dev, netlink.NsFd(ns.Fd()), uint32(f.MTU)
	v.PeerHardwareAddr = f.MAC[:]
	v.PeerNumTxQueues, v.PeerNumRxQueues = 1, 1
	if err := engine.LinkAdd(v); err != nil {
		return 0, fmt.Errorf("wire %s: create link for %s: %w", f.Wire.Name, f.Node.Name, err)
	}
	return v.Index, nil
}

// direct makes the plain veth pair of a direct wire.
func direct(w *plan.Wire, nodes [2]*netns.NS) error {
	h, err := node.Netlink(nodes[0])
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

// awaitDirect waits until the devices of direct wires pass frames: the first one
// of the two that is brought up has no carrier yet.
func (l *Lab) awaitDirect() error {
	for _, w := range l.Plan.Wires {
		if !w.Direct {
			continue
		}
		for _, f := range w.Ends {
			if err := l.Node(f.Node.Name).AwaitDirect(f); err != nil {
				return err
			}
		}
	}
	return nil
}
