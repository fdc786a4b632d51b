package formats

import (
	"bytes"
	"fmt"
	"html"
	"io"
	"slices"
	"strings"

	"netrepro/engine/report/stream"
	"netrepro/engine/sanitize"
)

// slowest is how many of the slowest cases are named.
const slowest = 10

// Summary writes what a run came to as Markdown.
func Summary(w io.Writer, r *stream.Run) error { return markdown(w, r) }

// markdown writes a summary for people: what failed, what was skipped and why, and what
// took long.
func markdown(w io.Writer, r *stream.Run) error {
	var b bytes.Buffer
	c := counts(r)
	b.WriteString("## netrepro\n\n| as expected | failed | error | inconclusive | skipped | flaky | not run | time |\n" +
		"|---|---|---|---|---|---|---|---|\n")
	fmt.Fprintf(&b, "| %d | %d | %d | %d | %d | %d | %d | %.1f s |\n", c[stream.Passed], c[stream.Failed],
		c[stream.Errored], c[stream.Inconclusive], c[stream.Skipped], c["flaky"], c["not_run"], r.Finished.Seconds)
	if r.Finished.Interrupted {
		b.WriteString("\nThe run was interrupted.\n")
	}
	for _, c := range r.Cases {
		if bad(c) {
			file, line := place(c)
			fmt.Fprintf(&b, "\n<details><summary>%s <b>%s</b>: %s</summary>\n\n`%s:%d`\n\n", c.Ended.Word,
				inline(c.Name), inline(said(c)), strings.ReplaceAll(sanitize.Text(file), "`", "'"), line)
			fenced(&b, details(c)+"again  "+c.Command()+"\n")
			b.WriteString("\n</details>\n")
		}
	}
	skipped(&b, r)
	if len(r.Cases) > slowest {
		b.WriteString("\n### Slowest\n\n| case | seconds |\n|---|---|\n")
		for _, c := range longest(r) {
			fmt.Fprintf(&b, "| %s | %.2f |\n", cell(c.Name), c.Ended.Seconds)
		}
	}
	_, err := w.Write(b.Bytes())
	return err
}

// longest are the cases that took longest.
func longest(r *stream.Run) []*stream.Case {
	cs := slices.Clone(r.Cases)
	slices.SortStableFunc(cs, func(a, b *stream.Case) int {
		switch {
		case a.Ended.Seconds > b.Ended.Seconds:
			return -1
		case a.Ended.Seconds < b.Ended.Seconds:
			return 1
		}
		return 0
	})
	return cs[:min(len(cs), slowest)]
}

// skipped writes why cases were skipped, the commonest reason first.
func skipped(b *bytes.Buffer, r *stream.Run) {
	n := map[string]int{}
	var reasons []string
	for _, c := range r.Cases {
		if c.Ended.Verdict == stream.Skipped {
			if n[c.Ended.Why]++; n[c.Ended.Why] == 1 {
				reasons = append(reasons, c.Ended.Why)
			}
		}
	}
	if len(reasons) == 0 {
		return
	}
	slices.SortStableFunc(reasons, func(x, y string) int { return n[y] - n[x] })
	b.WriteString("\n### Skipped\n\n| cases | why |\n|---|---|\n")
	for _, why := range reasons {
		fmt.Fprintf(b, "| %d | %s |\n", n[why], cell(why))
	}
}

// inline is text within HTML, where Markdown means nothing to it.
func inline(s string) string {
	return strings.NewReplacer("*", "&#42;", "_", "&#95;", "`", "&#96;", "[", "&#91;", "]", "&#93;", "~", "&#126;",
		"\\", "&#92;", "!", "&#33;").Replace(html.EscapeString(sanitize.Text(s)))
}

// cell is text in a table.
func cell(s string) string { return strings.ReplaceAll(inline(s), "|", "&#124;") }

// fenced writes text as a block of code, whose fence is longer than any in it.
func fenced(b *bytes.Buffer, text string) {
	fence := "```"
	for strings.Contains(text, fence) {
		fence += "`"
	}
	fmt.Fprintf(b, "%stext\n%s%s\n", fence, text, fence)
}
