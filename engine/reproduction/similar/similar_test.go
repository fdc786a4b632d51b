package similar_test

import (
	"slices"
	"testing"

	"netrepro/engine/reproduction"
	"netrepro/engine/reproduction/similar"
)

func TestCompare(t *testing.T) {
	base := []string{"  client SYN mss 1460", "  server SYN mss 1460", "  client sends 1:19",
		"  server RST, passive: time-wait or data-after-close", "  client FIN"}
	with := func(i int, l string) []string {
		out := slices.Clone(base)
		out[i] = l
		return out
	}
	for _, tt := range []struct {
		name   string
		got    []string
		check  func(f similar.Flow) bool
		missed bool
	}{
		{"the same", base, func(f similar.Flow) bool { return f.Same && f.Score == 1 }, false},
		{"a surer verdict", with(3, "  server RST, passive: time-wait"), func(f similar.Flow) bool { return f.Same }, false},
		{"another verdict", with(3, "  server RST, active: linger"),
			func(f similar.Flow) bool { return !f.Same && f.Score < 0.9 && len(f.Differs) == 1 }, false},
		{"without the reset", slices.Delete(slices.Clone(base), 3, 4),
			func(f similar.Flow) bool { return f.Score < similar.Enough && f.Differs[0].Run == "" }, false},
		{"one FIN more", append(slices.Clone(base), "  server FIN"),
			func(f similar.Flow) bool { return f.Score > similar.Enough && f.Differs[0].Event == "" }, false},
		{"one FIN more, and the capture missed packets", append(slices.Clone(base), "  server FIN"),
			func(f similar.Flow) bool { return f.Score > 0.99 && !f.Same }, true},
		{"no connection", nil, func(f similar.Flow) bool { return f.Score == 0 && len(f.Differs) == len(base) }, false},
	} {
		want := &reproduction.Incident{Flows: []*reproduction.Flow{{Port: 80, Begun: true, Form: base, Missed: tt.missed}}}
		got := &reproduction.Incident{Flows: []*reproduction.Flow{{Port: 80, Opener: reproduction.FirstPort, Form: tt.got}}}
		r := similar.Compare(want, got)
		if len(r.Flows) != 1 || !tt.check(r.Flows[0]) {
			t.Errorf("%s: %+v", tt.name, r)
		}
	}
}
