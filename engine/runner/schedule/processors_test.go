//go:build linux

package schedule

import (
	"slices"
	"testing"
)

// TestProcessors spreads cases over processors.
func TestProcessors(t *testing.T) {
	p := &Processors{ids: []int{3, 5, 6}, used: make([]int, 3)}
	set, give := p.Take(1)
	if !set.IsSet(3) || set.Count() != 1 {
		t.Error("the first case is not on the first processor")
	}
	two, giveTwo := p.Take(2)
	if two.IsSet(3) || two.Count() != 2 {
		t.Error("a case of two processors is not on the two that are free")
	}
	give()
	if set, _ := p.Take(1); !set.IsSet(3) {
		t.Error("what was given back is not taken")
	}
	giveTwo()
	if all, give := p.Take(9); all.Count() != 3 {
		t.Errorf("%d processors of 3", all.Count())
	} else if give(); !slices.Equal(p.used, []int{1, 0, 0}) {
		t.Errorf("in use: %v", p.used)
	}
}
