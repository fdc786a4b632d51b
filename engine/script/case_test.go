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

// TestOnly loads the one scenario that is wanted, and does not look at the others.
func TestOnly(t *testing.T) {
	const text = `for i = 1, 3 do
  scenario("case-" .. i) { topology = path { host "a", wire {}, host "b" }, run = function() end }
end
scenario "broken" {}`
	f, err := Load(t.Context(), "many.lua", text, Options{Only: "case-2"})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if len(f.Scenarios) != 1 || f.Case("case-2") == nil || f.Case("case-1") != nil {
		t.Errorf("got %d scenarios", len(f.Scenarios))
	}
	if _, err := Load(t.Context(), "many.lua", text, Options{}); err == nil {
		t.Error("a mistake in another scenario is not found where all are loaded")
	}
}
