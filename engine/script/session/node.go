//go:build linux

package session

import (
	"errors"
	"io"
	"net/netip"

	"netrepro/engine/host/socket"
	"netrepro/engine/lab/firewall"
	"netrepro/engine/lab/node"
	"netrepro/engine/lab/topology"
	"netrepro/engine/match/value"
	"netrepro/engine/script/vm"
)

// Node is a live node as scripts see it.
type Node struct {
	*node.Node
	Run       *Run
	Endpoints *socket.Host
	Rules     *firewall.Table

	held []io.Closer
	slots
}

// NewNode makes n known to scripts.
func NewNode(r *Run, n *node.Node) *Node {
	return &Node{Node: n, Run: r, Endpoints: socket.NewHost(n.Name, n.NS, n.Addrs()...), Rules: firewall.New(n.NS)}
}

// Hold has x closed with the node.
func (n *Node) Hold(x io.Closer) { n.held = append(n.held, x) }

// Close ends what scripts started on the node.
func (n *Node) Close() error {
	errs := []error{n.Endpoints.Close(), n.Rules.Close()}
	for _, c := range n.held {
		errs = append(errs, c.Close())
	}
	return errors.Join(errs...)
}

// Addrs are its addresses.
func (n *Node) Addrs() []netip.Addr {
	return n.Node.Addrs()
}

// Has reports whether it has an IP version.
func (n *Node) Has(six bool) bool { return n.Address(six).IsValid() }

// Dev is its device on the named wire, VLAN or tunnel.
func (n *Node) Dev(wire string) (string, bool) {
	if f := n.Iface(wire); f != nil && wire != "" {
		return f.Dev, true
	}
	return "", false
}

// Address is its first address of an IP version, invalid if it has none.
func (n *Node) Address(six bool) netip.Addr {
	for _, a := range n.Addrs() {
		if a.Is6() == six {
			return a
		}
	}
	return netip.Addr{}
}

// Party is the node as a match sees it.
func (n *Node) Party() *value.Party { return &value.Party{Name: n.Name, Addrs: n.Addrs()} }

// Class is Host, Router or Switch.
func (n *Node) Class() *vm.Class {
	switch n.Kind {
	case topology.Router:
		return Router
	case topology.Switch:
		return Switch
	}
	return Host
}
