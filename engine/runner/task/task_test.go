//go:build linux

package task

import (
	"context"
	"slices"
	"strings"
	"testing"

	"netrepro/engine/script"
)

// file loads a scenario file of this text.
func file(t *testing.T, name, text string) *script.File {
	t.Helper()
	f, err := script.Load(context.Background(), name, text, script.Options{})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// scenario is one of this name with these further options.
func scenario(name, options string) string {
	return `scenario "` + name + `" { topology = path { host "a", wire {}, host "b" },
` + options + ` run = function() end }
`
}

const variants = `variants = {
	{ "bug", outcome = "stalls" }, { "fixed", outcome = "works", on = true }, { "alike", outcome = "stalls" },
},`

func names(tasks []*Task) []string {
	var out []string
	for _, t := range tasks {
		out = append(out, t.Name())
	}
	return out
}

func TestList(t *testing.T) {
	f := file(t, "one.lua", scenario("plain", "")+scenario("both", variants)+
		scenario("cells", `matrix = { n = { 1, 2 } },`))
	for _, tt := range []struct {
		name string
		sel  Selection
		want []string
	}{
		{"all", Selection{}, []string{"plain", "both/bug", "both/fixed", "both/alike", "cells/n=1", "cells/n=2"}},
		{"one variant", Selection{Variant: "fixed"}, []string{"both/fixed"}},
		{"a variant that is not there", Selection{Variant: "none"}, nil},
		{"rounds", Selection{Variant: "bug", Repeat: 2}, []string{"both/bug#1", "both/bug#2"}},
	} {
		tasks, err := List([]*script.File{f}, tt.sel)
		if err != nil || !slices.Equal(names(tasks), tt.want) {
			t.Errorf("%s: got %q, %v, want %q", tt.name, names(tasks), err, tt.want)
		}
	}
}

// TestListDir gives each task the folder of its artifacts.
func TestListDir(t *testing.T) {
	f := file(t, "one.lua", scenario("cells", `matrix = { path = { "../x" } },`))
	tasks, err := List([]*script.File{f}, Selection{Out: "out"})
	if err != nil {
		t.Fatal(err)
	}
	if got, want := tasks[0].Capture(), "out/cells/path=..%2Fx/trace.pcapng"; got != want {
		t.Errorf("the capture is %q, want %q", got, want)
	}
}

// TestListTwice refuses what would be written into one folder.
func TestListTwice(t *testing.T) {
	a, b := file(t, "a.lua", scenario("same", "")), file(t, "b.lua", scenario("same", ""))
	_, err := List([]*script.File{a, b}, Selection{})
	if err == nil || !strings.Contains(err.Error(), `a.lua and b.lua both have a case "same"`) {
		t.Errorf("got %v", err)
	}
}

func TestProofs(t *testing.T) {
	f := file(t, "one.lua", scenario("both", variants))
	tasks, err := Proofs([]*script.File{f}, Selection{})
	want := []string{"both/bug with fixed", "both/bug without faults"}
	if err != nil || !slices.Equal(names(tasks), want) {
		t.Errorf("got %q, %v, want %q", names(tasks), err, want)
	}
	for _, x := range tasks {
		if !x.Proof() {
			t.Errorf("%s is no proof", x.Name())
		}
	}
	alike := file(t, "alike.lua", scenario("alike", `variants = { { "bug", outcome = 1 }, { "fixed", outcome = 2 } },`))
	if _, err := Proofs([]*script.File{alike}, Selection{}); err == nil ||
		!strings.Contains(err.Error(), "in its outcome alone") {
		t.Errorf("a cure that cannot be applied: %v", err)
	}
	mute := file(t, "mute.lua", scenario("mute", `variants = { { "bug" }, { "fixed" } },`))
	if _, err := Proofs([]*script.File{mute}, Selection{}); err == nil ||
		!strings.Contains(err.Error(), "does not say its outcome") {
		t.Errorf("a variant without an outcome: %v", err)
	}
}
