//go:build linux

// Package matrix shows how the same cases went on several kernels: side by side, and in
// words where that changed. It decides nothing.
package matrix

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"netrepro/engine/runner/sink"
	"netrepro/engine/script/session"
)

// mostWords is how many differences of one case are shown.
const mostWords = 4

// Show writes, for people at a terminal, the cases that did not go the same on all kernels,
// and how many there are of each verdict.
func Show(w io.Writer, m *sink.Matrix) {
	width := 0
	for _, r := range m.Rows {
		width = max(width, len(r.Case))
	}
	fmt.Fprintf(w, "\n%-*s", width, "")
	for _, k := range m.Kernels {
		fmt.Fprintf(w, "  %-13s", short(k))
	}
	fmt.Fprintln(w)
	same := 0
	for _, r := range m.Rows {
		if alike(r) {
			same++
			continue
		}
		fmt.Fprintf(w, "%-*s", width, r.Case)
		for _, c := range r.Cells {
			fmt.Fprintf(w, "  %-13s", word(r, c))
		}
		fmt.Fprintln(w)
	}
	fmt.Fprintf(w, "%d cases end the same on all of them\n", same)
	for _, c := range m.Changes() {
		fmt.Fprintf(w, "since %s: %s\n", short(c.Since), c.Row.Case)
		for _, line := range some(c.Words) {
			fmt.Fprintf(w, "    %s\n", line)
		}
	}
}

// short is a kernel's version without what a distribution adds.
func short(kernel string) string {
	v, _, _ := strings.Cut(kernel, "-")
	v, _, _ = strings.Cut(v, "+")
	return v
}

// alike reports whether a case ended the same on all kernels.
func alike(r *sink.Row) bool {
	for _, c := range r.Cells {
		if c.Result.Verdict != r.Cells[0].Result.Verdict {
			return false
		}
	}
	return true
}

// word is how a case ended.
func word(r *sink.Row, c sink.Cell) string {
	switch {
	case c.Result.Verdict != session.Passed:
		return string(c.Result.Verdict)
	case r.Bug:
		return "reproduced"
	}
	return "clean"
}

func some(words []string) []string {
	if len(words) <= mostWords {
		return words
	}
	return append(slices.Clone(words[:mostWords]), fmt.Sprintf("and %d more differences", len(words)-mostWords))
}

// Markdown writes a page: a table of scenarios and kernels, what was skipped and why, and
// what changed from one kernel to the next.
func Markdown(w io.Writer, m *sink.Matrix) {
	fmt.Fprintf(w, "# The library, kernel by kernel\n\nWritten by `make matrix`, from runs in virtual time. A number is how "+
		"many cases of a scenario ended as\nexpected: those called *bug* showed the failure, the others did not.\n\n"+
		"| scenario |")
	for _, k := range m.Kernels {
		fmt.Fprintf(w, " %s |", k)
	}
	fmt.Fprintf(w, "\n|---|%s\n", strings.Repeat("---|", len(m.Kernels)))
	var skipped []string
	for _, s := range scenarios(m) {
		fmt.Fprintf(w, "| [%s](%s) |", s[0].Scenario, strings.TrimPrefix(s[0].File, "scenarios/"))
		for i := range m.Kernels {
			fmt.Fprintf(w, " %s |", cell(s, i))
		}
		fmt.Fprintln(w)
		for _, r := range s {
			for i, c := range r.Cells {
				if c.Result.Verdict != session.Passed {
					why, _, _ := strings.Cut(c.Result.Why, "\n")
					skipped = append(skipped, fmt.Sprintf("- `%s` on %s: %s: %s", r.Case, short(m.Kernels[i]),
						c.Result.Verdict, why))
				}
			}
		}
	}
	if len(skipped) > 0 {
		fmt.Fprintf(w, "\n## Not as expected, or skipped\n\n%s\n", strings.Join(skipped, "\n"))
	}
	fmt.Fprintf(w, "\n## What changed\n\nWhere a trace means something else than on the kernel before, in the words of "+
		"golden traces.\nWhat only moved is left out.\n\n")
	for _, c := range m.Changes() {
		fmt.Fprintf(w, "- `%s`, since %s:\n", c.Row.Case, short(c.Since))
		for _, line := range some(c.Words) {
			fmt.Fprintf(w, "  - %s\n", line)
		}
	}
}

// scenarios are the rows, those of one scenario together.
func scenarios(m *sink.Matrix) [][]*sink.Row {
	var out [][]*sink.Row
	at := map[string]int{}
	for _, r := range m.Rows {
		i, ok := at[r.Scenario]
		if !ok {
			i = len(out)
			at[r.Scenario] = i
			out = append(out, nil)
		}
		out[i] = append(out[i], r)
	}
	return out
}

// cell is how the cases of one scenario ended on one kernel.
func cell(rows []*sink.Row, at int) string {
	count := map[session.Verdict]int{}
	for _, r := range rows {
		if at < len(r.Cells) {
			count[r.Cells[at].Result.Verdict]++
		}
	}
	var parts []string
	if n := count[session.Passed]; n > 0 {
		parts = append(parts, fmt.Sprint(n))
	}
	for _, v := range []session.Verdict{session.Failed, session.Errored, session.Inconclusive, session.Skipped} {
		if count[v] > 0 {
			parts = append(parts, fmt.Sprintf("%d %s", count[v], v))
		}
	}
	return strings.Join(parts, ", ")
}
