package stall

import (
	"testing"
	"time"
)

// hand is a clock that a test moves while the monitor sleeps.
type hand struct {
	at    time.Time
	asked chan time.Duration // how long the monitor sleeps
	woken chan time.Time
}

func (h *hand) clock() clock {
	return clock{now: func() time.Time { return h.at }, wake: func(d time.Duration) (<-chan time.Time, func()) {
		h.asked <- d
		return h.woken, func() {}
	}}
}

// still is a monitor that nobody wakes, at a time.
func still(at time.Time) (*Monitor, *hand) {
	h := &hand{at: at}
	return &Monitor{clock: h.clock()}, h
}

// TestNote notes what was late: what is one stall counts once.
func TestNote(t *testing.T) {
	const ms = time.Millisecond
	type note struct {
		at, late time.Duration // since the beginning
	}
	began := time.Unix(1000, 0)
	for _, tt := range []struct {
		name           string
		notes          []note
		since          time.Duration
		total, longest time.Duration
	}{
		{"nothing", nil, 0, 0, 0},
		{"too short", []note{{20 * ms, threshold - 1}}, 0, 0, 0},
		{"one", []note{{60 * ms, 50 * ms}}, 0, 50 * ms, 50 * ms},
		{"what waited during it", []note{{60 * ms, 50 * ms}, {60 * ms, 30 * ms}, {61 * ms, 40 * ms}},
			0, 51 * ms, 51 * ms},
		{"what waited since before it", []note{{60 * ms, 20 * ms}, {61 * ms, 50 * ms}}, 0, 50 * ms, 50 * ms},
		{"two", []note{{60 * ms, 50 * ms}, {200 * ms, 20 * ms}}, 0, 70 * ms, 50 * ms},
		{"one that is over does not count", []note{{60 * ms, 50 * ms}, {200 * ms, 20 * ms}},
			100 * ms, 20 * ms, 20 * ms},
		{"all are over", []note{{60 * ms, 50 * ms}}, 100 * ms, 0, 0},
	} {
		m, h := still(began)
		for _, n := range tt.notes {
			h.at = began.Add(n.at)
			m.Note(n.late)
		}
		if total, longest := m.During(began.Add(tt.since)); total != tt.total || longest != tt.longest {
			t.Errorf("%s: %s in all, the longest %s; want %s, %s", tt.name, total, longest, tt.total, tt.longest)
		}
	}
}

// TestBounded notes more stalls than are kept: the last ones are.
func TestBounded(t *testing.T) {
	began := time.Unix(1000, 0)
	m, h := still(began)
	for range 2 * maxStalls {
		h.at = h.at.Add(time.Second)
		m.Note(threshold)
	}
	if total, _ := m.During(began); total != maxStalls*threshold {
		t.Errorf("%s are kept, want %s", total, maxStalls*threshold)
	}
}

func TestNil(t *testing.T) {
	var m *Monitor
	m.Note(time.Second)
	if total, _ := m.During(time.Time{}); total != 0 {
		t.Error("a nil monitor noted something")
	}
	m.Close()
}

// TestWatch wakes a monitor in time and late: it notes the second alone, and ends
// when it is closed.
func TestWatch(t *testing.T) {
	began := time.Unix(1000, 0)
	h := &hand{at: began, asked: make(chan time.Duration), woken: make(chan time.Time)}
	m := start(h.clock())
	sleep := <-h.asked
	for _, tt := range []struct{ late, want time.Duration }{
		{0, 0}, {threshold - 1, 0}, {Matters, Matters}, {0, Matters},
	} {
		h.at = h.at.Add(sleep + tt.late)
		h.woken <- h.at
		sleep = <-h.asked // it has noted what was late
		if total, longest := m.During(began); total != tt.want || longest != tt.want {
			t.Errorf("woken %s late: %s in all, the longest %s; want %s", tt.late, total, longest, tt.want)
		}
	}
	m.Close()
}

// TestStart starts a monitor with the machine's clock, and closes it.
func TestStart(t *testing.T) {
	m := Start()
	m.Note(Matters)
	if total, _ := m.During(time.Time{}); total < Matters {
		t.Errorf("what was noted is %s", total)
	}
	m.Close()
}
