//go:build linux

package session

import (
	"slices"
	"sync"

	"netrepro/engine/lab/fault"
)

// Faults are the faults that a case has made.
type Faults struct {
	// Harmless has every fault do nothing.
	Harmless bool

	mu     sync.Mutex // of what whoever ends a case looks at
	armed  []fault.Handle
	spared int
}

// Arm makes a fault known, so that it is missed if it never fires.
func (f *Faults) Arm(h fault.Handle) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.armed = append(f.armed, h)
}

// Armed are the faults that are missed if they never fire, in the order they were
// made.
func (f *Faults) Armed() []fault.Handle {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.armed)
}

// Spare reports whether a fault that is being made is to do nothing.
func (f *Faults) Spare() bool {
	if f.Harmless {
		f.spared++
	}
	return f.Harmless
}

// Spared is how many faults were to do nothing.
func (f *Faults) Spared() int { return f.spared }
