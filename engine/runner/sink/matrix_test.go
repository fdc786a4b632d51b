//go:build linux

package sink

import (
	"slices"
	"testing"

	"netrepro/engine/script/session"
)

// TestMatrixChanges says on which kernels a case goes otherwise than on the one before.
func TestMatrixChanges(t *testing.T) {
	cell := func(v session.Verdict, form ...string) Cell {
		return Cell{Result: session.Result{Verdict: v}, Form: form}
	}
	for name, tt := range map[string]struct {
		cells []Cell
		since string
		words []string
	}{
		"the same": {cells: []Cell{cell(session.Passed, "a"), cell(session.Passed, "a"), cell(session.Passed, "a")}},
		"another verdict": {[]Cell{cell(session.Passed), cell(session.Passed), cell(session.Errored)}, "7",
			[]string{"was passed, now error"}},
		"another form": {[]Cell{cell(session.Passed, "a"), cell(session.Passed, "a", "b"), cell(session.Passed, "a", "b")},
			"6", []string{`"b" came after "a" and was not expected`}},
		"what was skipped or spoilt proves nothing": {cells: []Cell{cell(session.Passed, "a"),
			cell(session.Skipped), cell(session.Inconclusive, "b")}},
		"over one that proves nothing": {[]Cell{cell(session.Passed), cell(session.Inconclusive), cell(session.Failed)},
			"7", []string{"was passed, now failed"}},
	} {
		m := &Matrix{Kernels: []string{"5", "6", "7"}, Rows: []*Row{{Cells: tt.cells}}}
		got := m.Changes()
		if tt.words == nil {
			if len(got) > 0 {
				t.Errorf("%s: got %q", name, got[0].Words)
			}
			continue
		}
		if len(got) != 1 || got[0].Since != tt.since || !slices.Equal(got[0].Words, tt.words) {
			t.Errorf("%s: got %+v, want %s: %q", name, got, tt.since, tt.words)
		}
	}
}
