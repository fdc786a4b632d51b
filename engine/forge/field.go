package forge

import (
	"fmt"
	"net"
	"net/netip"
	"slices"

	"netrepro/engine/packet"
)

// Layer is what a field belongs to.
type Layer uint8

// Layers. IP is either version, Ports is TCP or UDP.
const (
	Ether Layer = iota
	VLAN
	IP
	IPv4
	IPv6
	Ports
	TCP
	UDP
	ICMP
)

var layerNames = [...]string{"Ethernet", "an 802.1Q tag", "IP", "IPv4", "IPv6", "TCP or UDP", "TCP", "UDP", "ICMP"}

// String names the layer.
func (y Layer) String() string { return layerNames[y] }

// Type says how a field is written.
type Type uint8

// Types of field.
const (
	Number Type = iota // up to Max
	Bool               // set or not, there or not
	Flags              // as tcpdump writes them
	Address
	Hardware // a MAC address
)

// Value is what a field holds: N for numbers and flags, 0 or 1 for Bool.
type Value struct {
	N    uint64
	Addr netip.Addr
	MAC  [6]byte
}

// Field is one header field of one layer.
type Field struct {
	Name  string
	Layer Layer
	Type  Type
	Max   uint64 // of a Number
	Doc   string
	// ReadOnly fields follow from others.
	ReadOnly bool
	// Option fields are TCP options, which can be stripped.
	Option bool

	get func(b []byte, l *Layout) (Value, bool)
	set func(b []byte, l *Layout, v Value) bool
	off func(b []byte, l *Layout) bool // strips it
}

// Get reads the field; ok is false if the frame does not have it.
func (f *Field) Get(b []byte, l *Layout) (Value, bool) {
	if !l.has(f.Layer) {
		return Value{}, false
	}
	return f.get(b, l)
}

// Set writes the field in place; it reports false if the frame does not have
// it. Checksums are not mended: see [Edit].
func (f *Field) Set(b []byte, l *Layout, v Value) bool {
	return l.has(f.Layer) && f.set != nil && f.set(b, l, v)
}

// Strip takes a TCP option away; it reports false if there was none.
func (f *Field) Strip(b []byte, l *Layout) bool { return l.has(f.Layer) && f.off != nil && f.off(b, l) }

// FieldNamed finds a field, nil if there is none of that name.
func FieldNamed(name string) *Field {
	i := slices.IndexFunc(Fields, func(f *Field) bool { return f.Name == name })
	if i < 0 {
		return nil
	}
	return Fields[i]
}

// number is a field of width bits, its last bit shift bits above the last bit
// of the bytes that hold it, which begin at offset of where.
func number(name string, y Layer, where func(*Layout) int, offset, bytes int, shift, width uint, doc string) *Field {
	top := uint64(1)<<width - 1
	read := func(b []byte) (n uint64) {
		for _, c := range b {
			n = n<<8 | uint64(c)
		}
		return n
	}
	return &Field{Name: name, Layer: y, Type: Number, Max: top, Doc: doc,
		get: func(b []byte, l *Layout) (Value, bool) {
			at := where(l) + offset
			if at+bytes > len(b) {
				return Value{}, false
			}
			return Value{N: read(b[at:at+bytes]) >> shift & top}, true
		},
		set: func(b []byte, l *Layout, v Value) bool {
			at := where(l) + offset
			if at+bytes > len(b) {
				return false
			}
			n := read(b[at:at+bytes])&^(top<<shift) | v.N&top<<shift
			for i := bytes - 1; i >= 0; i-- {
				b[at+i] = byte(n)
				n >>= 8
			}
			return true
		}}
}

func start(*Layout) int     { return 0 }
func vlan(l *Layout) int    { return l.VLAN }
func network(l *Layout) int { return l.Net }
func trans(l *Layout) int   { return l.Trans }
func frag(l *Layout) int    { return l.Frag }
func proto(l *Layout) int   { return l.next }

// bit makes a field of one bit a yes or no.
func bit(f *Field) *Field {
	f.Type = Bool
	return f
}

// derived makes a field one that only matches can ask for.
func derived(f *Field) *Field {
	f.ReadOnly, f.set = true, nil
	return f
}

// either is a field that stands elsewhere in IPv4 and IPv6.
func either(name, doc string, four, six *Field) *Field {
	pick := func(l *Layout) *Field {
		if l.Version == 4 {
			return four
		}
		return six
	}
	return &Field{Name: name, Layer: IP, Type: four.Type, Max: four.Max, Doc: doc,
		get: func(b []byte, l *Layout) (Value, bool) { return pick(l).get(b, l) },
		set: func(b []byte, l *Layout, v Value) bool { return pick(l).set(b, l, v) }}
}

// fragmentField is a field that stands in every IPv4 header, and in IPv6 in the
// fragment header (RFC 8200, section 4.5), which only fragments have.
func fragmentField(name, doc string, four, six *Field) *Field {
	f := either(name, doc, four, six)
	get, set := f.get, f.set
	there := func(l *Layout) bool { return l.Version == 4 || l.Frag >= 0 }
	f.get = func(b []byte, l *Layout) (Value, bool) {
		if !there(l) {
			return Value{}, false
		}
		return get(b, l)
	}
	f.set = func(b []byte, l *Layout, v Value) bool { return there(l) && set(b, l, v) }
	return f
}

func address(name string, four, six int, doc string) *Field {
	span := func(b []byte, l *Layout) []byte {
		if l.Version == 4 {
			return b[l.Net+four : l.Net+four+4]
		}
		return b[l.Net+six : l.Net+six+16]
	}
	return &Field{Name: name, Layer: IP, Type: Address, Doc: doc,
		get: func(b []byte, l *Layout) (Value, bool) {
			a, ok := netip.AddrFromSlice(span(b, l))
			return Value{Addr: a}, ok
		},
		set: func(b []byte, l *Layout, v Value) bool {
			to := span(b, l)
			if v.Addr.BitLen() != len(to)*8 {
				return false
			}
			copy(to, v.Addr.AsSlice())
			return true
		}}
}

func hardware(name string, at int, doc string) *Field {
	return &Field{Name: name, Layer: Ether, Type: Hardware, Doc: doc,
		get: func(b []byte, _ *Layout) (Value, bool) {
			if len(b) < etherSize {
				return Value{}, false
			}
			return Value{MAC: [6]byte(b[at : at+6])}, true
		},
		set: func(b []byte, _ *Layout, v Value) bool {
			return len(b) >= etherSize && copy(b[at:], v.MAC[:]) == 6
		}}
}

// option is a number in a TCP option, at bytes behind its kind.
func option(name string, kind byte, at, bytes int, doc string) *Field {
	n := number(name, TCP, start, at, bytes, 0, uint(bytes)*8, doc)
	get, set := n.get, n.set
	n.Option = true
	n.get = func(b []byte, l *Layout) (Value, bool) {
		o := l.option(b, kind, at+bytes)
		if o == nil {
			return Value{}, false
		}
		return get(o, l)
	}
	n.set = func(b []byte, l *Layout, v Value) bool {
		o := l.option(b, kind, at+bytes)
		return o != nil && set(o, l, v)
	}
	n.off = func(b []byte, l *Layout) bool { return l.strip(b, kind) }
	return n
}

// present is whether there is a TCP option, which can be stripped but not made.
func present(name string, kind byte, doc string) *Field {
	return &Field{Name: name, Layer: TCP, Type: Bool, Option: true, Doc: doc,
		get: func(b []byte, l *Layout) (Value, bool) {
			v := Value{}
			if l.option(b, kind, 2) != nil {
				v.N = 1
			}
			return v, true
		},
		set: func([]byte, *Layout, Value) bool { return false },
		off: func(b []byte, l *Layout) bool { return l.strip(b, kind) }}
}

// Fields are all header fields that can be matched and, but for those that
// follow from others, written. Numbers are as on the wire, except where packet
// numbering is relative to a connection: that is for those who know one.
var Fields = []*Field{
	hardware("src_mac", 6, "source MAC address"),
	hardware("dst_mac", 0, "destination MAC address"),
	number("ether_type", Ether, start, 12, 2, 0, 16, "EtherType, or that of the 802.1Q tag"),
	number("vlan", VLAN, vlan, 2, 2, 0, 12, "VLAN of the 802.1Q tag"),
	number("pcp", VLAN, vlan, 2, 2, 13, 3, "priority of the 802.1Q tag"),
	address("src", 12, 8, "source address"),
	address("dst", 16, 24, "destination address"),
	either("ttl", "time to live, or hop limit", number("", IP, network, 8, 1, 0, 8, ""), number("", IP, network, 7, 1, 0, 8, "")),
	either("dscp", "differentiated services code point (RFC 2474)", number("", IP, network, 1, 1, 2, 6, ""), number("", IP, network, 0, 2, 6, 6, "")),
	either("ecn", "explicit congestion notification: 0 not capable, 1 and 2 capable, 3 congestion (RFC 3168)", number("", IP, network, 1, 1, 0, 2, ""), number("", IP, network, 0, 2, 4, 2, "")),
	derived(either("ip_len", "length of the IP packet", number("", IP, network, 2, 2, 0, 16, ""), payloadLength)),
	number("ip_id", IPv4, network, 4, 2, 0, 16, "identification"),
	bit(number("df", IPv4, network, 6, 1, 6, 1, "don't fragment")),
	fragmentField("mf", "more fragments", bit(number("", IPv4, network, 6, 1, 5, 1, "")), bit(number("", IPv6, frag, 3, 1, 0, 1, ""))),
	fragmentField("frag_offset", "fragment offset, in units of 8 bytes", number("", IPv4, network, 6, 2, 0, 13, ""), number("", IPv6, frag, 2, 2, 3, 13, "")),
	number("flow_label", IPv6, network, 0, 4, 0, 20, "flow label"),
	number("proto", IP, proto, 0, 1, 0, 8, "transport protocol number"),
	number("sport", Ports, trans, 0, 2, 0, 16, "source port"),
	number("dport", Ports, trans, 2, 2, 0, 16, "destination port"),
	number("seq", TCP, trans, 4, 4, 0, 32, "sequence number"),
	number("ack", TCP, trans, 8, 4, 0, 32, "acknowledgement number"),
	flags(number("flags", TCP, trans, 13, 1, 0, 8, `TCP flags as tcpdump writes them: "S", "P."`)),
	number("win", TCP, trans, 14, 2, 0, 16, "window as on the wire, unscaled"),
	number("urgent", TCP, trans, 18, 2, 0, 16, "urgent pointer"),
	option("mss", packet.TCPOptMSS, 2, 2, "maximum segment size option"),
	option("wscale", packet.TCPOptWScale, 2, 1, "window scale option: the shift"),
	option("tsval", packet.TCPOptTimestamps, 2, 4, "timestamp option: the sender's clock"),
	option("tsecr", packet.TCPOptTimestamps, 6, 4, "timestamp option: the clock it echoes"),
	present("timestamps", packet.TCPOptTimestamps, "there is a timestamp option"),
	present("sack_permitted", packet.TCPOptSACKPermitted, "there is a SACK-permitted option"),
	present("sack", packet.TCPOptSACK, "there is a SACK option"),
	number("icmp_type", ICMP, trans, 0, 1, 0, 8, "ICMP or ICMPv6 type"),
	number("icmp_code", ICMP, trans, 1, 1, 0, 8, "ICMP or ICMPv6 code"),
	number("icmp_id", ICMP, trans, 4, 2, 0, 16, "identifier of an echo"),
	number("icmp_seq", ICMP, trans, 6, 2, 0, 16, "sequence number of an echo; MTU of fragmentation needed"),
}

var payloadLength = &Field{get: func(b []byte, l *Layout) (Value, bool) {
	return Value{N: uint64(be.Uint16(b[l.Net+4:])) + ip6Size}, true
}}

func flags(f *Field) *Field {
	f.Type = Flags
	return f
}

// String writes a value of f as scripts do.
func (f *Field) String(v Value) string {
	switch f.Type {
	case Bool:
		return fmt.Sprint(v.N != 0)
	case Flags:
		return fmt.Sprintf("%q", packet.TCPFlags(v.N).String())
	case Address:
		return fmt.Sprintf("%q", v.Addr)
	case Hardware:
		return fmt.Sprintf("%q", net.HardwareAddr(v.MAC[:]))
	}
	return fmt.Sprint(v.N)
}
