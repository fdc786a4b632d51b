//go:build linux

package task

import (
	"path/filepath"
	"strings"
	"testing"
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
