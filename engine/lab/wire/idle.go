//go:build linux

package wire

import (
	"context"
	"time"
)

// busyPause is how long a pause is at least, for [Relay.Busy].
const busyPause = 200 * time.Millisecond

// Busy is for how long now the wires have not paused, and how many packets a
// second entered them meanwhile.
func (r *Relay) Busy() (since time.Duration, perSecond int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := clock()
	since = time.Duration(now - r.busy)
	if time.Duration(now-r.last) > busyPause || since <= 0 {
		return 0, 0
	}
	return since, int(float64(r.frames) / since.Seconds())
}

// WaitIdle waits until no frame is on its way and none has been handled for
// the time quiet, so that what the nodes answer at once or after a delayed
// acknowledgement is in the trace. While something sent is not acknowledged it
// waits for at least pastRTO.
func (r *Relay) WaitIdle(ctx context.Context, quiet time.Duration) error {
	for asked := clock(); ; {
		wait := max(r.busyFor(quiet), time.Duration(asked-clock())+unseen)
		if wait <= 0 {
			return nil
		}
		if err := pause(ctx, wait, nil); err != nil {
			return err
		}
	}
}

// unseen is how long a frame may have left its node without being in the ring: the
// kernel leaves what a softirq has queued to a thread if the program that the same
// softirq has woken is to run first (__do_softirq).
const unseen = 10 * time.Millisecond

// pause waits for so long, or until there is news.
func pause(ctx context.Context, wait time.Duration, news <-chan struct{}) error {
	t := time.NewTimer(wait)
	defer t.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-news:
	case <-t.C:
	}
	return nil
}

// Passes is how often the relay has handled frames so far.
func (r *Relay) Passes() uint64 {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.passes
}

// WaitNews waits like [Relay.WaitIdle], but no longer than until the relay has
// handled frames after the pass of the number seen. It returns the number of the
// newest pass, and whether the wires are idle and have been since then.
func (r *Relay) WaitNews(ctx context.Context, quiet time.Duration, seen uint64) (passes uint64, idle bool, err error) {
	for asked := clock(); ; {
		r.mu.Lock()
		passes = r.passes
		if r.news == nil {
			r.news = make(chan struct{})
		}
		news := r.news
		r.mu.Unlock()
		if passes != seen {
			return passes, false, nil
		}
		wait := max(r.busyFor(quiet), time.Duration(asked-clock())+unseen)
		if wait <= 0 {
			return passes, r.Passes() == seen, nil
		}
		if err := pause(ctx, wait, news); err != nil {
			return passes, false, err
		}
	}
}

// busyFor is how long to wait before the wires may be idle, 0 if they are.
func (r *Relay) busyFor(quiet time.Duration) time.Duration {
	r.mu.Lock()
	defer r.mu.Unlock()
	now := clock()
	if due, ok := r.queue.next(); ok {
		return max(time.Duration(due-now), 0) + quiet
	}
	if r.ring != nil && r.ring.ready() {
		return time.Millisecond
	}
	if r.trace.Unacked() {
		quiet = max(quiet, pastRTO)
	}
	return time.Duration(r.last-now) + quiet
}
