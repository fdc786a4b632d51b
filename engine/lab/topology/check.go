package topology

import (
	"fmt"
	"slices"
	"strings"
)

// ValidName reports whether a node, a wire or a tunnel may be called so.
func ValidName(s string) bool {
	if s == "" || len(s) > 32 {
		return false
	}
	for i, r := range s {
		letter := r == '_' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
		if !letter && (i == 0 || r < '0' || r > '9') {
			return false
		}
	}
	return true
}

// Check reports what is wrong with a node alone. Its errors are *[Error].
func (n *Node) Check() error {
	if !ValidName(n.Name) {
		return Bad(n.Line, n.Name,
			`names are letters, digits and "_", beginning with a letter, at most 32 characters`,
			"node name %q is not usable", n.Name)
	}
	return nil
}

// MTU is the MTU of a link in bytes, the usual one for 0. Its errors are *[Error].
func MTU(mtu, line int, wire string) (int, error) {
	if mtu == 0 {
		mtu = DefaultMTU
	}
	if mtu < MinMTU || mtu > MaxMTU {
		hint := fmt.Sprintf("an MTU is %d to %d bytes; the usual one is %d", MinMTU, MaxMTU, DefaultMTU)
		return 0, Bad(line, fmt.Sprint(mtu), hint, "mtu %d is impossible on wire %q", mtu, wire)
	}
	return mtu, nil
}

// CheckVLANs reports what is wrong with the VLANs of a wire, which has a switch at
// one end at least if it is switched. Its errors are *[Error].
func (w *Wire) CheckVLANs(switched bool) error {
	if (w.VLAN > 0 || len(w.Trunk) > 0) && !switched {
		return Bad(w.Line, "vlan", "put a switch at one end", "wire %q has VLANs, and no switch", w.Name)
	}
	if w.VLAN > 0 && len(w.Trunk) > 0 {
		return Bad(w.Line, "trunk", "leave one of the two out",
			"wire %q has a VLAN of its own, and carries others", w.Name)
	}
	if w.Direct && len(w.Trunk) > 0 {
		return Bad(w.Line, "direct", "leave one of the two out",
			"direct wire %q cannot carry VLANs: nothing tags its frames", w.Name)
	}
	for i, v := range w.Trunk {
		if slices.Contains(w.Trunk[:i], v) {
			return Bad(w.Line, fmt.Sprint(v), "name each VLAN once", "VLAN %d is twice on wire %q", v, w.Name)
		}
	}
	for _, v := range append([]int{w.VLAN}, w.Trunk...) {
		if v < 0 || v > 4094 {
			return Bad(w.Line, fmt.Sprint(v), "a VLAN is 1 to 4094", "VLAN %d is impossible on wire %q", v, w.Name)
		}
	}
	return nil
}

// TunnelKinds are the kinds of tunnel.
var TunnelKinds = []string{"ipip", "gre", "vxlan", "wireguard"}

// Overhead is what a tunnel adds to an IPv4 packet; that of one over IPv6 is 20
// bytes more. GRE is taken to have a key (RFC 2890); WireGuard pads to 16 bytes.
var Overhead = map[string]int{"ipip": 20, "gre": 28, "vxlan": 50, "wireguard": 60}

// Check reports what is wrong with a tunnel in a topology of these IP versions. Its
// errors are *[Error].
func (t *Tunnel) Check(ip Family) error {
	if !slices.Contains(TunnelKinds, t.Kind) {
		return Bad(t.Line, t.Kind, "it is one of: "+strings.Join(TunnelKinds, ", "),
			"%q is not a kind of tunnel", t.Kind)
	}
	if t.Kind == "ipip" && ip == Dual {
		return Bad(t.Line, t.Kind, "take gre, vxlan or wireguard",
			"an ipip tunnel carries one version of IP, and this topology has both")
	}
	return nil
}
