package diagnosis

import (
	"bytes"
	"fmt"
	"io"
	"net/netip"
	"path/filepath"
	"slices"
	"strings"

	"netrepro/engine/anonymize"
	"netrepro/engine/diagnose"
	"netrepro/engine/diagnose/finding"
)

// Ticket writes the diagnosis as Markdown that may be shown: addresses are mapped to
// documentation ranges (RFC 5737, RFC 3849), names of files are left out.
func Ticket(w io.Writer, r *diagnose.Report) {
	var b bytes.Buffer
	for i, f := range r.Incident.Files {
		fmt.Fprintf(&b, "Capture %d: %s\n", i+1, about(f))
	}
	for _, f := range r.Findings {
		ticket(&b, r, f)
	}
	text := b.String()
	for i, f := range r.Incident.Files {
		text = strings.ReplaceAll(text, filepath.Base(f.Name), fmt.Sprintf("capture %d", i+1))
	}
	fmt.Fprint(w, hide(text, addresses(r)))
}

func ticket(b *bytes.Buffer, r *diagnose.Report, f *finding.Finding) {
	c := finding.Causes[f.ID]
	fmt.Fprintf(b, "\n### %s (%s, %.0f %%)\n\n", c.Title, f.ID, 100*f.Confidence())
	if f.Flow != nil {
		fmt.Fprintf(b, "Connection `%s`.\n\n", f.Connection())
	}
	fmt.Fprintf(b, "%s\n\n", f.Summary)
	for _, s := range f.Signs {
		mark := "for"
		if s.Weight < 0 {
			mark = "against"
		}
		fmt.Fprintf(b, "- %s: %s\n", mark, s.Text)
	}
	if refs := cited(r, f); refs != "" {
		fmt.Fprintf(b, "- packets: %s\n", refs)
	}
	bullets(b, "It is not", f.Not)
	bullets(b, "Try next", c.Try)
	if c.Scenario != "" {
		fmt.Fprintf(b, "\nThe same on any Linux machine: `netrepro run %s`\n", c.Scenario)
	}
}

func bullets(b *bytes.Buffer, title string, items []string) {
	if len(items) == 0 {
		return
	}
	fmt.Fprintf(b, "\n**%s**\n\n", title)
	for _, s := range items {
		fmt.Fprintf(b, "- %s\n", s)
	}
}

// addresses are all that the diagnosis may name.
func addresses(r *diagnose.Report) (as []netip.Addr) {
	seen := map[netip.Addr]bool{}
	add := func(a netip.Addr) {
		if a.IsValid() && !seen[a] {
			seen[a] = true
			as = append(as, a)
		}
	}
	for _, f := range r.Incident.Files {
		for _, fl := range f.Flows {
			add(fl.Ends[0].Addr())
			add(fl.Ends[1].Addr())
		}
		for _, m := range f.Messages {
			add(m.Src)
			add(m.Dst)
		}
	}
	return as
}

// hide replaces addresses in text, the longer ones first, so that none is taken for the
// beginning of another.
func hide(text string, as []netip.Addr) string {
	m := anonymize.NewMap()
	slices.SortFunc(as, func(a, b netip.Addr) int { return len(b.String()) - len(a.String()) })
	var pairs []string
	for _, a := range as {
		pairs = append(pairs, a.String(), m.Addr(a).String())
	}
	return strings.NewReplacer(pairs...).Replace(text)
}
