//go:build linux

package session

import "sync"

// slots hold what rooms of verbs keep of one case, or of one node.
type slots struct {
	mu sync.Mutex
	of map[any]any // by *Slot
}

func (s *slots) open() *slots { return s }

// Keeper is what rooms keep something of: a [Run] or a [Node].
type Keeper interface {
	comparable
	open() *slots
}

// Slot is a room's own place on each [Run] or [Node]. Only who holds the slot
// reaches what is in it: a room keeps it to itself.
type Slot[K Keeper, T any] struct{ fresh func(K) *T }

// NewSlot makes a slot. Fresh makes what is in it when a case or a node is first
// asked for it.
func NewSlot[K Keeper, T any](fresh func(K) *T) *Slot[K, T] { return &Slot[K, T]{fresh} }

// Of is what is in the slot of k.
func (s *Slot[K, T]) Of(k K) *T {
	all := k.open()
	all.mu.Lock()
	defer all.mu.Unlock()
	if x, ok := all.of[s].(*T); ok {
		return x
	}
	if all.of == nil {
		all.of = map[any]any{}
	}
	x := s.fresh(k)
	all.of[s] = x
	return x
}
