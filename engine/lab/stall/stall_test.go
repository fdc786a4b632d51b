package stall

import (
	"testing"
	"time"
)

func TestNote(t *testing.T) {
	m := &Monitor{}
	began := time.Now()
	m.Note(Threshold - 1)
	if total, longest := m.During(began); total != 0 || longest != 0 {
		t.Errorf("too short to count, but %s, %s", total, longest)
	}
	for range 2 * maxStalls { // every frame that waited reports the same stall
		m.Note(time.Since(began) + 50*time.Millisecond)
	}
	total, longest := m.During(began)
	if len(m.stalls) != 1 || total != longest || longest < 50*time.Millisecond {
		t.Errorf("%d stalls, total %s, longest %s; want one", len(m.stalls), total, longest)
	}
	if total, _ := m.During(time.Now()); total != 0 {
		t.Errorf("a stall that is over counts: %s", total)
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

func TestWatch(t *testing.T) {
	m := Start()
	m.Close()
}
