package tuple

import (
	"net/netip"
	"testing"

	"netrepro/engine/packet"
)

func TestReversed(t *testing.T) {
	p := packet.Packet{Src: netip.MustParseAddr("192.0.2.1"), Dst: netip.MustParseAddr("192.0.2.2"), SrcPort: 1,
		DstPort: 2, Proto: 6}
	answer := packet.Packet{Src: p.Dst, Dst: p.Src, SrcPort: 2, DstPort: 1, Proto: 6}
	if a, b := Of(&p), Of(&answer); a == b || a.Reversed() != b || b.Reversed() != a {
		t.Errorf("%v and %v are not each other turned round", a, b)
	}
}

// TestMap holds a map, whose answers are kept, to one that keeps none: with tuples
// that have the same place among the answers.
func TestMap(t *testing.T) {
	m, want := NewMap[int](), map[Tuple]int{}
	key := func(i int) Tuple {
		return Tuple{Src: netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), SrcPort: uint16(i % 3), DstPort: 80,
			Proto: 6}
	}
	for i := range 3000 {
		k := key(i * 7 % 50)
		switch i % 5 {
		case 0, 1:
			m.Set(k, i)
			want[k] = i
		case 2:
			m.Delete(k)
			delete(want, k)
		default:
			got, ok := m.Get(k)
			if w, is := want[k]; ok != is || got != w {
				t.Fatalf("step %d: got %d, %t; want %d, %t", i, got, ok, w, is)
			}
		}
	}
}
