//go:build linux

package node

import (
	"fmt"
	"net"

	"golang.zx2c4.com/wireguard/wgctrl"
	"golang.zx2c4.com/wireguard/wgctrl/wgtypes"
)

// wireguardPort is where WireGuard is sent.
const wireguardPort = 51820

// Keys are the keys of the two ends of a tunnel.
type Keys [2]wgtypes.Key

// NewKeys draws keys for both ends. They are of no other use than this tunnel's:
// what they hide is in the trace of the wires around it.
func NewKeys() (keys Keys, err error) {
	for i := range keys {
		if keys[i], err = wgtypes.GeneratePrivateKey(); err != nil {
			return keys, fmt.Errorf("draw key: %w", err)
		}
	}
	return keys, nil
}

// wireguard gives the device of one end of a tunnel its keys and its peer.
func (n *Node) wireguard(dev string, keys Keys, side int, remote net.IP) error {
	port := wireguardPort
	mine, peer := keys[side], keys[1-side].PublicKey()
	return n.NS.Do(func() error {
		c, err := wgctrl.New()
		if err != nil {
			return fmt.Errorf("open WireGuard's settings: %w", err)
		}
		defer c.Close()
		all := []net.IPNet{{IP: net.IPv4zero, Mask: net.CIDRMask(0, 32)},
			{IP: net.IPv6zero, Mask: net.CIDRMask(0, 128)}}
		err = c.ConfigureDevice(dev, wgtypes.Config{PrivateKey: &mine, ListenPort: &port, ReplacePeers: true,
			Peers: []wgtypes.PeerConfig{{PublicKey: peer, Endpoint: &net.UDPAddr{IP: remote, Port: port},
				ReplaceAllowedIPs: true, AllowedIPs: all}}})
		if err != nil {
			return fmt.Errorf("set up WireGuard device %s: %w", dev, err)
		}
		return nil
	})
}
