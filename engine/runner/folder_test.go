//go:build linux

package runner

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"netrepro/engine/script"
	"netrepro/engine/script/session"
)

func TestFileName(t *testing.T) {
	seen := map[string]string{}
	for _, tt := range []struct{ name, want string }{
		{"s", "s"},
		{"s/bug", "s/bug"},
		{"s/bug,n=1#2", "s/bug,n=1#2"},
		{"s/url=/a", "s/url=%2Fa"},
		{"s/url=a", "s/url=a"},
		{"s/a:b", "s/a%3Ab"},
		{"s/a;b", "s/a%3Bb"},
		{"s/a_b", "s/a_b"},
		{"s/%2F", "s/%252F"},
		{"s/..", "s/%2E."},
		{"s/.hidden", "s/%2Ehidden"},
		{"s/../../x", "s/%2E.%2F..%2Fx"},
		{"s/\x00\n\xff", "s/%00%0A%FF"},
		{"s/é", "s/%C3%A9"},
	} {
		got := fileName(tt.name)
		if got != tt.want || !filepath.IsLocal(got) {
			t.Errorf("%q: got %q, want %q", tt.name, got, tt.want)
		}
		if other, ok := seen[got]; ok {
			t.Errorf("%q and %q share the folder %q", tt.name, other, got)
		}
		seen[got] = tt.name
	}
	long := strings.Repeat("x", 300)
	a, b := fileName("s/"+long+"1"), fileName("s/"+long+"2")
	if a == b || len(filepath.Base(a)) > maxName {
		t.Errorf("long names: %q, %q", a, b)
	}
}

type results map[string]session.Result

func (results) Begin(*Task)                       {}
func (results) Event(*Task, session.Event)        {}
func (r results) End(t *Task, res session.Result) { r[t.Name()] = res }

const idle = `scenario "%" { topology = path { host "a", wire {}, host "b" }, run = function() end }`

// runIn runs scenarios of these names with their artifacts in out.
func runIn(t *testing.T, out string, names ...string) results {
	t.Helper()
	var text []string
	for _, n := range names {
		text = append(text, strings.ReplaceAll(idle, "%", n))
	}
	fs, err := Load(context.Background(), []Source{{"idle.lua", strings.Join(text, "\n")}}, script.Options{})
	if err != nil {
		t.Fatal(err)
	}
	o := Options{Parallel: 1, Repeat: 1, Out: out}
	tasks, err := Tasks(fs, o)
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
	for name, want := range map[string]session.Verdict{"linked": session.Errored, "taken": session.Errored, "plain": session.Passed, "file-linked": session.Passed, long: session.Passed} {
		if r := got[name]; r.Verdict != want || want == session.Errored && !strings.Contains(r.Why, "is there and no directory") {
			t.Errorf("%s: %s, %s", name, r.Verdict, r.Why)
		}
	}
	if b, err := os.ReadFile(keep); err != nil || string(b) != "precious" {
		t.Errorf("what a link led to holds %q, %v", b, err)
	}
	for path, want := range map[string]os.FileMode{"plain": 0o700, "plain/trace.pcapng": 0o600, "file-linked/trace.pcapng": 0o600} {
		if st, err := os.Lstat(filepath.Join(out, path)); err != nil || st.Mode().Perm() != want || st.Mode()&os.ModeSymlink != 0 {
			t.Errorf("%s: %v, %v, want %v", path, st.Mode(), err, want)
		}
	}
}

// TestClaim keeps a second run out for as long as the first one holds it.
func TestClaim(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "a", "b")
	unlock, err := claim(dir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := claim(dir); err == nil || !strings.Contains(err.Error(), "another run writes there") {
		t.Errorf("claimed twice: %v", err)
	}
	unlock()
	if unlock, err = claim(dir); err != nil {
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
