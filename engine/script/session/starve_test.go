//go:build linux

package session

import "testing"

// TestStarve excuses what goes wrong after a program had no processor, and nothing that went wrong
// before.
func TestStarve(t *testing.T) {
	for _, tt := range []struct {
		name string
		do   func(*Run)
		want string
	}{
		{"nothing", func(*Run) {}, ""},
		{"before a failure", func(r *Run) { r.Starve("first"); r.Starve("second"); r.Fail(Failure{}) }, "first"},
		{"after a failure", func(r *Run) { r.Fail(Failure{}); r.Starve("first") }, ""},
	} {
		r := &Run{}
		tt.do(r)
		if got := r.Starved(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
