package golden

import (
	"fmt"
	"slices"
	"strings"
)

// Diff says in words how got differs from want, one difference a line; nothing
// if it does not.
func Diff(want, got []string) []string {
	common := lcs(want, got)
	missing, extra := without(want, common), without(got, common)
	var out []string
	for _, m := range missing {
		if i := slices.IndexFunc(extra, func(e line) bool { return e.text == m.text }); i >= 0 {
			out = append(out, fmt.Sprintf("%q moved %s", trim(m.text), place(want, got, m.at, extra[i].at)))
			extra = slices.Delete(extra, i, i+1)
			continue
		}
		if i := slices.IndexFunc(extra, func(e line) bool { return similar(e.text, m.text) }); i >= 0 {
			out = append(out, fmt.Sprintf("%q became %q", trim(m.text), trim(extra[i].text)))
			extra = slices.Delete(extra, i, i+1)
			continue
		}
		out = append(out, fmt.Sprintf("%q did not come%s", trim(m.text), after(want, m.at)))
	}
	for _, e := range extra {
		out = append(out, fmt.Sprintf("%q came%s and was not expected", trim(e.text), after(got, e.at)))
	}
	return out
}

type line struct {
	text string
	at   int
}

func trim(s string) string { return strings.TrimSpace(s) }

// similar reports whether two lines are the same event with other numbers: the
// same first two words.
func similar(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	return len(x) >= 2 && len(y) >= 2 && x[0] == y[0] && strings.TrimRight(x[1], ",") == strings.TrimRight(y[1], ",")
}

// after names the line before.
func after(ls []string, at int) string {
	if at == 0 {
		return ""
	}
	return fmt.Sprintf(" after %q", trim(ls[at-1]))
}

// place says where a line went: it was at place a of want, and is at place b of
// got.
func place(want, got []string, a, b int) string {
	if b+1 < len(got) {
		if i := slices.Index(want, got[b+1]); i >= 0 && i < a {
			return fmt.Sprintf("before %q", trim(got[b+1]))
		}
	}
	if b > 0 {
		return fmt.Sprintf("after %q", trim(got[b-1]))
	}
	return "to the beginning"
}

// without are the lines of ls that are not among common, which is in order.
func without(ls, common []string) []line {
	var out []line
	for i, l := range ls {
		if len(common) > 0 && common[0] == l {
			common = common[1:]
			continue
		}
		out = append(out, line{l, i})
	}
	return out
}

// maxLines bounds the work of comparing; beyond it, lines are compared one by
// one.
const maxLines = 4000

// lcs is the longest sequence of lines that a and b have in common.
func lcs(a, b []string) []string {
	head := 0
	for head < len(a) && head < len(b) && a[head] == b[head] {
		head++
	}
	common := slices.Clone(a[:head])
	a, b = a[head:], b[head:]
	if len(a) > maxLines || len(b) > maxLines {
		return common
	}
	n := make([][]int16, len(a)+1)
	for i := range n {
		n[i] = make([]int16, len(b)+1)
	}
	for i := len(a) - 1; i >= 0; i-- {
		for j := len(b) - 1; j >= 0; j-- {
			if a[i] == b[j] {
				n[i][j] = n[i+1][j+1] + 1
			} else {
				n[i][j] = max(n[i+1][j], n[i][j+1])
			}
		}
	}
	for i, j := 0, 0; i < len(a) && j < len(b); {
		switch {
		case a[i] == b[j]:
			common = append(common, a[i])
			i++
			j++
		case n[i+1][j] > n[i][j+1]:
			i++
		default:
			j++
		}
	}
	return common
}
