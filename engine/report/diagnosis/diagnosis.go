// Package diagnosis shows what was diagnosed: as text for people, as JSON, as Markdown
// for a ticket.
package diagnosis

import (
	"fmt"
	"io"
	"path/filepath"
	"strings"

	"netrepro/engine/diagnose"
	"netrepro/engine/diagnose/finding"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/report/diagnosis/carries"
	"netrepro/engine/report/diagnosis/wording"
)

// Remarks says on w what the reader must know of the captures before believing the
// diagnosis.
func Remarks(w io.Writer, r *diagnose.Report) {
	for _, f := range r.Incident.Files {
		base := filepath.Base(f.Name)
		if f.Cut != "" {
			fmt.Fprintf(w, "netrepro: %s: cut short after frame %d: %s\n", base, f.Packets, f.Cut)
		}
		if f.Lost > 0 {
			fmt.Fprintf(w, "netrepro: %s: the capturing program lost %d packets: what seems lost may only be "+
				"missing here\n",
				base, f.Lost)
		}
		for _, s := range f.Skipped {
			fmt.Fprintf(w, "netrepro: %s: %s\n", base, s)
		}
		if f.Backward > 0 {
			fmt.Fprintf(w, "netrepro: %s: %d packets have an earlier time than one before them: put the file in order "+
				"first (reordercap), what is said of times may be wrong\n", base, f.Backward)
		}
		if f.Beyond > 0 {
			fmt.Fprintf(w, "netrepro: %s: %d packets are left aside, for the capture is long: narrow it first\n",
				base, f.Beyond)
		}
	}
}

// width is how wide a line of text is at most.
const width = 98

// Text writes the diagnosis for people, who know hosts by the names that the capture has.
func Text(w io.Writer, r *diagnose.Report) {
	var b strings.Builder
	plain(&b, r)
	fmt.Fprint(w, named(r, b.String(), false))
}

func plain(w io.Writer, r *diagnose.Report) {
	for _, f := range r.Incident.Files {
		fmt.Fprintf(w, "%s: %s\n", filepath.Base(f.Name), about(f))
		for _, s := range carries.Asked(f) {
			wrap(w, "   ", "     ", s)
		}
	}
	for i, f := range r.Findings {
		fmt.Fprintln(w)
		text(w, r, i, f)
	}
}

// about says what a file is in a line.
func about(f *incident.File) string {
	n := 0
	from := map[incident.From]int{}
	for _, fl := range f.Flows {
		if len(fl.Segments) > 0 {
			n++
			from[fl.From]++
		}
	}
	s := fmt.Sprintf("%s, %s, %v long", wording.Count(f.Packets, "packet"), wording.Count(n, "connection"), wording.Round(f.End))
	best := incident.AtUnknown
	for p, k := range from {
		if p != incident.AtUnknown && k > from[best] {
			best = p
		}
	}
	switch best {
	case incident.AtUnknown:
		return s
	case incident.AtMiddle:
		return s + "; captured between the ends"
	case incident.AtBoth:
		return s + "; captured at both ends"
	}
	return s + "; captured at the " + string(best)
}

func text(w io.Writer, r *diagnose.Report, i int, f *finding.Finding) {
	c := finding.Causes[f.ID]
	fmt.Fprintf(w, "%d. %s: %s (%.0f %% sure)\n", i+1, f.ID, c.Title, 100*f.Confidence())
	if f.Flow != nil {
		fmt.Fprintf(w, "   connection %s%s\n", f.Connection(), others(f))
	}
	wrap(w, "   ", "   ", f.Summary)
	fmt.Fprintln(w, "   Why:")
	for _, s := range f.Signs {
		mark := "+"
		if s.Weight < 0 {
			mark = "-"
		}
		wrap(w, "     "+mark+" ", "       ", s.Text)
	}
	if refs := cited(r, f); refs != "" {
		wrap(w, "   Packets that prove it: ", "     ", refs)
	}
	list(w, "It is not:", f.Not)
	if said := facts(f.Flow); said != "" {
		wrap(w, "   Measured: ", "     ", said)
	}
	if says := carries.Text(f.Flow); says != "" {
		wrap(w, "   Carries: ", "     ", says)
	}
	list(w, "Try next:", c.Try)
	if c.Scenario != "" {
		fmt.Fprintf(w, "   The same on your machine: netrepro run %s\n", c.Scenario)
	}
}

func others(f *finding.Finding) string {
	switch more := f.More(); len(more) {
	case 0:
		return ""
	case 1:
		return ", and " + more[0]
	default:
		return fmt.Sprintf(", and %d others", len(more))
	}
}

func list(w io.Writer, title string, items []string) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(w, "   %s\n", title)
	for _, s := range items {
		wrap(w, "     - ", "       ", s)
	}
}

// wrap writes words in lines of at most width characters.
func wrap(w io.Writer, first, rest, s string) {
	line := first
	empty := true
	for _, word := range strings.Fields(s) {
		if !empty && len([]rune(line))+1+len([]rune(word)) > width {
			fmt.Fprintln(w, line)
			line, empty = rest, true
		}
		if !empty {
			line += " "
		}
		line += word
		empty = false
	}
	fmt.Fprintln(w, line)
}

// cited names packets as ranges, and the lines of text that they are on.
func cited(r *diagnose.Report, f *finding.Finding) string {
	var parts []string
	for i, file := range r.Incident.Files {
		frames, lines := f.In(i)
		if len(frames) == 0 {
			continue
		}
		s := ranges(frames, "#")
		if len(lines) > 0 {
			s += " (lines " + ranges(lines, "") + ")"
		}
		if len(r.Incident.Files) > 1 {
			s += " of " + filepath.Base(file.Name)
		}
		parts = append(parts, s)
	}
	return strings.Join(parts, "; ")
}

// maxRanges is how many ranges a line names.
const maxRanges = 24

func ranges(ns []int, mark string) string {
	var parts []string
	for i := 0; i < len(ns); {
		j := i
		for j+1 < len(ns) && ns[j+1] == ns[j]+1 {
			j++
		}
		if j > i {
			parts = append(parts, fmt.Sprintf("%s%d-%d", mark, ns[i], ns[j]))
		} else {
			parts = append(parts, fmt.Sprintf("%s%d", mark, ns[i]))
		}
		i = j + 1
		if len(parts) == maxRanges && i < len(ns) {
			return strings.Join(parts, ", ") + fmt.Sprintf(" and %d more", len(ns)-i)
		}
	}
	return strings.Join(parts, ", ")
}
