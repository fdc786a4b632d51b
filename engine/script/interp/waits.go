package interp

import (
	"sync"
	"time"
)

// waits is for how long no task had anything to do but to wait.
type waits struct {
	mu    sync.Mutex
	since time.Time // when the last task fell asleep, zero while one is awake
	sum   time.Duration
}

// wakes notes that one more task is awake.
func (v *Interp) wakes() {
	if v.awake.Add(1) != 1 {
		return
	}
	select {
	case v.woken <- struct{}{}:
	default: // nobody has asked since
	}
	v.waits.mu.Lock()
	defer v.waits.mu.Unlock()
	if !v.waits.since.IsZero() {
		v.waits.sum += time.Since(v.waits.since)
		v.waits.since = time.Time{}
	}
}

// sleeps notes that one task less is awake.
func (v *Interp) sleeps() {
	if v.awake.Add(-1) != 0 {
		return
	}
	v.waits.mu.Lock()
	defer v.waits.mu.Unlock()
	v.waits.since = time.Now()
}

// Waited is for how long all tasks did nothing but wait, since the script began.
func (v *Interp) Waited() time.Duration {
	v.waits.mu.Lock()
	defer v.waits.mu.Unlock()
	return v.waits.sum
}
