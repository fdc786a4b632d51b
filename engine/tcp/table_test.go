package tcp

import (
	"net/netip"
	"testing"

	"netrepro/engine/packet"
)

// TestStates bounds at how many points connections are followed, and gives back
// what those no longer followed had.
func TestStates(t *testing.T) {
	a := New(Options{MaxConns: 8})
	a.Describe(make([]Point, maxPoints))
	var r Record
	n := 0
	for i := range 100 {
		for p := range maxPoints {
			n++
			a.Add(&Input{N: n, Point: p, Packet: &packet.Packet{Proto: packet.ProtoTCP, Flags: packet.ACK, Src: host(1),
				Dst: host(2), SrcPort: uint16(i + 1), DstPort: 80, Seq: 1, PayloadLen: 1}}, &r)
		}
	}
	if a.follower.conns.states != 8*(maxPoints-1) {
		t.Errorf("%d states are counted of 8 connections at %d points", a.follower.conns.states, maxPoints)
	}
	a.follower.conns.states = maxStates + maxPoints
	n++
	for p := range 3 {
		a.Add(&Input{N: n + p, Point: p, Packet: &packet.Packet{Proto: packet.ProtoTCP, Flags: packet.ACK, Src: host(1),
			Dst: host(2), SrcPort: 9999, DstPort: 80, Seq: 1, PayloadLen: 1}}, &r)
	}
	if len(r.Conn.at) != 1 {
		t.Errorf("beyond the bound it is followed at %d points", len(r.Conn.at))
	}
}

func host(n byte) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, n}) }
