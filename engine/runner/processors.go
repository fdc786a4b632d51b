//go:build linux

package runner

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// maxProcessors is how many processors a set of them can name.
const maxProcessors = 1024

// processors gives cases the processors that this process may use. A case gets
// one: its nodes, their softirqs and the relay then run one after the other, so
// that what a node sends stays in order, and a frame wakes nobody on another
// processor.
type processors struct {
	mu   sync.Mutex
	ids  []int
	used []int // cases on each
}

// allowed are the processors that the calling thread may run on.
func allowed() (*processors, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("find processors: %w", err)
	}
	p := &processors{}
	for id := range maxProcessors {
		if set.IsSet(id) {
			p.ids = append(p.ids, id)
		}
	}
	p.used = make([]int, len(p.ids))
	return p, nil
}

// take gives n processors, or all if there are fewer: those that the fewest cases
// are on. give takes them back.
func (p *processors) take(n int) (set *unix.CPUSet, give func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	set = &unix.CPUSet{}
	var mine []int
	for range min(max(n, 1), len(p.ids)) {
		best := -1
		for i, used := range p.used {
			if !set.IsSet(p.ids[i]) && (best < 0 || used < p.used[best]) {
				best = i
			}
		}
		set.Set(p.ids[best])
		p.used[best]++
		mine = append(mine, best)
	}
	return set, func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		for _, i := range mine {
			p.used[i]--
		}
	}
}

// on runs f, which starts a process, on a thread that has these processors: the
// process inherits them. The calling goroutine must be locked to its thread.
func on(set *unix.CPUSet, f func() error) error {
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("find processors: %w", err)
	}
	if err := unix.SchedSetaffinity(0, set); err != nil {
		return fmt.Errorf("choose processors: %w", err)
	}
	err := f()
	if back := unix.SchedSetaffinity(0, &before); err == nil && back != nil {
		err = fmt.Errorf("give processors back: %w", back)
	}
	return err
}
