//go:build linux

package process

import (
	"testing"
	"time"

	"netrepro/engine/lab/stall"
)

// TestLacks excuses a program that others kept from the processors, and none that its own case did.
func TestLacks(t *testing.T) {
	use := func(ran, waited time.Duration) stall.Usage {
		return stall.Usage{Ran: ran * time.Second, Waited: waited * time.Second}
	}
	for _, tt := range []struct {
		name     string
		had, all stall.Usage
		want     string
	}{
		{"idle", use(0, 0), use(1, 0), ""},
		{"it waited a little", use(1, 1), use(2, 1), ""},
		{"others had them", use(1, 3), use(2, 4), "nginx waited 3s of its 10s for a processor, for others had them"},
		{"its own case had them", use(1, 3), use(8, 9), ""},
		{"it had them itself", use(6, 3), use(6, 3), ""},
	} {
		if got := lacks("nginx", tt.had, tt.all, 10*time.Second); got != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got, tt.want)
		}
	}
}
