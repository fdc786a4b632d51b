//go:build linux

package runner

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"netrepro/engine/runner/artifact"
	"netrepro/engine/runner/discover"
	"netrepro/engine/runner/task"
	"netrepro/engine/script"
	"netrepro/engine/script/session"
)

type results map[string]session.Result

func (results) Begin(*task.Task)                       {}
func (results) Event(*task.Task, session.Event)        {}
func (r results) End(t *task.Task, res session.Result) { r[t.Name()] = res }

const idle = `scenario "%" { topology = path { host "a", wire {}, host "b" }, run = function() end }`

// runIn runs scenarios of these names with their artifacts in out.
func runIn(t *testing.T, out string, names ...string) results {
	t.Helper()
	var text []string
	for _, n := range names {
		text = append(text, strings.ReplaceAll(idle, "%", n))
	}
	sources := []discover.Source{{Name: "idle.lua", Text: strings.Join(text, "\n")}}
	fs, err := discover.Load(context.Background(), sources, script.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Parallel: 1, Selection: task.Selection{Repeat: 1, Out: out}}
	tasks, err := task.List(fs, o.Selection)
	if err != nil {
		t.Fatal(err)
	}
	got := results{}
	if err := Run(context.Background(), tasks, o, got); err != nil {
		t.Fatal(err)
	}
	return got
}

// TestFolders runs where somebody has laid links, and looks at what is left.
func TestFolders(t *testing.T) {
	defer unix.Umask(unix.Umask(0o022))
	out, precious := filepath.Join(t.TempDir(), "out"), t.TempDir()
	if err := os.MkdirAll(out, 0o755); err != nil {
		t.Fatal(err)
	}
	keep := filepath.Join(precious, "trace.pcapng")
	if err := os.WriteFile(keep, []byte("precious"), 0o644); err != nil {
		t.Fatal(err)
	}
	for link, to := range map[string]string{"linked": precious, ".lock": keep} {
		if err := os.Symlink(to, filepath.Join(out, link)); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.WriteFile(filepath.Join(out, "taken"), nil, 0o644); err != nil {
		t.Fatal(err)
	}
	if err := os.Mkdir(filepath.Join(out, "file-linked"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.Symlink(keep, filepath.Join(out, "file-linked", "trace.pcapng")); err != nil {
		t.Fatal(err)
	}
	long := strings.Repeat("x", 300)
	got := runIn(t, out, "linked", "taken", "plain", "file-linked", long)
	for name, want := range map[string]session.Verdict{
		"linked": session.Errored, "taken": session.Errored,
		"plain": session.Passed, "file-linked": session.Passed, long: session.Passed,
	} {
		r := got[name]
		if r.Verdict != want || want == session.Errored && !strings.Contains(r.Why, "exists and is not a directory") {
			t.Errorf("%s: %s, %s", name, r.Verdict, r.Why)
		}
	}
	if b, err := os.ReadFile(keep); err != nil || string(b) != "precious" {
		t.Errorf("what a link led to holds %q, %v", b, err)
	}
	for path, want := range map[string]os.FileMode{
		"plain": 0o700, "plain/trace.pcapng": 0o600, "file-linked/trace.pcapng": 0o600,
	} {
		st, err := os.Lstat(filepath.Join(out, path))
		if err != nil || st.Mode().Perm() != want || st.Mode()&os.ModeSymlink != 0 {
			t.Errorf("%s: %v, %v, want %v", path, st.Mode(), err, want)
		}
	}
}

// TestClaim keeps a second run out for as long as the first one holds it.
func TestClaim(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	unlock, err := artifact.Claim(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := artifact.Claim(dir); err == nil || !strings.Contains(err.Error(), "another run writes there") {
		t.Errorf("claimed twice: %v", err)
	}
	unlock()
	if unlock, err = artifact.Claim(dir); err != nil {
		t.Fatal(err)
	}
	unlock()
	if st, err := os.Stat(dir); err != nil || st.Mode().Perm() != 0o700 {
		t.Errorf("mode %v, %v", st.Mode(), err)
	}
	if left, _ := filepath.Glob(filepath.Join(dir, ".*")); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
}
