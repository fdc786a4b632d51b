package field

import (
	"net/netip"

	"netrepro/engine/packet/header"
)

// number is a field that holds a number, in a header that begins at where.
func number(name string, y Layer, where func(*header.Layout) int, p header.Bits, doc string) *Field {
	top, offset, size := uint64(1)<<p.Width-1, p.Offset(), p.Size()
	read := func(b []byte) (n uint64) {
		for _, c := range b {
			n = n<<8 | uint64(c)
		}
		return n
	}
	return &Field{Name: name, Layer: y, Type: Number, Max: top, Doc: doc,
		get: func(b []byte, l *header.Layout) (Value, bool) {
			at := where(l) + offset
			if at+size > len(b) {
				return Value{}, false
			}
			return Value{N: read(b[at:at+size]) >> p.Shift & top}, true
		},
		set: func(b []byte, l *header.Layout, v Value) bool {
			at := where(l) + offset
			if at+size > len(b) {
				return false
			}
			n := read(b[at:at+size])&^(top<<p.Shift) | v.N&top<<p.Shift
			for i := size - 1; i >= 0; i-- {
				b[at+i] = byte(n)
				n >>= 8
			}
			return true
		}}
}

func start(*header.Layout) int     { return 0 }
func dot1q(l *header.Layout) int   { return l.VLAN }
func network(l *header.Layout) int { return l.Net }
func trans(l *header.Layout) int   { return l.Trans }
func frag(l *header.Layout) int    { return l.Frag }
func proto(l *header.Layout) int   { return l.Next }

// bit makes a field of one bit a yes or no.
func bit(f *Field) *Field {
	f.Type = Bool
	return f
}

// either is a number that stands elsewhere in IPv4 and IPv6.
func either(name, doc string, four, six header.Bits) *Field {
	return versions(name, doc, number("", IPv4, network, four, ""), number("", IPv6, network, six, ""))
}

// versions is one field of the two that IPv4 and IPv6 have.
func versions(name, doc string, four, six *Field) *Field {
	pick := func(l *header.Layout) *Field {
		if l.Version == 4 {
			return four
		}
		return six
	}
	return &Field{Name: name, Layer: IP, Type: Number, Max: four.Max, Doc: doc,
		get: func(b []byte, l *header.Layout) (Value, bool) { return pick(l).get(b, l) },
		set: func(b []byte, l *header.Layout, v Value) bool { return pick(l).set(b, l, v) }}
}

// fragmentField is a number that stands in every IPv4 header, and in IPv6 in the
// fragment header (RFC 8200, section 4.5), which only fragments have.
func fragmentField(name, doc string, four, six header.Bits) *Field {
	f := versions(name, doc, number("", IPv4, network, four, ""), number("", IPv6, frag, six, ""))
	get, set := f.get, f.set
	there := func(l *header.Layout) bool { return l.Version == 4 || l.Frag >= 0 }
	f.get = func(b []byte, l *header.Layout) (Value, bool) {
		if !there(l) {
			return Value{}, false
		}
		return get(b, l)
	}
	f.set = func(b []byte, l *header.Layout, v Value) bool { return there(l) && set(b, l, v) }
	return f
}

// address is a field that holds an IP address, of either version.
func address(name string, four header.Addr4, six header.Addr6, doc string) *Field {
	span := func(b []byte, l *header.Layout) []byte {
		p := header.Place(four)
		if l.Version == 6 {
			p = six
		}
		at := l.Net + p.Offset()
		return b[at : at+p.Size()]
	}
	return &Field{Name: name, Layer: IP, Type: Address, Doc: doc,
		get: func(b []byte, l *header.Layout) (Value, bool) {
			a, ok := netip.AddrFromSlice(span(b, l))
			return Value{Addr: a}, ok
		},
		set: func(b []byte, l *header.Layout, v Value) bool {
			to := span(b, l)
			if v.Addr.BitLen() != len(to)*8 {
				return false
			}
			copy(to, v.Addr.AsSlice())
			return true
		}}
}

// hardware is a field that holds an Ethernet address.
func hardware(name string, at header.MAC, doc string) *Field {
	return &Field{Name: name, Layer: Ether, Type: Hardware, Doc: doc,
		get: func(b []byte, _ *header.Layout) (Value, bool) {
			if len(b) < header.EthernetSize {
				return Value{}, false
			}
			return Value{MAC: at.Get(b)}, true
		},
		set: func(b []byte, _ *header.Layout, v Value) bool {
			if len(b) < header.EthernetSize {
				return false
			}
			at.Put(b, v.MAC)
			return true
		}}
}

// option is a number in a TCP option.
func option(name string, kind byte, p header.Place, doc string) *Field {
	n := number(name, TCP, start, header.Whole(p), doc)
	size := p.Offset() + p.Size()
	get, set := n.get, n.set
	n.Option = true
	n.get = func(b []byte, l *header.Layout) (Value, bool) {
		o := l.Option(b, kind, size)
		if o == nil {
			return Value{}, false
		}
		return get(o, l)
	}
	n.set = func(b []byte, l *header.Layout, v Value) bool {
		o := l.Option(b, kind, size)
		return o != nil && set(o, l, v)
	}
	n.off = func(b []byte, l *header.Layout) bool { return strip(b, l, kind) }
	return n
}

// present is whether there is a TCP option, which can be stripped but not made.
func present(name string, kind byte, doc string) *Field {
	return &Field{Name: name, Layer: TCP, Type: Bool, Option: true, Doc: doc,
		get: func(b []byte, l *header.Layout) (Value, bool) {
			v := Value{}
			if l.Option(b, kind, header.OptionValue) != nil {
				v.N = 1
			}
			return v, true
		},
		set: func([]byte, *header.Layout, Value) bool { return false },
		off: func(b []byte, l *header.Layout) bool { return strip(b, l, kind) }}
}

// flags makes a field one of TCP flags.
func flags(f *Field) *Field {
	f.Type = Flags
	return f
}

// strip replaces a TCP option by no-operations, as middleboxes do, and reports
// whether there was one.
func strip(b []byte, l *header.Layout, kind byte) bool {
	o := l.Option(b, kind, header.OptionValue)
	for i := range o {
		o[i] = header.TCPOptNop
	}
	return o != nil
}
