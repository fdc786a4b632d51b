//go:build linux

package wire

import (
	"strings"
	"testing"
	"time"
)

// TestShaper sends frames of 1250 bytes, 1 ms each at 10 Mbit/s.
func TestShaper(t *testing.T) {
	const frame, ms = 1250, int64(time.Millisecond)
	type step struct {
		at     int64 // ms
		leaves int64 // ms, -1 dropped
		ahead  int   // frames
	}
	for _, tt := range []struct {
		name  string
		props Props
		steps []step
	}{
		{"one after the other, nothing waits", Props{Rate: 10e6, QueuePackets: 1}, []step{{0, 1, 0}, {1, 2, 0}, {5, 6, 0}}},
		{"a row waits its turn", Props{Rate: 10e6}, []step{{0, 1, 0}, {0, 2, 0}, {0, 3, 1}, {0, 4, 2}}},
		{"the queue empties", Props{Rate: 10e6}, []step{{0, 1, 0}, {0, 2, 0}, {0, 3, 1}, {2, 4, 0}, {2, 5, 1}}},
		{"packets that fit", Props{Rate: 10e6, QueuePackets: 2}, []step{{0, 1, 0}, {0, 2, 0}, {0, 3, 1}, {0, -1, 2}, {1, 4, 1}, {1, -1, 2}}},
		{"bytes that fit", Props{Rate: 10e6, QueueBytes: 2 * frame}, []step{{0, 1, 0}, {0, 2, 0}, {0, 3, 1}, {0, -1, 2}, {2, 4, 0}}},
	} {
		var s shaper
		for i, x := range tt.steps {
			leaves, ahead, full := s.enter(x.at*ms, frame, &tt.props)
			if (full != "") != (x.leaves < 0) || ahead != x.ahead*frame || full == "" && leaves != x.leaves*ms {
				t.Errorf("%s, frame %d: leaves at %d µs behind %d bytes, full %q; want %+v", tt.name, i, leaves/1000, ahead, full, x)
			}
			if full != "" && !strings.HasPrefix(full, "queue full, 2 packets") {
				t.Errorf("%s: %q", tt.name, full)
			}
		}
	}
}
