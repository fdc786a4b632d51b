//go:build linux

package confine

import (
	"testing"

	"golang.org/x/sys/unix"
)

// TestUnprivilegedThread runs what gives up its capabilities on other threads than the
// first, whichever is free.
func TestUnprivilegedThread(t *testing.T) {
	for range 200 {
		first := false
		if err := Unprivileged(func() error {
			first = unix.Gettid() == unix.Getpid()
			return nil
		}); err != nil {
			t.Skipf("needs the right to give up capabilities: %v", err)
		}
		if first {
			t.Fatal("the first thread gave up its capabilities")
		}
	}
}
