//go:build linux

package relay

import (
	"context"
	"time"

	"netrepro/engine/lab/wire/ledger"
)

// Busy is for how long now the wires have not paused, and how many packets a
// second entered them meanwhile.
func (r *Relay) Busy() (since time.Duration, perSecond int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.ledger.Busy(ledger.Clock())
}

// WaitIdle waits until no frame is on its way and none has been handled for
// the time quiet, so that what the nodes answer at once or after a delayed
// acknowledgement is in the trace. While something sent is not acknowledged it
// waits for longer than the first retransmission takes.
func (r *Relay) WaitIdle(ctx context.Context, quiet time.Duration) error {
	for asked := ledger.Clock(); ; {
		wait := max(r.busyFor(quiet), time.Duration(asked-ledger.Clock())+unseen)
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
	return r.ledger.Passes()
}

// WaitNews waits like [Relay.WaitIdle], but no longer than until the relay has
// handled frames after the pass of the number seen. It returns the number of the
// newest pass, and whether the wires are idle and have been since then.
func (r *Relay) WaitNews(ctx context.Context, quiet time.Duration, seen uint64) (passes uint64, idle bool, err error) {
	for asked := ledger.Clock(); ; {
		r.mu.Lock()
		passes = r.ledger.Passes()
		news := r.ledger.News()
		r.mu.Unlock()
		if passes != seen {
			return passes, false, nil
		}
		wait := max(r.busyFor(quiet), time.Duration(asked-ledger.Clock())+unseen)
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
	now := ledger.Clock()
	if due, ok := r.pipe.Due(); ok {
		return max(time.Duration(due-now), 0) + quiet
	}
	if r.ring != nil && r.ring.Ready() {
		return time.Millisecond
	}
	return r.ledger.Rest(now, quiet)
}
