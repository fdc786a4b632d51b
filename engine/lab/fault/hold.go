//go:build linux

package fault

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"netrepro/engine/lab/wire"
	"netrepro/engine/trace"
)

// Hold keeps packets back until they are released, one by one or all, in any
// order, or until an event comes.
type Hold struct {
	Till *Event        // a packet that lets all go, behind itself; nil if none
	Most time.Duration // how long each is held at most; 0 for ever

	mu     sync.Mutex
	held   []*wire.Held
	total  int
	change chan struct{} // closed when total changes
}

// Verb implements [Action].
func (*Hold) Verb() string { return "hold" }

// String implements [Action].
func (h *Hold) String() string {
	var parts []string
	if h.Till != nil {
		parts = append(parts, "till "+h.Till.String())
	}
	if h.Most > 0 {
		parts = append(parts, "at most "+h.Most.String())
	}
	return strings.Join(parts, " ")
}

// Do implements [Action]. What lets the others go is not held itself.
func (h *Hold) Do(p *trace.Packet, v *wire.Verdict, name string) error {
	if h.Till != nil && h.Till.Match != nil && h.Till.happens(p) {
		return errLetBy
	}
	v.Hold(func(x *wire.Held) {
		h.mu.Lock()
		defer h.mu.Unlock()
		h.gone()
		h.held = append(h.held, x)
		h.total++
		if h.change != nil {
			close(h.change)
			h.change = nil
		}
	}, h.Most, trace.HeldBy+name)
	return nil
}

// gone leaves out what was held as long as it may be. The caller has the lock.
func (h *Hold) gone() {
	if h.Most > 0 {
		h.held = slices.DeleteFunc(h.held, func(x *wire.Held) bool { return x.Released() })
	}
}

// observe lets go of all that is held when the event comes.
func (h *Hold) observe(p *trace.Packet, v *wire.Verdict) {
	if h.Till == nil {
		return
	}
	h.mu.Lock()
	waiting := len(h.held) > 0
	h.mu.Unlock()
	if !waiting || !h.Till.happens(p) {
		return
	}
	for _, x := range h.Take(nil) {
		v.Release(x)
	}
}

// Held are the packets held now, in the order they came.
func (h *Hold) Held() []*trace.Packet {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gone()
	out := make([]*trace.Packet, len(h.held))
	for i, x := range h.held {
		out[i] = x.Packet
	}
	return out
}

// Take takes packets out, by their places from 1 among those held, in the order
// given; nil takes all. They are to be released.
func (h *Hold) Take(order []int) []*wire.Held {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.gone()
	if order == nil {
		out := h.held
		h.held = nil
		return out
	}
	var out []*wire.Held
	for _, n := range order {
		if n >= 1 && n <= len(h.held) && h.held[n-1] != nil {
			out = append(out, h.held[n-1])
			h.held[n-1] = nil
		}
	}
	h.held = slices.DeleteFunc(h.held, func(x *wire.Held) bool { return x == nil })
	return out
}

// Wait waits until so many packets were held since the hold was made.
func (h *Hold) Wait(ctx context.Context, n int) error {
	for {
		h.mu.Lock()
		if h.total >= n {
			h.mu.Unlock()
			return nil
		}
		if h.change == nil {
			h.change = make(chan struct{})
		}
		change, had := h.change, h.total
		h.mu.Unlock()
		select {
		case <-change:
		case <-ctx.Done():
			return fmt.Errorf("%d of %d packets held: %w", had, n, ctx.Err())
		}
	}
}
