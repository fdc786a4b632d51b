//go:build linux

package schedule

import (
	"context"
	"testing"
	"time"
)

// TestPace lets cases begin as the processors are busy.
func TestPace(t *testing.T) {
	load := func(p *Pace, share float64) { // of the time, for long enough to be believed
		now := p.last
		for range 40 {
			now.all += 100
			now.idle += uint64(100 * (1 - share))
			p.sample(now)
		}
	}
	begun := func(p *Pace) (n int) {
		for p.may() {
			n++
		}
		return n
	}
	const quiet, stalled = 0, 200 * time.Millisecond
	for _, tt := range []struct {
		name  string
		fixed int
		do    func(*Pace) int
		want  int
	}{
		{"a fixed number", 3, begun, 3},
		{"a fixed number on a busy machine", 3, func(p *Pace) int { load(p, 1); return begun(p) }, 3},
		{"idle processors", Auto, func(p *Pace) int { load(p, 0); return begun(p) }, 4},
		{"busy ones still carry one case each", Auto, func(p *Pace) int { load(p, 1); return begun(p) }, 2},
		{"cases that end quietly make room for more", Auto, func(p *Pace) int {
			load(p, 0)
			for range 5 {
				for begun(p); p.running > 0; {
					p.End(quiet)
				}
				load(p, 0)
			}
			return begun(p)
		}, 7}, // of nine, for each is expected to make the processors busier
		{"there is an end to it", Auto, func(p *Pace) int {
			for range 100 {
				p.running = p.limit
				p.End(quiet)
			}
			return p.limit
		}, 2 * perProcessor},
		{"a stall makes fewer of them", Auto, func(p *Pace) int {
			p.limit = 12
			load(p, 0)
			for n := begun(p); n > 0; n-- {
				p.End(stalled)
			}
			load(p, 0)
			return begun(p)
		}, 2},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := NewPace(tt.fixed, 2)
			p.sample(ticks{idle: 100, all: 200})
			if got := tt.do(p); got != tt.want {
				t.Errorf("got %d, want %d", got, tt.want)
			}
		})
	}
}

// TestPaceEnds has the context end what waits.
func TestPaceEnds(t *testing.T) {
	p := NewPace(1, 1)
	ctx, cancel := context.WithCancel(t.Context())
	if err := p.Begin(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	if p.Begin(ctx) == nil || p.Alone(ctx) == nil {
		t.Error("a second case began")
	}
}

func TestParseTicks(t *testing.T) {
	for text, want := range map[string]ticks{
		"cpu  10 1 20 300 4 0 5 6 7 8\ncpu0 1 2 3\n": {idle: 304, all: 346},
		"cpu0 10 1 20 300 4 0 5 6\n":                 {},
		"cpu  10 x 20 300 4 0 5 6\n":                 {},
		"":                                           {},
	} {
		if got := parseTicks([]byte(text)); got != want {
			t.Errorf("%q: got %v, want %v", text, got, want)
		}
	}
	if now := readTicks(); now.all == 0 {
		t.Error("nothing is read of this machine")
	}
}
