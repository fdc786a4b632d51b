// Package frames has frames for tests.
package frames

import (
	"net/netip"
	"testing"

	"netrepro/engine/packet"
	"netrepro/engine/packet/build"
)

// Addresses of hosts in both versions of IP (RFC 5737, RFC 3849).
var (
	A4 = netip.MustParseAddr("192.0.2.1")
	B4 = netip.MustParseAddr("192.0.2.2")
	A6 = netip.MustParseAddr("2001:db8::1")
	B6 = netip.MustParseAddr("2001:db8::2")
)

// Samples are packets of every kind, by name: "tcp4" and "tcp6", a segment with data;
// "syn4", "udp4", "icmp4", "raw4" and so on. They are from port 40000 to port 80, TTL
// 61, and carry "hello", but for the SYN.
func Samples() map[string]build.Packet {
	out := map[string]build.Packet{}
	for name, ends := range map[string][2]netip.Addr{"4": {A4, B4}, "6": {A6, B6}} {
		base := build.Packet{Src: ends[0], Dst: ends[1], SrcPort: 40000, DstPort: 80, Payload: []byte("hello"),
			TTL: 61, TOS: 0x2e<<2 | 1}
		tcp := base
		tcp.Proto, tcp.Seq, tcp.Ack, tcp.Window, tcp.Urgent = packet.ProtoTCP, 7, 9, 500, 3
		tcp.Flags = packet.PSH | packet.ACK
		tcp.Options = build.Options{MSS: -1, WScale: -1, HasTS: true, TSVal: 11, TSEcr: 12,
			SACK: []packet.Block{{Left: 5, Right: 6}}}
		out["tcp"+name] = tcp
		syn := tcp
		syn.Flags, syn.Payload = packet.SYN, nil
		syn.Options = build.Options{MSS: 1460, WScale: 7, SACKPermitted: true, HasTS: true, TSVal: 1}
		out["syn"+name] = syn
		udp := base
		udp.Proto = packet.ProtoUDP
		out["udp"+name] = udp
		icmp := base
		icmp.Proto, icmp.ICMPType, icmp.ICMPRest = packet.ProtoICMP, 8, 0x00010002
		if name == "6" {
			icmp.Proto, icmp.ICMPType = packet.ProtoICMPv6, 128
		}
		out["icmp"+name] = icmp
		raw := base
		raw.Proto = 253
		out["raw"+name] = raw
	}
	return out
}

// Of makes the frame of a packet.
func Of(t testing.TB, p build.Packet) []byte {
	t.Helper()
	b, err := p.Build()
	if err != nil {
		t.Fatal(err)
	}
	return b
}
