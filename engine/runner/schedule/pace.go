//go:build linux

// Package schedule says when another case may begin and which processors it gets.
// It measures how busy the machine is, and starts nothing itself.
//
// Invariant: at least one case runs for each processor, or as many as were asked
// for, however busy the machine is.
package schedule

import (
	"bytes"
	"context"
	"os"
	"strconv"
	"sync"
	"time"
)

// Auto is as many cases side by side as the processors can carry.
const Auto = 0

// Pace says when another case may begin. Most of a case is waiting, so that many
// can run at once; how many is measured, by how busy the processors are and by
// the stalls of the cases that have ended.
type Pace struct {
	fixed int // so many; 0 for as many as can be carried
	least int // always so many

	mu      sync.Mutex
	running int
	limit   int
	ended   chan struct{} // a case has

	busy float64 // share of the processors' time, of late
	last ticks
}

const (
	// perProcessor bounds how many cases run at once for each processor.
	perProcessor = 8
	// sampling is how often it is measured how busy the processors are, and
	// smoothing how much of the figure the newest sample is.
	sampling, smoothing = 25 * time.Millisecond, 0.3
	// carries is how busy the processors may be for another case to begin: a
	// case at work must not wait for its turn.
	carries = 0.5
	// disturbs is a stall after which fewer cases run at once.
	disturbs = 40 * time.Millisecond
)

// NewPace paces cases on so many processors: fixed at once, or [Auto].
func NewPace(fixed, processors int) *Pace {
	return &Pace{fixed: fixed, least: processors, limit: 2 * processors, ended: make(chan struct{}, 1)}
}

// Begin waits until another case may begin. It fails only if ctx ends.
func (p *Pace) Begin(ctx context.Context) error {
	for {
		if p.may() {
			return nil
		}
		var again <-chan time.Time
		if p.fixed == Auto {
			again = time.After(sampling)
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.ended:
		case <-again:
			p.sample(readTicks())
		}
	}
}

// Alone waits until no case runs, and begins one. It fails only if ctx ends.
func (p *Pace) Alone(ctx context.Context) error {
	for {
		p.mu.Lock()
		if p.running == 0 {
			p.running++
			p.mu.Unlock()
			return nil
		}
		p.mu.Unlock()
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-p.ended:
		}
	}
}

// may begins another case if it may begin now.
func (p *Pace) may() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.fixed != Auto && p.running >= p.fixed,
		p.fixed == Auto && p.running >= p.least && (p.running >= p.limit || p.busy > carries):
		return false
	}
	p.running++
	// What the case will need is not in any sample yet.
	p.busy += smoothing / float64(2*p.least)
	return true
}

// End takes in that a case has ended, and its longest stall of the host.
func (p *Pace) End(stalled time.Duration) {
	p.mu.Lock()
	p.running--
	if stalled >= disturbs {
		p.limit = max(p.least, min(p.limit, p.running+1)*3/4)
	} else if p.running+1 >= p.limit {
		p.limit = min(p.limit+1, perProcessor*p.least)
	}
	p.mu.Unlock()
	select {
	case p.ended <- struct{}{}:
	default:
	}
}

// ticks are the processors' time since the machine began.
type ticks struct{ idle, all uint64 }

// sample takes in how busy the processors were since the last sample.
func (p *Pace) sample(now ticks) {
	p.mu.Lock()
	defer p.mu.Unlock()
	all := now.all - p.last.all
	if all == 0 || p.last.all == 0 {
		p.last = now
		return
	}
	share := 1 - float64(now.idle-p.last.idle)/float64(all)
	p.busy += (share - p.busy) * smoothing
	p.last = now
}

// readTicks reads the first line of /proc/stat (proc_stat(5)): user, nice,
// system, idle, iowait and so on. Where it cannot be read, as in some containers,
// the processors seem idle, and stalls alone decide.
func readTicks() ticks {
	text, err := os.ReadFile("/proc/stat")
	if err != nil {
		return ticks{}
	}
	return parseTicks(text)
}

func parseTicks(text []byte) (t ticks) {
	line, _, _ := bytes.Cut(text, []byte{'\n'})
	fields := bytes.Fields(line)
	if len(fields) < 6 || string(fields[0]) != "cpu" {
		return ticks{}
	}
	// Guests are counted in user already: the first eight are all there is.
	for i, f := range fields[1:min(len(fields), 9)] {
		n, err := strconv.ParseUint(string(f), 10, 64)
		if err != nil {
			return ticks{}
		}
		if t.all += n; i == 3 || i == 4 {
			t.idle += n
		}
	}
	return t
}
