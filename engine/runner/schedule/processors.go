//go:build linux

package schedule

import (
	"fmt"
	"sync"

	"golang.org/x/sys/unix"
)

// maxProcessors is how many processors a set of them can name.
const maxProcessors = 1024

// Processors gives cases the processors that this process may use. A case gets
// one: its nodes, their softirqs and the relay then run one after the other, so
// that what a node sends stays in order, and a frame wakes nobody on another
// processor.
type Processors struct {
	mu   sync.Mutex
	ids  []int
	used []int // cases on each
}

// Allowed are the processors that the calling thread may run on.
func Allowed() (*Processors, error) {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		return nil, fmt.Errorf("find processors: %w", err)
	}
	p := &Processors{}
	for id := range maxProcessors {
		if set.IsSet(id) {
			p.ids = append(p.ids, id)
		}
	}
	p.used = make([]int, len(p.ids))
	return p, nil
}

// Count is how many there are.
func (p *Processors) Count() int { return len(p.ids) }

// Take gives n processors, or all if there are fewer: those that the fewest cases
// are on. give takes them back.
func (p *Processors) Take(n int) (set *unix.CPUSet, give func()) {
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
