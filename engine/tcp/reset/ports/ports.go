// Package ports remembers which ports had connections reset just before: a listener
// that is closed resets all that it has not accepted at once.
package ports

import (
	"net/netip"
	"time"
)

const (
	// atOnce bounds how far apart the resets are of a listener that is closed. What
	// tells is that its port sends nothing else between them.
	atOnce = 100 * time.Millisecond
	// most bounds how many ports are remembered.
	most = 1 << 12
)

// last is when connections of a port were last reset, and how many.
type last struct {
	time  time.Duration
	conns int
}

// Table is the ports by address. The zero value is empty.
type Table struct{ of map[netip.AddrPort]last }

// Reset counts a reset of a connection of a port, and returns how many there were just
// before.
func (t *Table) Reset(port netip.AddrPort, now time.Duration) int {
	q, ok := t.of[port]
	if !ok || now-q.time > atOnce {
		q = last{}
		if t.of == nil || len(t.of) >= most {
			t.of = map[netip.AddrPort]last{}
		}
	}
	t.of[port] = last{now, q.conns + 1}
	return q.conns
}

// Sends takes in that a port sends something else.
func (t *Table) Sends(port netip.AddrPort) {
	if len(t.of) > 0 {
		delete(t.of, port)
	}
}
