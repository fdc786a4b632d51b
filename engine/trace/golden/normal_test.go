package golden

import (
	"slices"
	"testing"
)

func TestDiff(t *testing.T) {
	base := []string{"connection 1: client > server:80", "  client SYN", "  server SYN", "  client sends 1:19",
		"  server sends 1:2897", "  server RST, active: linger", "  client FIN"}
	tests := []struct {
		name string
		got  []string
		want []string
	}{
		{"the same", base, nil},
		{"moved up", []string{base[0], base[1], base[2], base[3], base[5], base[4], base[6]},
			[]string{`"server RST, active: linger" moved before "server sends 1:2897"`}},
		{"missing", slices.Delete(slices.Clone(base), 6, 7),
			[]string{`"client FIN" did not come after "server RST, active: linger"`}},
		{"more", append(slices.Clone(base), "  server FIN"),
			[]string{`"server FIN" came after "client FIN" and was not expected`}},
		{"other numbers", []string{base[0], base[1], base[2], base[3], "  server sends 1:1449", base[5], base[6]},
			[]string{`"server sends 1:2897" became "server sends 1:1449"`}},
		{"another cause", []string{base[0], base[1], base[2], base[3], base[4], "  server RST, passive: no-socket",
			base[6]}, []string{`"server RST, active: linger" became "server RST, passive: no-socket"`}},
		{"nothing", nil, nil},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			got := Diff(base, tt.got)
			if tt.name == "nothing" {
				if len(got) != len(base) {
					t.Errorf("got %q", got)
				}
				return
			}
			if !slices.Equal(got, tt.want) {
				t.Errorf("got  %q\nwant %q", got, tt.want)
			}
		})
	}
}
