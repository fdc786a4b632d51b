//go:build linux

package words

import (
	"net/netip"
	"slices"
	"strconv"
	"strings"
)

// ParseUint reads a number of so many bits, decimal or with 0x hexadecimal.
func ParseUint(w string, bits int) (uint64, error) {
	if hex, ok := strings.CutPrefix(w, "0x"); ok {
		return strconv.ParseUint(hex, 16, bits)
	}
	return strconv.ParseUint(w, 10, bits)
}

// Ports reads PORT or PORT-PORT, the first of the range and the last.
func Ports(w string) (*[2]uint16, error) {
	from, to, ranged := strings.Cut(w, "-")
	if !ranged {
		to = from
	}
	a, aerr := strconv.ParseUint(from, 10, 16)
	b, berr := strconv.ParseUint(to, 10, 16)
	if aerr != nil || berr != nil || a == 0 || a > b {
		return nil, Wrong(w, "%q is not a port or a range of ports", w)
	}
	return &[2]uint16{uint16(a), uint16(b)}, nil
}

// Endpoint reads ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT, and a range of ports.
func Endpoint(w string) (a netip.Addr, ports *[2]uint16, err error) {
	text, rest := w, ""
	switch {
	case strings.HasPrefix(w, "["):
		end := strings.IndexByte(w, ']')
		if end < 0 {
			return a, nil, Wrong(w, "%q is not an address", w)
		}
		text, rest = w[1:end], w[end+1:]
	case strings.Count(w, ":") == 1:
		text, rest, _ = strings.Cut(w, ":")
		rest = ":" + rest
	}
	if a, err = netip.ParseAddr(text); err != nil {
		return a, nil, Wrong(w, "%q is not an address", w)
	}
	if rest == "" {
		return a, nil, nil
	}
	if rest[0] != ':' {
		return a, nil, Wrong(w, "%q is not an address and a port", w)
	}
	ports, err = Ports(strings.TrimPrefix(rest, ":"))
	return a, ports, err
}

// Addresses are the first and the last of an address, a prefix or a range, of
// addresses of so many bits; ok is false if w is none of these.
func Addresses(w string, size int) (lo, hi []byte, ok bool) {
	if from, to, ranged := strings.Cut(w, "-"); ranged {
		a, aerr := netip.ParseAddr(from)
		b, berr := netip.ParseAddr(to)
		ok = aerr == nil && berr == nil && a.BitLen() == size && b.BitLen() == size && !b.Less(a)
		return a.AsSlice(), b.AsSlice(), ok
	}
	p, err := netip.ParsePrefix(w)
	if a, aerr := netip.ParseAddr(w); aerr == nil {
		p, err = netip.PrefixFrom(a, a.BitLen()), nil
	}
	if err != nil || p.Addr().BitLen() != size {
		return nil, nil, false
	}
	lo = p.Masked().Addr().AsSlice()
	hi = slices.Clone(lo)
	for i := p.Bits(); i < size; i++ {
		hi[i/8] |= 0x80 >> (i % 8)
	}
	return lo, hi, true
}
