//go:build linux

package process

import (
	"path/filepath"
	"testing"
)

func TestDirectory(t *testing.T) {
	base := t.TempDir()
	s := &state{Places: Places{Artifacts: base}, taken: map[string]bool{}}
	for _, tt := range []struct{ node, program, want string }{
		{"client", "curl", "client-curl"}, {"client", "curl", "client-curl-2"}, {"client", "curl", "client-curl-3"},
		{"server", "curl", "server-curl"}, {"a", "no such: name", "a-no_such_name"},
	} {
		got, err := s.directory(tt.node, tt.program)
		if err != nil || got != filepath.Join(base, tt.want) {
			t.Errorf("%s of %s: got %s, %v, want %s", tt.program, tt.node, got, err, tt.want)
		}
	}
}
