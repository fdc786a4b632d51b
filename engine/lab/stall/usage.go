package stall

import (
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"
)

// Usage is what the threads of processes had of the processors.
type Usage struct {
	Ran    time.Duration
	Waited time.Duration // they were ready to run, and others had the processors
}

// Used is what the threads of a process had so far, by proc, the file system that is mounted at
// /proc (Linux, Documentation/scheduler/sched-stats.rst). It is zero where the kernel does
// not count.
func Used(proc fs.FS, pid int) (u Usage) {
	tasks, _ := fs.Glob(proc, fmt.Sprintf("%d/task/*/schedstat", pid))
	for _, t := range tasks {
		b, err := fs.ReadFile(proc, t)
		if err != nil {
			continue // the thread has ended
		}
		var ran, waited, slices int64
		if _, err := fmt.Sscan(strings.TrimSpace(string(b)), &ran, &waited, &slices); err == nil {
			u.Ran, u.Waited = u.Ran+time.Duration(ran), u.Waited+time.Duration(waited)
		}
	}
	return u
}

// UsedBelow is what a process and all that came of it had so far. What has ended does not count,
// nor does what a kernel without CONFIG_PROC_CHILDREN does not name.
func UsedBelow(proc fs.FS, pid int) Usage {
	u := Used(proc, pid)
	tasks, _ := fs.Glob(proc, fmt.Sprintf("%d/task/*/children", pid))
	for _, t := range tasks {
		b, _ := fs.ReadFile(proc, t) // empty if the thread has ended
		for _, f := range strings.Fields(string(b)) {
			if child, err := strconv.Atoi(f); err == nil {
				c := UsedBelow(proc, child)
				u.Ran, u.Waited = u.Ran+c.Ran, u.Waited+c.Waited
			}
		}
	}
	return u
}

// Since is what of it came after before was read.
func (u Usage) Since(before Usage) Usage { return Usage{u.Ran - before.Ran, u.Waited - before.Waited} }

// Starved reports whether others had the processors that were wanted within a time: the threads
// waited for a fifth of it, and did not themselves use most of it.
func (u Usage) Starved(within time.Duration) bool { return u.Waited > within/5 && u.Ran < within/2 }
