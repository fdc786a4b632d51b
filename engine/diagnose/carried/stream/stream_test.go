package stream

import (
	"fmt"
	"strings"
	"testing"
)

// told writes down what a sink is told.
type told struct {
	strings.Builder
	bytes int
}

func (s *told) Take(data []byte, size int, at Place) {
	s.bytes += size
	fmt.Fprintf(s, "%s", data)
	if len(data) < size {
		fmt.Fprintf(s, "[cut %d]", size-len(data))
	}
}

func (s *told) Gap(n int) {
	s.bytes += n
	fmt.Fprintf(s, "[gap %d]", n)
}

func TestOrder(t *testing.T) {
	type seg struct {
		seq  uint32
		data string
		more int // bytes that were not captured
	}
	const max = ^uint32(0)
	tests := []struct {
		name string
		segs []seg
		want string
	}{
		{"in order", []seg{{1, "ab", 0}, {3, "cd", 0}}, "abcd"},
		{"overtaken", []seg{{1, "ab", 0}, {5, "ef", 0}, {3, "cd", 0}}, "abcdef"},
		{"sent again", []seg{{1, "ab", 0}, {1, "ab", 0}, {1, "abcd", 0}, {4, "de", 0}}, "abcde"},
		{"missing for good", []seg{{1, "ab", 0}, {9, "ij", 0}, {12, "l", 0}}, "ab[gap 6]ij[gap 1]l"},
		{"cut by the snap length", []seg{{1, "ab", 4}, {7, "gh", 0}}, "ab[cut 4]gh"},
		{"numbers that wrap around", []seg{{max, "ab", 0}, {3, "ef", 0}, {1, "cd", 0}}, "abcdef"},
		{"held pieces that overlap", []seg{{1, "a", 0}, {5, "efg", 0}, {3, "cdef", 0}, {2, "b", 0}}, "abcdefg"},
		{"before the first", []seg{{10, "j", 0}, {1, "a", 0}, {11, "k", 0}}, "jk"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			o, s := New(NewBudget(1<<20)), &told{}
			for _, g := range tt.segs {
				o.Add(g.seq, len(g.data)+g.more, []byte(g.data), Place{}, s)
			}
			o.Flush(s)
			if got := s.String(); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

// TestBounds holds what waits to its bound, and the budget to what is held.
func TestBounds(t *testing.T) {
	b := NewBudget(1 << 20)
	o, s := New(b), &told{}
	o.Begin(1)
	seg := make([]byte, 1400)
	for i := range 2000 { // the first never comes
		o.Add(uint32(1401+1400*i), len(seg), seg, Place{}, s)
		if o.bytes > maxHeld || len(o.held) > maxPieces || b.left+o.bytes != 1<<20 {
			t.Fatalf("%d bytes in %d pieces are held, %d are left", o.bytes, len(o.held), b.left)
		}
	}
	o.Flush(s)
	if s.bytes != 2001*1400 || b.left != 1<<20 {
		t.Errorf("%d bytes came out, %d of the budget are left", s.bytes, b.left)
	}
	none := New(NewBudget(0))
	s = &told{}
	none.Begin(1)
	none.Add(3, 1, []byte("c"), Place{}, s)
	none.Add(1, 1, []byte("a"), Place{}, s)
	if got := s.String(); got != "[gap 2]c" {
		t.Errorf("without a budget: %s", got)
	}
}

func FuzzOrder(f *testing.F) {
	f.Add([]byte{0, 3, 9, 2, 3, 6})
	f.Fuzz(func(t *testing.T, b []byte) {
		budget := NewBudget(1 << 12)
		o, s := New(budget), &told{}
		for ; len(b) >= 2; b = b[2:] {
			o.Add(uint32(b[0])<<24|uint32(b[0]), int(b[1]), make([]byte, b[1]/2), Place{}, s)
		}
		o.Flush(s)
		if budget.left != 1<<12 || o.bytes != 0 {
			t.Errorf("%d bytes are held, %d left", o.bytes, budget.left)
		}
	})
}
