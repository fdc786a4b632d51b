package extent

import "testing"

// TestExtent sends ranges, new ones and such that were sent before.
func TestExtent(t *testing.T) {
	type sent struct {
		seq  uint32
		size int
	}
	const base = ^uint32(0) - 150 // numbers go on from 0
	for _, tt := range []struct {
		name  string
		fresh []sent
		again []sent
		want  int
	}{
		{"all was captured", []sent{{0, 100}, {100, 100}}, []sent{{0, 100}, {50, 100}}, 0},
		{"a hole is filled", []sent{{0, 100}, {200, 100}}, []sent{{100, 100}}, 100},
		{"a hole is filled twice", []sent{{0, 100}, {200, 100}}, []sent{{100, 100}, {100, 100}}, 100},
		{"from its middle", []sent{{0, 100}, {400, 100}}, []sent{{200, 50}, {100, 100}, {250, 150}}, 300},
		{"with what was there", []sent{{0, 100}, {200, 100}}, []sent{{50, 200}}, 100},
		{"two at once", []sent{{0, 100}, {200, 100}, {400, 100}}, []sent{{0, 500}}, 200},
	} {
		var e Extent
		for _, s := range tt.fresh {
			e.New(base+s.seq, s.size)
		}
		n := 0
		for _, s := range tt.again {
			n += e.Again(base+s.seq, s.size)
		}
		if n != tt.want {
			t.Errorf("%s: %d, want %d", tt.name, n, tt.want)
		}
	}
}
