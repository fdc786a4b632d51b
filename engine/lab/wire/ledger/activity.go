//go:build linux

package ledger

import "time"

const (
	// busyPause is how long a pause is at least, for Ledger.Busy: longer than a busy host may take the
	// relay's processor away.
	busyPause = 500 * time.Millisecond
	// pastRTO is longer than the first retransmission timeout of a path
	// without much delay (200 ms, TCP_RTO_MIN of Linux).
	pastRTO = 300 * time.Millisecond
)

// activity is when frames were handled.
type activity struct {
	last   int64 // when a frame was last handled
	busy   int64 // since when there was no pause of busyPause
	frames int   // that entered a wire since then
	passes uint64
	news   chan struct{} // closed by the next pass; nil if nobody waits for it
}

// Handled notes that a pass has handled frames.
func (l *Ledger) Handled(now int64) {
	if now-l.last > int64(busyPause) {
		l.busy, l.frames = now, 0
	}
	l.last = now
	if l.dirty == 0 {
		l.dirty = now
	}
	l.passes++
	if l.news != nil {
		close(l.news)
		l.news = nil
	}
}

// Busy is for how long now the wires have not paused, and how many packets a
// second entered them meanwhile.
func (a *activity) Busy(now int64) (since time.Duration, perSecond int) {
	since = time.Duration(now - a.busy)
	if time.Duration(now-a.last) > busyPause || since <= 0 {
		return 0, 0
	}
	return since, int(float64(a.frames) / since.Seconds())
}

// Passes is how many passes have handled frames so far.
func (a *activity) Passes() uint64 { return a.passes }

// News is closed by the next pass that handles frames.
func (a *activity) News() <-chan struct{} {
	if a.news == nil {
		a.news = make(chan struct{})
	}
	return a.news
}

// Rest is how long to wait from now on until nothing has been handled for the time
// quiet, or, while something sent is not acknowledged, for at least pastRTO.
func (l *Ledger) Rest(now int64, quiet time.Duration) time.Duration {
	if l.trace.Unacked() {
		quiet = max(quiet, pastRTO)
	}
	return time.Duration(l.last-now) + quiet
}
