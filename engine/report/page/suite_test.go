package page

import (
	"encoding/json"
	"os"
	"path/filepath"
	"testing"

	"netrepro/engine/testutil/browser"
)

// suiteOf writes the page of a suite with hostile names.
func suiteOf(t *testing.T, dir string) {
	t.Helper()
	s := &Suite{}
	for i, name := range hostile {
		verdict := "passed"
		if i%4 == 0 {
			verdict = "failed"
		}
		s.Cases = append(s.Cases, Entry{Case: name, Scenario: name, File: "a/" + name, About: name, Tags: hostile,
			Verdict: verdict, Word: verdict, Why: name, Took: Second(i), Page: name + ".html"})
	}
	if err := s.Save(t.Context(), dir); err != nil {
		t.Fatal(err)
	}
}

// TestSuite remembers how cases ended before, and begins anew where that cannot be read.
func TestSuite(t *testing.T) {
	dir := t.TempDir()
	count := func() int {
		t.Helper()
		suiteOf(t, dir)
		b, err := os.ReadFile(filepath.Join(dir, historyName))
		if err != nil {
			t.Fatal(err)
		}
		var h map[string][]Past
		if err := json.Unmarshal(b, &h); err != nil {
			t.Fatal(err)
		}
		return len(h[hostile[0]])
	}
	for want := 1; want <= mostPast+2; want++ {
		if got := count(); got != min(want, mostPast) {
			t.Fatalf("run %d: %d are remembered", want, got)
		}
	}
	if err := os.WriteFile(filepath.Join(dir, historyName), []byte("null"), 0o600); err != nil {
		t.Fatal(err)
	}
	if got := count(); got != 1 {
		t.Errorf("after a history that is none, %d are remembered", got)
	}
}

// TestSuiteBrowser searches the page of a suite.
func TestSuiteBrowser(t *testing.T) {
	b := browser.Start(t)
	dir := t.TempDir()
	suiteOf(t, dir)
	for _, width := range []int64{320, 1600} {
		p := b.Open(t, filepath.Join(dir, indexName), width, 800, width == 320)
		p.Ready(ready)
		p.Judge()
		rows := func() (n int) { p.Eval(`document.querySelectorAll("tr.case").length`, &n); return n }
		if n := rows(); n != len(hostile) {
			t.Errorf("%d cases are listed", n)
		}
		p.Eval(`page.input.value = "onerror"; page.show()`, nil)
		p.Eval(`page.input.value = "failed javascript:"; page.show()`, nil)
		if n := rows(); n == 0 || n == len(hostile) {
			t.Errorf("a search finds %d cases", n)
		}
		if got := p.Text(`document.scripts.length`); got != "2" {
			t.Errorf("there are %s scripts", got)
		}
		p.Screenshot(screenshots, "suite")
	}
}
