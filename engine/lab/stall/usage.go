//go:build linux

package worker

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// usage is what the threads of a process had of the processors.
type usage struct{ ran, waited time.Duration }

// used reads what a process's threads ran, and how long they were ready to run and had no
// processor (Linux, Documentation/scheduler/sched-stats.rst). It is zero where the kernel
// does not count.
func used(pid int) (u usage) {
	tasks, _ := filepath.Glob(fmt.Sprintf("/proc/%d/task/*/schedstat", pid))
	for _, t := range tasks {
		b, err := os.ReadFile(t)
		if err != nil {
			continue // the thread has ended
		}
		var ran, waited, slices int64
		if _, err := fmt.Sscan(strings.TrimSpace(string(b)), &ran, &waited, &slices); err == nil {
			u.ran, u.waited = u.ran+time.Duration(ran), u.waited+time.Duration(waited)
		}
	}
	return u
}

// starved reports whether others had the processors that a process wanted: it waited for a
// fifth of its time, and did not itself use most of it.
func (u usage) starved(timeout time.Duration) bool { return u.waited > timeout/5 && u.ran < timeout/2 }
