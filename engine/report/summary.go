//go:build linux

package report

import (
	"fmt"
	"slices"
	"time"

	"netrepro/engine/sanitize"
	"netrepro/engine/script/session"
)

// Now is the time as reports have it.
func Now() string { return time.Now().UTC().Format(time.RFC3339) }

// onePage is how many cases can be looked over without a summary, and slowest how many
// of the slowest are named.
const onePage, slowest = 10, 10

// lists writes, of many cases, what has scrolled away: those that did not end as expected,
// why others were skipped, which took longest, and where the time went.
func (t *Terminal) lists() {
	if len(t.ended) <= onePage {
		return
	}
	first := true
	title := func(text string) {
		if first {
			fmt.Fprintln(t.w)
		}
		first = false
		fmt.Fprintln(t.w, t.paint("2", text))
	}
	said := false
	for _, e := range t.ended {
		if !bad(e.result) || t.style.Quiet {
			continue
		}
		if !said {
			title("not as expected")
			said = true
		}
		fmt.Fprintf(t.w, "  %s %s  %s:%d\n", t.paint("31", fmt.Sprintf("%-12s", Word(e.job, e.result))),
			sanitize.Text(e.job.Name()), sanitize.Text(e.job.File.Name), e.job.Case.Line)
	}
	t.skipped(title)
	if t.style.Quiet {
		return
	}
	title("slowest")
	for _, e := range t.longest() {
		fmt.Fprintf(t.w, "  %7.2fs  %s\n", e.result.Took.Seconds(), sanitize.Text(e.job.Name()))
	}
	var sum, up, waits, analysis time.Duration
	for _, e := range t.ended {
		sum += e.result.Took
		up += e.result.SetUp
		waits += e.result.Waited
		analysis += e.result.Analysed
	}
	if sum > 0 {
		title("where the time of all cases went")
		fmt.Fprintf(t.w, "  %7.2fs in all: %.2fs set-up, %.2fs waiting, %.2fs analysis\n", sum.Seconds(), up.Seconds(),
			waits.Seconds(), analysis.Seconds())
	}
}

// skipped writes how many cases were skipped for which reason, the commonest first.
func (t *Terminal) skipped(title func(string)) {
	n := map[string]int{}
	var reasons []string
	for _, e := range t.ended {
		if why := e.result.Why; e.result.Verdict == session.Skipped {
			if n[why]++; n[why] == 1 {
				reasons = append(reasons, why)
			}
		}
	}
	slices.SortStableFunc(reasons, func(a, b string) int { return n[b] - n[a] })
	for i, why := range reasons {
		if i == 0 {
			title("skipped")
		}
		fmt.Fprintf(t.w, "  %7d  %s\n", n[why], sanitize.Text(why))
	}
}

// longest are the cases that took longest.
func (t *Terminal) longest() []summed {
	es := slices.Clone(t.ended)
	slices.SortStableFunc(es, func(a, b summed) int { return int(b.result.Took - a.result.Took) })
	return es[:min(len(es), slowest)]
}
