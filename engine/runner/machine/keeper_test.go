//go:build linux

package machine

import (
	"os"
	"strings"
	"testing"
)

func maxOrphans(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(sysctlPath("net.ipv4.tcp_max_orphans"))
	if err != nil {
		t.Skip("this is not the machine's own network namespace")
	}
	return strings.TrimSpace(string(b))
}

// TestKeeperHalfTold changes nothing if whoever started it ended before it had
// said all.
func TestKeeperHalfTold(t *testing.T) {
	before := maxOrphans(t)
	for _, in := range []string{
		"",
		`[{"Name":"net.ipv4.tcp_max_orphans","Before":"1`,
		`[{"Name":"net.ipv4.tcp_max_orphans","Before":"1"}`,
	} {
		var out strings.Builder
		if err := Keeper(strings.NewReader(in), &out); err == nil || out.Len() > 0 {
			t.Errorf("%q was taken for all: %v", in, err)
		}
	}
	if got := maxOrphans(t); got != before {
		t.Errorf("the setting is %s, was %s", got, before)
	}
}
