package sender

import (
	"math/rand/v2"
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
				s.Sent(&packet.Packet{Proto: packet.ProtoTCP, Flags: packet.ACK, Seq: at(n), PayloadLen: 10},
					time.Duration(step))
				continue
			case 2:
				s.Acknowledged(&packet.Packet{Proto: packet.ProtoTCP, Flags: packet.ACK, Ack: at(n / 8),
					Window: uint16(step)}, time.Duration(step))
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
				want := before[g.start] ||
					slices.ContainsFunc(blocks, func(b packet.Block) bool {
						return !packet.Before(g.start, b.Left) &&
							!packet.Before(b.Right, g.end)
					})
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
