// Package stall measures how long the host kept the engine from running. A
// time bound that was missed while the host was stalled says nothing about the
// network; callers use [Monitor.During] to tell.
package stall

import (
	"context"
	"sync"
	"time"
)

// threshold is the least delay that counts as a stall: several scheduler
// ticks, below the smallest timer of TCP that a verdict may depend on (the
// 40 ms delayed acknowledgement).
const threshold = 10 * time.Millisecond

// Matters is a stall that can make TCP itself behave otherwise: a good part of
// its least retransmission timeout, 200 ms.
const Matters = 100 * time.Millisecond

const (
	period    = 5 * time.Millisecond
	maxStalls = 4096
)

// stretch is one stretch of time in which the engine could not run.
type stretch struct {
	at     time.Time // when it ended
	length time.Duration
}

// Monitor collects stalls. A nil *Monitor collects nothing.
type Monitor struct {
	clock  clock
	mu     sync.Mutex
	stalls []stretch
	stop   context.CancelFunc
	done   chan struct{}
}

// clock is the time, and what wakes a monitor.
type clock struct {
	now func() time.Time
	// wake returns a channel that is sent to once d is over, and what to call when
	// it is no longer waited for.
	wake func(d time.Duration) (woken <-chan time.Time, stop func())
}

// machine is the clock of the machine.
var machine = clock{now: time.Now, wake: func(d time.Duration) (<-chan time.Time, func()) {
	t := time.NewTimer(d)
	return t.C, func() { t.Stop() }
}}

// Start begins to watch, with a timer that notes when it is woken late.
func Start() *Monitor { return start(machine) }

func start(c clock) *Monitor {
	ctx, cancel := context.WithCancel(context.Background())
	m := &Monitor{clock: c, stop: cancel, done: make(chan struct{})}
	go m.watch(ctx)
	return m
}

func (m *Monitor) watch(ctx context.Context) {
	defer close(m.done)
	for {
		due := m.clock.now().Add(period)
		woken, stop := m.clock.wake(period)
		select {
		case <-ctx.Done():
			stop()
			return
		case <-woken:
			m.Note(m.clock.now().Sub(due))
		}
	}
}

// Note reports that something due now was late by so much.
func (m *Monitor) Note(late time.Duration) {
	if m == nil || late < threshold {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.clock.now()
	if n := len(m.stalls); n > 0 && !now.Add(-late).After(m.stalls[n-1].at) {
		// Part of the stall noted before, as every frame that waited is.
		last := &m.stalls[n-1]
		begin := last.at.Add(-last.length)
		if b := now.Add(-late); b.Before(begin) {
			begin = b
		}
		last.at, last.length = now, now.Sub(begin)
		return
	}
	if len(m.stalls) == maxStalls {
		m.stalls = m.stalls[1:]
	}
	m.stalls = append(m.stalls, stretch{at: now, length: late})
}

// During returns the total and the longest of the stalls that ended after since,
// each with its whole length.
func (m *Monitor) During(since time.Time) (total, longest time.Duration) {
	if m == nil {
		return 0, 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, s := range m.stalls {
		if s.at.Before(since) {
			continue
		}
		total += s.length
		longest = max(longest, s.length)
	}
	return total, longest
}

// Close stops watching.
func (m *Monitor) Close() {
	if m == nil {
		return
	}
	m.stop()
	<-m.done
}
