package anonymize_test

import (
	"encoding/binary"
	"net/netip"
	"slices"
	"testing"

	"netrepro/engine/packet"
	"netrepro/engine/packet/build"
	"netrepro/engine/packet/header"
)

// What must not be shown: a word that stands wherever a capture can hold one, addresses,
// and an Ethernet address.
const marker = "zebraquokka"

var (
	client  = netip.MustParseAddr("192.0.2.77")
	server  = netip.MustParseAddr("198.51.100.88")
	client6 = netip.MustParseAddr("2001:db8:77:88:99aa:bbcc:ddee:ff77")
	server6 = netip.MustParseAddr("2001:db8:77:99::88:77")
	inside  = netip.MustParseAddr("10.77.88.99")
	mac     = [6]byte{0x02, 0xde, 0xad, 0xbe, 0xef, 0x01}
	mac2    = [6]byte{0x00, 0x25, 0x90, 0xbe, 0xef, 0x02}
)

// secrets are the bytes that must not be in what is written.
func secrets() [][]byte {
	out := [][]byte{[]byte(marker), mac[:], mac2[:]}
	for _, a := range []netip.Addr{client, server, client6, server6, inside} {
		out = append(out, a.AsSlice(), []byte(a.String()))
	}
	return out
}

func be16(n int) []byte { return binary.BigEndian.AppendUint16(nil, uint16(n)) }

func vec8(b ...byte) []byte { return append([]byte{byte(len(b))}, b...) }

func vec16(b ...byte) []byte { return append(be16(len(b)), b...) }

func vec24(b ...byte) []byte {
	return append([]byte{byte(len(b) >> 16), byte(len(b) >> 8), byte(len(b))}, b...)
}

func word(n int) []byte {
	var b []byte
	for len(b) < n {
		b = append(b, marker...)
	}
	return b[:n]
}

// tlsHello is a record with a client's hello that asks for a name.
func tlsHello(name string) []byte {
	ext := func(kind int, b ...byte) []byte { return append(be16(kind), vec16(b...)...) }
	exts := slices.Concat(ext(0, vec16(append([]byte{0}, vec16([]byte(name)...)...)...)...),
		ext(16, vec16(append(vec8([]byte("h2")...), vec8([]byte(marker)...)...)...)...),
		ext(43, vec8(3, 4, 3, 3)...), ext(0x1234, word(40)...), ext(51, vec16(append(be16(29), vec16(word(32)...)...)...)...))
	body := slices.Concat([]byte{3, 3}, word(32), vec8(word(32)...), vec16(0x13, 1, 0x13, 2), vec8(0), vec16(exts...))
	return append([]byte{22, 3, 1}, vec16(append([]byte{1}, vec24(body...)...)...)...)
}

// tlsCertificate is a record with two certificates.
func tlsCertificate() []byte {
	list := append(vec24(word(300)...), vec24(word(200)...)...)
	return append([]byte{22, 3, 3}, vec16(append([]byte{11}, vec24(vec24(list...)...)...)...)...)
}

// dnsAnswer answers a question about a name with a record of each kind.
func dnsAnswer() []byte {
	label := vec8([]byte(marker)...)
	name := slices.Concat(vec8('w', 'w', 'w'), label, vec8('e', 'x'), []byte{0})
	rr := func(kind int, data []byte) []byte {
		return slices.Concat([]byte{0xc0, 12}, be16(kind), be16(1), []byte{0, 0, 1, 0}, vec16(data...))
	}
	reverse := slices.Concat(vec8([]byte("77")...), vec8('2'), vec8('0'), vec8([]byte("192")...), vec8([]byte("in-addr")...),
		vec8([]byte("arpa")...), []byte{0})
	b := slices.Concat([]byte{0x12, 0x34, 0x81, 0x80}, be16(1), be16(8), be16(0), be16(1), name, be16(1), be16(1))
	return slices.Concat(b, rr(1, client.AsSlice()), rr(28, client6.AsSlice()), rr(5, name),
		rr(16, vec8([]byte(marker)...)),
		rr(65, slices.Concat(be16(1), name, be16(1), vec16(vec8([]byte(marker)...)...))),
		rr(12, reverse), rr(15, append(be16(10), name...)),
		rr(6, slices.Concat(name, name, make([]byte, 20))),
		slices.Concat([]byte{0}, be16(41), be16(1232), make([]byte, 4), vec16(append(be16(10), vec16(word(8)...)...)...)))
}

// maker makes frames.
type maker struct {
	t  testing.TB
	id uint16
}

func (m *maker) build(p build.Packet) []byte {
	m.t.Helper()
	m.id++
	p.SrcMAC, p.DstMAC, p.TTL, p.ID = mac, mac2, 64, m.id
	b, err := p.Build()
	if err != nil {
		m.t.Fatal(err)
	}
	return b
}

// tcp is a segment.
func (m *maker) tcp(port uint16, seq uint32, flags packet.TCPFlags, payload string) []byte {
	return m.build(build.Packet{Src: client, Dst: server, Proto: packet.ProtoTCP, SrcPort: 40000, DstPort: port, Seq: seq,
		Ack: 1, Flags: flags, Window: 500, Options: build.NoOptions, Payload: []byte(payload)})
}

func (m *maker) udp(src, dst uint16, payload []byte) []byte {
	return m.build(build.Packet{Src: client, Dst: server, Proto: packet.ProtoUDP, SrcPort: src, DstPort: dst,
		Payload: payload})
}

func (m *maker) ip(proto uint8, payload []byte) []byte {
	return m.build(build.Packet{Src: client, Dst: server, Proto: proto, Payload: payload})
}

func (m *maker) icmp(kind, code uint8, rest uint32, payload []byte) []byte {
	return m.build(build.Packet{Src: server, Dst: client, Proto: packet.ProtoICMP, ICMPType: kind, ICMPCode: code,
		ICMPRest: rest, Payload: payload})
}

func (m *maker) icmp6(kind uint8, payload []byte) []byte {
	return m.build(build.Packet{Src: client6, Dst: server6, Proto: packet.ProtoICMPv6, ICMPType: kind, Payload: payload})
}

const request = "GET /" + marker + "/index?" + marker + "=1 HTTP/1.1\r\nHost: www." + marker + ".example\r\nCookie: " + marker +
	"\r\nX-" + marker + ": " + marker + "\r\nContent-Length: 5\r\nConnection: close, " + marker + "\r\n\r\n" + marker

// frames are Ethernet frames that hold the marker in each place there is.
func frames(t testing.TB) map[string][]byte {
	m := &maker{t: t}
	ether := func(kind int, b []byte) []byte { return slices.Concat(mac2[:], mac[:], be16(kind), b) }
	http := m.tcp(80, 1, packet.PSH|packet.ACK, request)
	inner := http[header.EthernetSize:]
	arp := slices.Concat(be16(1), be16(0x800), []byte{6, 4}, be16(1), mac[:], client.AsSlice(), mac2[:], server.AsSlice(),
		word(18))
	fragment := m.ip(17, word(64))
	header.IPv4Fragment.Put(fragment[header.EthernetSize:], header.MoreFragments|8)
	header.SetChecksums(fragment)
	route := m.tcp(80, 5, packet.ACK, marker)
	route = slices.Concat(route[:header.EthernetSize+header.IPv4Size], []byte{7, 11, 8}, inside.AsSlice(),
		server.AsSlice(),
		[]byte{0}, route[header.EthernetSize+header.IPv4Size:])
	route[header.EthernetSize] = 0x48
	header.IPv4Length.Put(route[header.EthernetSize:], uint16(len(route)-header.EthernetSize))
	header.SetChecksums(route)
	option := m.tcp(80, 6, packet.SYN, marker+"~~~~~")
	option[header.EthernetSize+header.IPv4Size+header.TCPHead.Offset()] = 0x90 // its payload begins as an option
	copy(option[header.EthernetSize+header.IPv4Size+header.TCPSize:], append([]byte{34, 13}, marker...))
	header.SetChecksums(option)
	return map[string][]byte{
		"http": http, "tls": m.tcp(443, 1, packet.ACK, string(tlsHello("www."+marker+".example"))),
		"certificate": m.tcp(444, 1, packet.ACK, string(tlsCertificate())),
		"plain":       m.tcp(25, 1, packet.ACK, "HELO "+marker+"\r\n"),
		"syn data":    m.tcp(7, 1, packet.SYN, marker), "option": option, "route": route,
		"udp": m.udp(9, 9, word(100)), "dns": m.udp(53, 5000, dnsAnswer()), "no dns": m.udp(53, 53, word(40)),
		"dns tcp": m.tcp(53, 1, packet.ACK, string(vec16(dnsAnswer()...))),
		"echo":    m.icmp(8, 0, 1, word(56)), "quote": m.icmp(3, 1, 0, inner), "short quote": m.icmp(11, 0, 0, inner[:28]),
		"redirect": m.icmp(5, 1, binary.BigEndian.Uint32(inside.AsSlice()), inner[:28]), "timestamp": m.icmp(13, 0, 0, word(12)),
		"solicitation": m.icmp6(135, slices.Concat(server6.AsSlice(), []byte{1, 1}, mac[:])),
		"advertisement": m.icmp6(134, slices.Concat(make([]byte, 8), []byte{1, 1}, mac[:], []byte{3, 4, 64, 0}, make([]byte, 12),
			client6.AsSlice(), []byte{25, 3}, make([]byte, 6), server6.AsSlice(), []byte{31, 4}, make([]byte, 6), word(24))),
		"listeners": m.icmp6(143, slices.Concat([]byte{4, 0, 0, 1}, client6.AsSlice(), server6.AsSlice())),
		"too big":   m.icmp6(2, m.build(build.Packet{Src: client6, Dst: server6, Proto: 17, Payload: word(60)})[14:]),
		"vxlan":     m.udp(5, 4789, slices.Concat([]byte{8, 0, 0, 0, 0, 0, 9, 0}, http)),
		"gtp":       m.udp(2152, 2152, slices.Concat([]byte{0x30, 0xff}, be16(len(inner)), []byte{0, 0, 0, 1}, inner)),
		"no vxlan":  m.udp(4789, 4789, word(50)), "ipip": m.ip(4, inner), "gre": m.ip(47, slices.Concat([]byte{0, 0, 8, 0}, inner)),
		"gre bridge": m.ip(47, slices.Concat([]byte{0, 0, 0x65, 0x58}, http)), "other": m.ip(253, word(30)),
		"fragment": fragment, "arp": ether(0x806, arp), "no arp": ether(0x806, word(40)), "vlan": ether(0x8100,
			slices.Concat([]byte{0, 5, 8, 0}, inner)),
		"mpls": ether(0x8847, slices.Concat([]byte{0, 1, 1, 64}, inner)), "unknown": ether(0x1234, word(40)),
		"pppoe": ether(0x8864, slices.Concat([]byte{0x11, 0, 0, 1}, be16(len(inner)+2), []byte{0, 0x21}, inner)),
		"pap":   ether(0x8864, slices.Concat([]byte{0x11, 0, 0, 1}, be16(30), []byte{0xc0, 0x23}, word(28))),
		"llc":   ether(60, slices.Concat([]byte{0x42, 0x42, 3}, word(50))), "no ip": ether(0x800, word(60)),
		"no ip6": ether(0x86dd, word(60)), "trailer": slices.Concat(m.tcp(80, 9, packet.ACK, ""), word(11)),
		"runt": slices.Concat(mac2[:], word(4)),
	}
}
