package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"netrepro/engine/anonymize"
	"netrepro/engine/diagnose"
)

// TestAnonymousDiagnosis diagnoses incidents before and after they are made anonymous:
// the findings are the same.
func TestAnonymousDiagnosis(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/incidents/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no incidents: %v", err)
	}
	for _, path := range paths {
		if b, err := os.ReadFile(path); err == nil && bytes.Contains(b, []byte("0x0000:  ")) {
			continue // the bytes that -x prints are left out, and what they prove
		}
		in, err := os.Open(path)
		if err != nil {
			t.Fatal(err)
		}
		out, err := os.Create(filepath.Join(t.TempDir(), "shown.txt"))
		if err != nil {
			t.Fatal(err)
		}
		if _, _, err = anonymize.Copy(t.Context(), anonymize.NewMap(), in, out); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		for _, f := range []*os.File{in, out} {
			if err := f.Close(); err != nil {
				t.Fatal(err)
			}
		}
		if want, got := findings(t, path), findings(t, out.Name()); want != got {
			t.Errorf("%s: %s became %s", filepath.Base(path), want, got)
		}
	}
}

// findings are what is said of a capture, without its addresses.
func findings(t *testing.T, path string) (said string) {
	t.Helper()
	r, err := diagnose.Files(context.Background(), []string{path})
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range r.Findings {
		said += fmt.Sprintf("%s %.2f %v ", f.ID, f.Confidence(), f.Refs)
	}
	return said
}
