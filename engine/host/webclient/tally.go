//go:build linux

package webclient

import (
	"maps"
	"sync"
)

// How a connection ended that nothing went wrong with.
const (
	clientClosed = "client closed"
	serverClosed = "server closed"
)

// Tally accounts for the connections of clients: each that was begun is open or
// stands in how they ended. It may be shared by sessions.
type Tally struct {
	mu    sync.Mutex
	begun int
	open  int
	peak  int
	ended map[string]int
}

// Begun is how many connections were begun.
func (t *Tally) Begun() int { return t.get(&t.begun) }

// standing is how many stand now: ready to carry a request, with TLS if it is spoken.
func (t *Tally) standing() int { return t.get(&t.open) }

// Peak is how many stood at once at most.
func (t *Tally) Peak() int { return t.get(&t.peak) }

func (t *Tally) get(n *int) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return *n
}

// Ended is how many connections ended in each way: [clientClosed],
// [serverClosed], or what failed as in [Response]: "connect ECONNREFUSED".
func (t *Tally) Ended() map[string]int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return maps.Clone(t.ended)
}

func (t *Tally) begin() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.begun++
}

func (t *Tally) stands() {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	t.open++
	t.peak = max(t.peak, t.open)
}

// end accounts for one that stood, or that never did.
func (t *Tally) end(how string, stood bool) {
	if t == nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if stood {
		t.open--
	}
	if t.ended == nil {
		t.ended = map[string]int{}
	}
	t.ended[how]++
}
