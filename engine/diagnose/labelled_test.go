package diagnose_test

import (
	"context"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"netrepro/engine/diagnose"
)

// label is what is known of an incident.
type label struct {
	Finding  string   `json:"finding"`
	Also     []string `json:"also"`
	Not      []string `json:"not"`
	Flow     string   `json:"flow"`
	Evidence []int    `json:"evidence_lines"`
	From     string   `json:"from"`
	Packets  int      `json:"packets"`
}

// TestLabelled holds the diagnosis to incidents whose cause is known: the right cause
// first, none that is a wrong lead, and no packet named that proves nothing.
func TestLabelled(t *testing.T) {
	dirs := []string{"../../testdata/incidents"}
	if more := os.Getenv("NETREPRO_INCIDENTS"); more != "" {
		dirs = append(dirs, more)
	}
	for _, dir := range dirs {
		labels, err := filepath.Glob(filepath.Join(dir, "*.label.json"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range labels {
			t.Run(strings.TrimSuffix(filepath.Base(path), ".label.json"), func(t *testing.T) { labelled(t, path) })
		}
	}
}

func labelled(t *testing.T, path string) {
	l, files := labelOf(t, path), filesOf(path)
	r, err := diagnose.Files(context.Background(), files)
	if err != nil {
		t.Fatal(err)
	}
	first := r.Findings[0]
	if first.ID != l.Finding {
		if slices.Contains(l.Also, first.ID) {
			t.Logf("%s is first, acceptable instead of %s", first.ID, l.Finding)
		} else {
			t.Errorf("%s (%v) is first, want %s", first.ID, first.Confidence(), l.Finding)
		}
	}
	for _, f := range r.Findings {
		if slices.Contains(l.Not, f.ID) {
			t.Errorf("%s (%v) is a wrong lead", f.ID, f.Confidence())
		}
		for _, s := range f.Signs {
			t.Logf("%s %.2f: %+.1f %s", f.ID, f.Confidence(), s.Weight, s.Text)
		}
	}
	if got := first.Connection(); got != "" && got != l.Flow {
		t.Errorf("it is about %s, want %s", got, l.Flow)
	}
	if got := string(r.Incident.Files[0].Flows[0].From); got != l.From && l.From != "unknown" {
		t.Logf("captured at %s, want %s", got, l.From)
	}
	for _, ref := range first.Refs {
		if ref.File == 0 && ref.Line > 0 && !slices.Contains(l.Evidence, ref.Line) {
			t.Errorf("line %d proves nothing", ref.Line)
		}
	}
	if n := r.Incident.Files[0].Packets; n != l.Packets && len(files) == 1 {
		t.Logf("%d packets read, want %d", n, l.Packets)
	}
}
