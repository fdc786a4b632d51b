//go:build linux

package kernel

import (
	"fmt"
	"slices"

	"github.com/vishvananda/netlink"
	"golang.org/x/sys/unix"

	"netrepro/engine/kernel/bpf"
	"netrepro/engine/lab/netns"
)

// Ports asks again and again which ports of a namespace are open.
type Ports struct {
	h    *netlink.Handle
	name string
}

// NewPorts begins to ask for the ports of a namespace. Close it.
func NewPorts(ns *netns.NS) (*Ports, error) {
	h, err := diag(ns)
	if err != nil {
		return nil, err
	}
	return &Ports{h, ns.Name()}, nil
}

// Close ends the asking.
func (p *Ports) Close() { p.h.Close() }

// Open reports whether a TCP port is listened on, or a UDP port is open; proto is
// "tcp" or "udp".
func (p *Ports) Open(proto string, port int) (bool, error) {
	for _, family := range []uint8{unix.AF_INET, unix.AF_INET6} {
		list := p.h.SocketDiagTCP
		if proto == "udp" {
			list = p.h.SocketDiagUDP
		}
		sockets, err := list(family)
		if err != nil {
			return false, fmt.Errorf("list %s sockets of %s: %w", proto, p.name, err)
		}
		if slices.ContainsFunc(sockets, func(s *netlink.Socket) bool {
			return int(s.ID.SourcePort) == port && (proto == "udp" || bpf.State(s.State) == "LISTEN")
		}) {
			return true, nil
		}
	}
	return false, nil
}
