package tcp

import (
	"net/netip"
	"testing"

	"netrepro/engine/packet"
)

// TestSameAs has a file say of frames that they are one packet which cannot be.
func TestSameAs(t *testing.T) {
	a, b := netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.2")
	of := func(proto uint8, port uint16) *packet.Packet {
		return &packet.Packet{Src: a, Dst: b, SrcPort: port, DstPort: 80, Proto: proto, Flags: packet.SYN, WScale: -1,
			Seq: uint32(port)}
	}
	az := New(Options{})
	az.Describe([]Point{{Name: "a/x"}, {Name: "b/x"}})
	var r Record
	for n := 1; n < 400; n += 2 {
		first, second := of(packet.ProtoUDP, 1), of(packet.ProtoTCP, 1)
		if n > 2 { // a connection that is older than the one it is said to be
			first, second = of(packet.ProtoTCP, uint16(n+2)), of(packet.ProtoTCP, uint16(n))
		}
		az.Add(&Input{N: n, Point: 0, Direction: Out, Packet: first, Paired: true}, &r)
		az.Add(&Input{N: n + 1, Point: 1, Direction: In, Packet: second, SameAs: n, More: true}, &r)
		if r.Copy == n && n < 2 {
			t.Errorf("a segment of TCP is a copy of a datagram")
		}
		if r.Conn != nil && (len(r.Root().points) > maxPoints || len(r.Root().Legs) > maxMembers) {
			t.Fatalf("%d points, %d connections in one", len(r.Root().points), len(r.Root().Legs))
		}
	}
}
