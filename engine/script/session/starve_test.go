//go:build linux

package session

import (
	"testing"

	"netrepro/engine/host/socket"
)

// late is a program that has no processor, or nothing that could lack one.
type late string

func (l late) Lacks() string { return string(l) }
func (late) Close() error    { return nil }

// idle is something that needs no processor.
type idle struct{}

func (idle) Close() error { return nil }

func lacking(t *testing.T, why string) []*Node {
	t.Helper()
	h := socket.NewHost("server", nil)
	for _, c := range []interface{ Close() error }{idle{}, late(why)} {
		if err := h.Keep(c); err != nil {
			t.Fatal(err)
		}
	}
	return []*Node{{Endpoints: h}}
}

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
		{"what runs lacks a processor", func(r *Run) { r.Nodes = lacking(t, "third"); r.Fail(Failure{}) }, "third"},
		{"it lacks one later", func(r *Run) { r.Fail(Failure{}); r.Nodes = lacking(t, "third"); r.Fail(Failure{}) }, ""},
		{"after a failure", func(r *Run) { r.Fail(Failure{}); r.Starve("first") }, ""},
	} {
		r := &Run{}
		tt.do(r)
		if got := r.Starved(); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
