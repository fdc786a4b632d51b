package main

import (
	"bytes"
	"strings"
	"testing"
)

func TestDoc(t *testing.T) {
	for _, tt := range []struct {
		args string
		code int
		want string // in what is written, or in the error
	}{
		{"", exitExpected, "faults: Faults on wires\n"},
		{"wire:drop", exitExpected, "wire:drop { … } → Fault"},
		{"inject", exitExpected, "wire:inject { … }"},
		{"Fault.hits", exitExpected, "integer"},
		{"--stubs", exitExpected, "---@class Fault\n"},
		{"--markdown", exitExpected, "#### `wire:drop"},
		{"drop", exitScript, "say which: host:drop, wire:drop"},
		{"wire:drp", exitScript, `did you mean "wire:drop"?`},
		{"qqqqqqqq", exitScript, "netrepro doc lists what there is"},
		{"a b", exitScript, "one argument too many"},
		{"--stubs --markdown", exitScript, "stubs"},
	} {
		var out, errs bytes.Buffer
		code := run(t.Context(), env{args: append([]string{"doc"}, strings.Fields(tt.args)...), out: &out, err: &errs})
		if code != tt.code || !strings.Contains(out.String()+errs.String(), tt.want) {
			t.Errorf("doc %s: exit code %d, want %d with %q; it wrote\n%s%s", tt.args, code, tt.code, tt.want, &out,
				&errs)
		}
	}
}
