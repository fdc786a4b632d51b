package diagnose_test

import (
	"bufio"
	"bytes"
	"context"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"netrepro/engine/diagnose"
)

// TestBrokenIncidents diagnoses incidents of which lines are missing, twice there, or in
// another order: whatever is left, there is a finding and no panic.
func TestBrokenIncidents(t *testing.T) {
	paths, err := filepath.Glob("../../testdata/incidents/*.txt")
	if err != nil || len(paths) == 0 {
		t.Fatalf("no incidents: %v", err)
	}
	out := filepath.Join(t.TempDir(), "broken.txt")
	for _, path := range paths {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		var lines []string
		for s := bufio.NewScanner(bytes.NewReader(text)); s.Scan(); {
			lines = append(lines, s.Text())
		}
		for seed := range uint64(4) {
			if err := os.WriteFile(out, broken(lines, rand.New(rand.NewPCG(seed, 1))), 0o600); err != nil {
				t.Fatal(err)
			}
			r, err := diagnose.Files(context.Background(), []string{out})
			if err == nil && len(r.Findings) == 0 {
				t.Errorf("%s, seed %d: nothing is said", filepath.Base(path), seed)
			}
		}
	}
}

// broken is a text of which each line may be left out, said twice, or come later.
func broken(lines []string, r *rand.Rand) []byte {
	var b, later bytes.Buffer
	keep := 0.3 + 0.6*r.Float64()
	for _, l := range lines {
		switch x := r.Float64(); {
		case x < keep:
			b.WriteString(l + "\n")
		case x < keep+0.05:
			b.WriteString(l + "\n" + l + "\n")
		case x < keep+0.1:
			later.WriteString(l + "\n")
		}
		if r.Float64() < 0.1 {
			b.Write(later.Bytes())
			later.Reset()
		}
	}
	return append(b.Bytes(), later.Bytes()...)
}
