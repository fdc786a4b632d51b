package path

import (
	"slices"
	"testing"
)

// TestSpans joins parts that touch, around the end of all sequence numbers too.
func TestSpans(t *testing.T) {
	const top = 1<<32 - 10
	for name, tt := range map[string]struct {
		add, want spans
	}{
		"apart":                {spans{{30, 40}, {10, 20}}, spans{{10, 20}, {30, 40}}},
		"touching":             {spans{{10, 20}, {20, 30}}, spans{{10, 30}}},
		"over several":         {spans{{10, 20}, {30, 40}, {50, 60}, {15, 55}}, spans{{10, 60}}},
		"within":               {spans{{10, 40}, {20, 30}}, spans{{10, 40}}},
		"in front":             {spans{{30, 40}, {10, 30}}, spans{{10, 40}}},
		"over the last number": {spans{{top, 5}, {5, 9}, {100, 110}}, spans{{top, 9}, {100, 110}}},
	} {
		var all spans
		for _, s := range tt.add {
			all.add(s)
		}
		if !slices.Equal(all, tt.want) {
			t.Errorf("%s: got %v, want %v", name, all, tt.want)
		}
	}
	all := spans{{10, 20}, {30, 40}}
	for _, tt := range []struct {
		s           span
		meet, cover bool
	}{
		{span{0, 10}, false, false}, {span{0, 11}, true, false}, {span{19, 30}, true, false},
		{span{20, 30}, false, false}, {span{10, 20}, true, true}, {span{32, 33}, true, true},
		{span{39, 41}, true, false}, {span{40, 50}, false, false},
	} {
		if all.meet(tt.s) != tt.meet || all.cover(tt.s) != tt.cover {
			t.Errorf("%v: meets %t, covered %t", tt.s, all.meet(tt.s), all.cover(tt.s))
		}
	}
}
