//go:build linux

package session

import "testing"

// TestSlots holds what rooms keep apart: by room, by case and by node.
func TestSlots(t *testing.T) {
	type state struct{ n int }
	made := 0
	a := NewSlot(func(*Run) *state { made++; return &state{} })
	b := NewSlot(func(*Run) *state { return &state{} })
	nodes := NewSlot(func(*Node) *state { return &state{} })
	r, other := &Run{}, &Run{}
	a.Of(r).n, b.Of(r).n = 1, 2
	n, m := &Node{}, &Node{}
	nodes.Of(n).n = 3
	for _, tt := range []struct {
		what      string
		got, want int
	}{
		{"the same room and case", a.Of(r).n, 1}, {"another room", b.Of(r).n, 2}, {"another case", a.Of(other).n, 0},
		{"the same node", nodes.Of(n).n, 3}, {"another node", nodes.Of(m).n, 0}, {"states made", made, 2},
	} {
		if tt.got != tt.want {
			t.Errorf("%s: got %d, want %d", tt.what, tt.got, tt.want)
		}
	}
}

func TestSpare(t *testing.T) {
	for _, harmless := range []bool{false, true} {
		f := Faults{Harmless: harmless}
		if f.Spare() != harmless || (f.Spared() == 1) != harmless {
			t.Errorf("harmless %v: %d faults are spared", harmless, f.Spared())
		}
	}
}
