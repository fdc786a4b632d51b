//go:build linux

package play

import (
	"testing"
	"time"
)

// TestInTime takes a case whose time was up for one that had not had it only where the host
// stalled for a good part of it.
func TestInTime(t *testing.T) {
	tests := []struct {
		name                   string
		took, stalled, timeout time.Duration
		want                   bool
	}{
		{"frozen from beginning to end", 30500 * time.Millisecond, 29900 * time.Millisecond, 30 * time.Second, true},
		{"a few moments", 30500 * time.Millisecond, 600 * time.Millisecond, 30 * time.Second, false},
		{"a third", 31 * time.Second, 10 * time.Second, 30 * time.Second, true},
		{"it had its time besides", 45 * time.Second, 10 * time.Second, 30 * time.Second, false},
	}
	for _, tt := range tests {
		if got := inTime(tt.took, tt.stalled, tt.timeout); got != tt.want {
			t.Errorf("%s: %t, want %t", tt.name, got, tt.want)
		}
	}
}
