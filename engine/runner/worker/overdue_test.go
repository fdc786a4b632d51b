//go:build linux

package worker

import (
	"strings"
	"testing"
	"time"

	"netrepro/engine/script/session"
)

func TestOverdue(t *testing.T) {
	for _, tt := range []struct {
		name string
		up   bool
		want session.Verdict
		says string
	}{
		{"a case that does not end is at fault", true, session.Errored, "within its timeout, 5s"},
		{"a lab that does not come up is the machine's matter", false, session.Inconclusive,
			"did not come up within 30s"},
	} {
		got, why := overdue("a.lua", tt.up, 5*time.Second, "last words")
		if got != tt.want || !strings.Contains(why, tt.says) || !strings.HasSuffix(why, "last words") {
			t.Errorf("%s: %s, %q", tt.name, got, why)
		}
	}
}
