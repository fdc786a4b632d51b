//go:build linux

package doctor

import (
	"strings"
	"testing"
	"testing/fstest"
)

// TestLimits finds the limits of control groups of both versions.
func TestLimits(t *testing.T) {
	file := func(text string) *fstest.MapFile { return &fstest.MapFile{Data: []byte(text)} }
	for _, tt := range []struct {
		name, groups string
		tree         fstest.MapFS
		memory, pids string // what is said, empty if all is well
	}{
		{"none", "0::/", fstest.MapFS{}, "", ""},
		{"version 2", "0::/a/b\n", fstest.MapFS{"a/b/memory.max": file("104857600\n"), "a/b/pids.max": file("max\n")},
			"/a/b has memory.max = 104857600", ""},
		{"a group around it", "0::/a/b\n", fstest.MapFS{"a/b/pids.max": file("max\n"), "a/pids.max": file("100\n")},
			"", "/a has pids.max = 100"},
		{"version 1", "5:pids:/x\n3:memory:/x\n1:name=systemd:/x\n", fstest.MapFS{
			"memory/x/memory.limit_in_bytes": file("1000000\n"), "pids/x/pids.max": file("50\n")},
			"/memory/x has memory.limit_in_bytes = 1000000", "/pids/x has pids.max = 50"},
		{"both versions", "4:memory:/x\n0::/x\n", fstest.MapFS{
			"memory/x/memory.limit_in_bytes": file("9223372036854771712\n"), "unified/x/pids.max": file("20\n")},
			"", "/unified/x has pids.max = 20"},
		{"what is no number", "0::/a", fstest.MapFS{"a/memory.max": file("much")}, "", ""},
	} {
		for i, f := range limitsOf(tt.groups, tt.tree) {
			want := []string{tt.memory, tt.pids}[i]
			if f.OK != (want == "") || !strings.HasSuffix(f.Why, want) || (len(f.Mend) > 0) == f.OK {
				t.Errorf("%s: %+v, want %q", tt.name, f, want)
			}
		}
	}
}
