package queue

import (
	"strings"
	"testing"
	"time"
)

// TestRate sends frames of 1250 bytes, 1 ms each at 10 Mbit/s.
func TestRate(t *testing.T) {
	const frame, ms = 1250, int64(time.Millisecond)
	type step struct {
		at     int64 // ms
		leaves int64 // ms, -1 dropped
		ahead  int   // frames
	}
	for _, tt := range []struct {
		name   string
		limits Limits
		steps  []step
	}{
		{"one after the other, nothing waits", Limits{Rate: 10e6, Packets: 1},
			[]step{{0, 1, 0}, {1, 2, 0}, {5, 6, 0}}},
		{"a row waits its turn", Limits{Rate: 10e6},
			[]step{{0, 1, 0}, {0, 2, 0}, {0, 3, 1}, {0, 4, 2}}},
		{"the queue empties", Limits{Rate: 10e6},
			[]step{{0, 1, 0}, {0, 2, 0}, {0, 3, 1}, {2, 4, 0}, {2, 5, 1}}},
		{"packets that fit", Limits{Rate: 10e6, Packets: 2},
			[]step{{0, 1, 0}, {0, 2, 0}, {0, 3, 1}, {0, -1, 2}, {1, 4, 1}, {1, -1, 2}}},
		{"bytes that fit", Limits{Rate: 10e6, Bytes: 2 * frame},
			[]step{{0, 1, 0}, {0, 2, 0}, {0, 3, 1}, {0, -1, 2}, {2, 4, 0}}},
	} {
		var s Rate
		for i, x := range tt.steps {
			leaves, ahead, full := s.Enter(x.at*ms, frame, tt.limits)
			if (full != "") != (x.leaves < 0) || ahead != x.ahead*frame || full == "" && leaves != x.leaves*ms {
				t.Errorf("%s, frame %d: leaves at %d µs behind %d bytes, full %q; want %+v",
					tt.name, i, leaves/1000, ahead, full, x)
			}
			if full != "" && !strings.HasPrefix(full, "queue full, 2 packets") {
				t.Errorf("%s: %q", tt.name, full)
			}
		}
	}
}
