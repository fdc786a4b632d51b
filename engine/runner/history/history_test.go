//go:build linux

package history

import (
	"errors"
	"os"
	"path/filepath"
	"reflect"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"netrepro/engine/runner/fingerprint"
	"netrepro/engine/script/session"
)

var here = fingerprint.Machine{Kernel: "6.1", Processors: 2, Settings: map[string]string{"net.core.rmem_max": "1"},
	Commit: strings.Repeat("a", 40)}

// run adds a run to the history in dir: "name verdict" of each case.
func run(t *testing.T, dir string, m fingerprint.Machine, ended ...string) *History {
	t.Helper()
	h := Open(dir)
	h.On(m)
	for _, e := range ended {
		name, verdict, _ := strings.Cut(e, " ")
		r := session.Result{Verdict: session.Verdict(verdict), Took: time.Duration(len(h.entries[name])+1) * time.Second}
		if verdict == "flaky" {
			r.Verdict, r.Lost = session.Passed, 1
		}
		h.Ended(name, "source", r)
	}
	if err := h.Write(t.Context()); err != nil {
		t.Fatal(err)
	}
	return Open(dir)
}

func TestHistory(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, here, "a passed", "b failed", "c skipped", "d inconclusive")
	h := run(t, dir, here, "a passed", "b passed", "e flaky")
	if got := h.Durations(); !reflect.DeepEqual(got, map[string]float64{"a": 2, "b": 2, "d": 1, "e": 1}) {
		t.Errorf("durations %v", got)
	}
	if got := h.Failed(); !reflect.DeepEqual(got, map[string]bool{"d": true}) {
		t.Errorf("failed %v", got)
	}
	want := []string{"b failed in 1 of 2 runs at commit aaaaaaaaaaaa", "e failed in 1 of 2 runs at commit aaaaaaaaaaaa"}
	if got := h.Flaky([]string{"a", "b", "c", "d", "e"}); !reflect.DeepEqual(got, want) {
		t.Errorf("flaky %q", got)
	}
	if len(h.machines) != 1 {
		t.Errorf("one machine is there %d times", len(h.machines))
	}
	// At another commit it fails in each run: it is broken, not flaky.
	later := here
	later.Commit = strings.Repeat("b", 40)
	h = run(t, dir, later, "b failed")
	if got := h.Flaky([]string{"b"}); len(got) > 0 {
		t.Errorf("flaky %q", got)
	}
}

func TestDiffers(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, here, "a passed", "b failed")
	other := here
	other.Kernel, other.Settings = "6.12", map[string]string{"net.core.rmem_max": "2"}
	h := Open(dir)
	h.On(other)
	if got := h.Differs("a"); !strings.HasPrefix(got, "since it last passed, ") ||
		!strings.HasSuffix(got, ": kernel was 6.1, is 6.12; net.core.rmem_max was 1, is 2") {
		t.Errorf("got %q", got)
	}
	if got := h.Differs("b"); got != "" { // it never passed
		t.Errorf("got %q", got)
	}
	if h.On(here); h.Differs("a") != "" {
		t.Errorf("nothing differs: %q", h.Differs("a"))
	}
}

// TestDamaged takes of a damaged history what can be read, and cuts one that is long.
func TestDamaged(t *testing.T) {
	dir := t.TempDir()
	run(t, dir, here, "a passed")
	path := filepath.Join(dir, File)
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat(strings.SplitAfter(string(b), "\n")[1], maxFile/100)
	if err := os.WriteFile(path, []byte(`{"case":`+"\nx\n"+string(b)+long+`{"case":"b","verd`), 0o600); err != nil {
		t.Fatal(err)
	}
	h := run(t, dir, here, "a failed")
	if st, err := os.Stat(path); err != nil || st.Size() > 1<<14 {
		t.Errorf("it has %d bytes, %v", st.Size(), err)
	}
	if got := h.Failed(); !reflect.DeepEqual(got, map[string]bool{"a": true}) || len(h.entries["a"]) != keeps {
		t.Errorf("failed %v, of %d runs", got, len(h.entries["a"]))
	}
	if h := Open(filepath.Join(dir, "none")); len(h.entries) > 0 || h.Failed() == nil {
		t.Error("there is a history in no folder")
	}
}

// TestPipe has a pipe in place of the history: it is neither read nor waited for.
func TestPipe(t *testing.T) {
	dir := t.TempDir()
	if err := unix.Mkfifo(filepath.Join(dir, File), 0o600); err != nil {
		t.Fatal(err)
	}
	h := Open(dir)
	h.On(here)
	if err := h.Write(t.Context()); !errors.Is(err, unix.ENXIO) {
		t.Errorf("got %v", err)
	}
}
