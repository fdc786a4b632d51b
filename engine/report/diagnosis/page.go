package diagnosis

import (
	"context"
	"path/filepath"
	"strings"

	"netrepro/engine/diagnose"
	"netrepro/engine/diagnose/finding"
	"netrepro/engine/report/page"
)

// Page is the page of a diagnosis: what it says, with the packets of its captures, which
// are read again.
func Page(ctx context.Context, r *diagnose.Report, paths []string) (*page.Document, error) {
	var names []string
	for _, p := range paths {
		names = append(names, filepath.Base(p))
	}
	d := page.New(page.KindDiagnosis, strings.Join(names, ", "))
	d.Again = []string{"netrepro diagnose " + strings.Join(paths, " ")}
	for _, f := range r.Findings { // first, so that what the report holds is freed while captures are read
		d.Findings = append(d.Findings, pageOf(r, f))
	}
	for _, path := range paths {
		c, remarks, err := page.Read(ctx, path)
		if err != nil {
			return nil, err
		}
		d.Captures = append(d.Captures, c)
		d.Remarks = append(d.Remarks, remarks...)
		d.Again = append(d.Again, "netrepro import "+path)
	}
	return d, nil
}

func pageOf(r *diagnose.Report, f *finding.Finding) page.Finding {
	c := finding.Causes[f.ID]
	out := page.Finding{ID: f.ID, Title: c.Title, Summary: f.Summary, Confidence: f.Confidence(), Not: f.Not, Try: c.Try,
		Scenario: c.Scenario, Measured: facts(f.Flow)}
	if f.Flow != nil {
		out.Flow = f.Connection() + others(f)
	}
	for _, s := range f.Signs {
		out.Signs = append(out.Signs, page.Sign{Text: s.Text, Weight: s.Weight})
	}
	for i := range r.Incident.Files {
		if frames, _ := f.In(i); len(frames) > 0 {
			out.Evidence = append(out.Evidence, page.Cited{Capture: i, Frames: frames})
		}
	}
	return out
}
