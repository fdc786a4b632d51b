package tcp

import (
	"math/rand/v2"
	"net/netip"
	"slices"
	"testing"
	"time"

	"netrepro/engine/packet"
)

// TestSackRuns reports segments to have arrived in every order, while others fill
// holes and are acknowledged: passing over what is known misses nothing.
func TestSackRuns(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		var s Sender
		base := r.Uint32()
		at := func(n int) uint32 { return base + uint32(10*n) }
		s.Sent(&packet.Packet{Proto: packet.ProtoTCP, Flags: packet.ACK, Seq: base, PayloadLen: 1}, 0)
		for step := range 200 {
			before := make(map[uint32]bool)
			for _, g := range s.segs {
				before[g.start] = g.sacked
			}
			var blocks []packet.Block
			switch n := r.IntN(100); r.IntN(6) {
			case 0, 1:
				s.Sent(&packet.Packet{Proto: packet.ProtoTCP, Flags: packet.ACK, Seq: at(n), PayloadLen: 10}, time.Duration(step))
				continue
			case 2:
				s.Acknowledged(&packet.Packet{Proto: packet.ProtoTCP, Flags: packet.ACK, Ack: at(n / 8), Window: uint16(step)}, time.Duration(step))
				continue
			default:
				for range 1 + r.IntN(3) {
					l := r.IntN(100)
					blocks = append(blocks, packet.Block{Left: at(l) + uint32(r.IntN(2)), Right: at(l + r.IntN(40))})
				}
			}
			s.sack(blocks)
			var sum uint32
			for i, g := range s.segs {
				want := before[g.start] || slices.ContainsFunc(blocks, func(b packet.Block) bool { return !packet.Before(g.start, b.Left) && !packet.Before(b.Right, g.end) })
				if g.sacked != want {
					t.Fatalf("segment %d, %d to %d: sacked is %v", i, g.start-base, g.end-base, g.sacked)
				}
				if g.sacked {
					sum += g.end - g.start
				}
				for j := range int(g.run) {
					if i+j >= len(s.segs) || !s.segs[i+j].sacked {
						t.Fatalf("segment %d of %d has a run of %d, and %d is not in it", i, len(s.segs), g.run, i+j)
					}
				}
			}
			if sum != s.sacked {
				t.Fatalf("%d bytes are sacked, counted %d", sum, s.sacked)
			}
		}
	}
}

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
			a.Add(&Input{N: n, Point: p, Packet: &packet.Packet{Proto: packet.ProtoTCP, Flags: packet.ACK, Src: host(1), Dst: host(2), SrcPort: uint16(i + 1), DstPort: 80, Seq: 1, PayloadLen: 1}}, &r)
		}
	}
	if a.follower.conns.states != 8*(maxPoints-1) {
		t.Errorf("%d states are counted of 8 connections at %d points", a.follower.conns.states, maxPoints)
	}
	a.follower.conns.states = maxStates + maxPoints
	n++
	for p := range 3 {
		a.Add(&Input{N: n + p, Point: p, Packet: &packet.Packet{Proto: packet.ProtoTCP, Flags: packet.ACK, Src: host(1), Dst: host(2), SrcPort: 9999, DstPort: 80, Seq: 1, PayloadLen: 1}}, &r)
	}
	if len(r.Conn.at) != 1 {
		t.Errorf("beyond the bound it is followed at %d points", len(r.Conn.at))
	}
}

func host(n byte) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, n}) }
