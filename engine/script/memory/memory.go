//go:build linux

// Package memory keeps an interpreter from taking the machine's memory.
package memory

import (
	"fmt"
	"runtime"
	"runtime/debug"
	"runtime/metrics"
	"time"

	"netrepro/engine/script/vm"
)

// period is how often a script that runs is looked at.
const period = 20 * time.Millisecond

// Guard stops v when the process holds more than most says, until release
// is called: the interpreter itself knows no bound, and a slip must not take the
// machine's memory. While all of the script waits, and nothing grows, it looks less and
// less often, down to once in rest; 0 has it always look as often.
func Guard(v *vm.VM, rest time.Duration, most func() uint64) (release func()) {
	// The collector must not let garbage pile up beside it.
	goal := most()
	before := debug.SetMemoryLimit(int64(goal))
	done, over := make(chan struct{}), make(chan struct{})
	go func() {
		tick := time.NewTimer(period)
		defer tick.Stop()
		defer close(over)
		pause, last := period, uint64(0)
		for {
			var woken <-chan struct{}
			if pause > period {
				woken = v.Woken()
			}
			select {
			case <-done:
				return
			case <-v.Context().Done():
				return
			case <-woken:
			case <-tick.C:
			}
			bound := most()
			if bound > goal {
				goal = bound
				debug.SetMemoryLimit(int64(goal))
			}
			live, all := held()
			pause = min(2*pause, max(rest, period))
			if v.Awake() || all > last+slack {
				pause = period
			}
			last = all
			tick.Reset(pause)
			if live <= bound && all > bound*3/2 { // it grows faster than it is collected
				runtime.GC()
				live, _ = held()
			}
			if live > bound {
				v.Stop(fmt.Errorf("it holds more than %d MB: look for a table or a string that grows without bound",
					bound>>20))
				return
			}
		}
	}()
	return func() {
		close(done)
		<-over
		debug.SetMemoryLimit(before)
	}
}

// slack is what the heap may grow by without anything having been done.
const slack = 256 << 10

// held is how many bytes of the heap were in use when they were last collected,
// and how many are there now.
func held() (live, all uint64) {
	s := []metrics.Sample{{Name: "/gc/heap/live:bytes"}, {Name: "/memory/classes/heap/objects:bytes"}}
	metrics.Read(s)
	return s[0].Value.Uint64(), s[1].Value.Uint64()
}
