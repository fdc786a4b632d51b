//go:build linux

package script

import (
	"testing"

	lua "github.com/yuin/gopher-lua"
)

func TestCured(t *testing.T) {
	s := &Scenario{Name: "hole", Variants: []Variant{
		{Name: "bug", Params: []Param{{"outcome", lua.LString("stalls")}, {"mtu", lua.LNumber(1400)}}},
		{Name: "fix", Params: []Param{{"clamp", lua.LTrue}, {"outcome", lua.LString("works")}}},
	}}
	c := s.Cases()[0].Cured("fix")
	want := []Param{{"clamp", lua.LTrue}, {"outcome", lua.LString("stalls")}}
	if len(c.Variant.Params) != len(want) || c.Variant.Params[0] != want[0] || c.Variant.Params[1] != want[1] {
		t.Errorf("got %v, want %v", c.Variant.Params, want)
	}
	if c.ID() != "hole/bug" || !c.Reproduces() || c.Outcome() != "stalls" {
		t.Errorf("it is %s and expects %q", c.ID(), c.Outcome())
	}
	if c := s.Cases()[0].Cured("nobody"); c != nil {
		t.Errorf("a variant that is not there cures: %v", c)
	}
}
