//go:build linux

package report

import (
	"fmt"
	"strings"
	"testing"

	"netrepro/engine/script"
)

// TestLibrary writes a table for each folder.
func TestLibrary(t *testing.T) {
	file := func(name string, s ...*script.Scenario) *script.File { return &script.File{Name: name, Scenarios: s} }
	files := []*script.File{
		file("scenarios/loss/a.lua",
			&script.Scenario{Name: "a", Manual: script.Manual{Symptom: "it hangs | stops", Cure: "raise x"}},
			&script.Scenario{Name: "b", About: "what it is about"}),
		file("scenarios/mtu/c.lua",
			&script.Scenario{Name: "c", Manual: script.Manual{Symptom: "big ones fail", Cure: "clamp"}}),
	}
	var b strings.Builder
	Library(&b, files, func(folder string) { fmt.Fprintf(&b, "after %s\n", folder) })
	want := `
## loss

| what users see | scenario | what helps |
|---|---|---|
| it hangs \| stops | [a](loss/a.lua) | raise x |
| what it is about | [b](loss/a.lua) |  |
after loss

## mtu

| what users see | scenario | what helps |
|---|---|---|
| big ones fail | [c](mtu/c.lua) | clamp |
after mtu
`
	if b.String() != want {
		t.Errorf("got\n%s\nwant\n%s", b.String(), want)
	}
}
