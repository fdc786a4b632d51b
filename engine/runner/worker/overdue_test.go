//go:build linux

package worker

import (
	"os"
	"strings"
	"testing"
	"time"

	"netrepro/engine/script/session"
)

func TestOverdue(t *testing.T) {
	for _, tt := range []struct {
		name string
		up   bool
		had  usage
		want session.Verdict
		says string
	}{
		{"a case that does not end is at fault", true, usage{ran: time.Second}, session.Errored,
			"within its timeout, 5s"},
		{"one that others left no processor says nothing", true, usage{ran: time.Second, waited: 2 * time.Second},
			session.Inconclusive, "waited 2s for a processor"},
		{"one that uses its processor up is at fault", true, usage{ran: 4 * time.Second, waited: 2 * time.Second},
			session.Errored, "and was killed"},
		{"a lab that does not come up is the machine's matter", false, usage{}, session.Inconclusive,
			"did not come up within 30s"},
	} {
		got, why := overdue("a.lua", tt.up, 5*time.Second, tt.had, "last words")
		if got != tt.want || !strings.Contains(why, tt.says) || !strings.HasSuffix(why, "last words") {
			t.Errorf("%s: %s, %q", tt.name, got, why)
		}
	}
}

// TestUsed reads what this process had.
func TestUsed(t *testing.T) {
	if u := used(os.Getpid()); u.ran <= 0 {
		t.Skip("this kernel does not count what threads ran (schedstat)")
	}
}
