package fingerprint

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestCommit(t *testing.T) {
	const is = "0123456789abcdef0123456789abcdef01234567"
	for _, tt := range []struct {
		name  string
		files map[string]string
		want  string
	}{
		{"none", nil, ""},
		{"a branch", map[string]string{".git/HEAD": "ref: refs/heads/main\n", ".git/refs/heads/main": is + "\n"}, is},
		{"detached", map[string]string{".git/HEAD": is + "\n"}, is},
		{"packed", map[string]string{".git/HEAD": "ref: refs/heads/main", ".git/packed-refs": "# pack-refs\n" +
			strings.Repeat("1", 40) + " refs/heads/other\n" + is + " refs/heads/main\n"}, is},
		{"a worktree", map[string]string{".git": "gitdir: there/worktrees/x\n", "there/worktrees/x/HEAD": "ref: refs/heads/w",
			"there/worktrees/x/commondir": "../..\n", "there/refs/heads/w": is}, is},
		{"no commit yet", map[string]string{".git/HEAD": "ref: refs/heads/main\n"}, ""},
		{"nonsense", map[string]string{".git/HEAD": "\x1b[31m"}, ""},
	} {
		dir := t.TempDir()
		if err := os.MkdirAll(filepath.Join(dir, "deep", "er"), 0o700); err != nil {
			t.Fatal(err)
		}
		for name, text := range tt.files {
			path := filepath.Join(dir, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if got := Commit(filepath.Join(dir, "deep", "er")); got != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestTake(t *testing.T) {
	now := func(read func()) { read() }
	a, b, busy := Take(".", now), Take(".", now), Take(".", func(func()) {})
	if a.Kernel == "" || a.Processors == 0 || len(a.Settings) == 0 || Differs(a, b) != "" {
		t.Errorf("got %+v and %s", a, Differs(a, b))
	}
	if d := Differs(a, busy) + Differs(busy, b); d != "" {
		t.Errorf("settings that could not be read differ: %s", d)
	}
}
