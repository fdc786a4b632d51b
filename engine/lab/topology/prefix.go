package topology

import (
	"net/netip"
	"slices"
)

var everywhere = [...]netip.Prefix{
	netip.PrefixFrom(netip.IPv4Unspecified(), 0), netip.PrefixFrom(netip.IPv6Unspecified(), 0)}

// Everywhere are the default prefixes of the IP versions there are.
func (f Family) Everywhere() []netip.Prefix {
	switch f {
	case IPv6:
		return everywhere[1:]
	case Dual:
		return everywhere[:]
	}
	return everywhere[:1]
}

// Usable reports whether an interface can have the address: further ones may be
// of a host alone.
func Usable(p netip.Prefix) bool {
	a := p.Addr()
	if a.IsUnspecified() || a.IsMulticast() || a.IsLoopback() || a.Is4In6() {
		return false
	}
	if a.Is4() {
		return p.Bits() >= 8 && p.Bits() <= 30 || p.Bits() == 32
	}
	return p.Bits() >= 16 && p.Bits() <= 126 || p.Bits() == 128
}

// Join joins prefixes that together are exactly one shorter prefix.
func Join(in []netip.Prefix) []netip.Prefix {
	out := slices.Clone(in)
	slices.SortFunc(out, func(a, b netip.Prefix) int { return a.Addr().Compare(b.Addr()) })
	out = slices.Compact(out)
	for i := 0; i+1 < len(out); {
		a, b := out[i], out[i+1]
		up := netip.PrefixFrom(a.Addr(), a.Bits()-1).Masked()
		if a.Bits() != b.Bits() || up.Addr() != a.Addr() || !up.Contains(b.Addr()) {
			i++
			continue
		}
		out[i] = up
		out = slices.Delete(out, i+1, i+2)
		i = max(i-1, 0)
	}
	return out
}
