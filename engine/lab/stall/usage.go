package stall

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"slices"
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

// Below are a process and all that came of it and has not ended. A kernel without
// CONFIG_PROC_CHILDREN names none but the process.
func Below(proc fs.FS, pid int) []int {
	out := []int{pid}
	tasks, _ := fs.Glob(proc, fmt.Sprintf("%d/task/*/children", pid))
	for _, t := range tasks {
		b, _ := fs.ReadFile(proc, t) // empty if the thread has ended
		for _, f := range strings.Fields(string(b)) {
			if child, err := strconv.Atoi(f); err == nil {
				out = append(out, Below(proc, child)...)
			}
		}
	}
	return out
}

// tick is the unit of times in /proc/PID/stat (USER_HZ).
const tick = time.Second / 100

// UsedBelow is what a process and all that came of it had so far. Of what has ended it is known how
// long it ran, but not how long it waited.
func UsedBelow(proc fs.FS, pid int) (u Usage) {
	for _, p := range Below(proc, pid) {
		one := Used(proc, p)
		u.Ran, u.Waited = u.Ran+one.Ran, u.Waited+one.Waited
		if f := status(proc, fmt.Sprintf("%d/stat", p)); len(f) > 14 {
			for _, children := range f[13:15] { // cutime and cstime
				n, _ := strconv.Atoi(children)
				u.Ran += time.Duration(n) * tick
			}
		}
	}
	return u
}

// status are the words of a stat file of a process or a thread, from its state on (Linux,
// proc_pid_stat(5)). Its name stands before, in brackets, and may have any characters.
func status(proc fs.FS, path string) []string {
	b, _ := fs.ReadFile(proc, path) // empty if it has ended
	return strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
}

// Wants reports whether a process, or what came of it, has a processor or waits for one at this
// moment.
func Wants(proc fs.FS, pid int) bool {
	return slices.ContainsFunc(Below(proc, pid), func(p int) bool { return Ready(proc, p) })
}

// Ready reports whether a thread of a process has a processor or waits for one (state R).
func Ready(proc fs.FS, pid int) bool {
	tasks, _ := fs.Glob(proc, fmt.Sprintf("%d/task/*/stat", pid))
	return slices.ContainsFunc(tasks, func(t string) bool {
		f := status(proc, t)
		return len(f) > 0 && f[0] == "R"
	})
}

// Keeps reports whether a process, or what came of it, wants a processor over some time: in most of
// several looks.
func Keeps(proc fs.FS, pid int) bool {
	const looks = 5
	n := 0
	for i := range looks {
		if i > 0 {
			time.Sleep(apart)
		}
		if Wants(proc, pid) {
			n++
		}
	}
	return n > looks/2
}

// apart is how long after a look the next one is.
const apart = 10 * time.Millisecond

// Unserved reports whether a process, or what came of it, waits for a processor at this moment, and
// neither got one for a while nor did all below top, of which it is a part, use most of that: others
// have them. What the kernel counts of a wait it counts when that ends.
func Unserved(proc fs.FS, pid, top int) bool {
	const looks = 5
	began, had := time.Now(), UsedBelow(proc, top).Ran
	if had == 0 {
		return false // the kernel does not count
	}
	ran := map[int]time.Duration{}
	for _, p := range Below(proc, pid) {
		if Ready(proc, p) {
			ran[p] = Used(proc, p).Ran
		}
	}
	for i := 1; i < looks && len(ran) > 0; i++ {
		time.Sleep(apart)
		maps.DeleteFunc(ran, func(p int, was time.Duration) bool { return !Ready(proc, p) || Used(proc, p).Ran-was >= apart })
	}
	return len(ran) > 0 && UsedBelow(proc, top).Ran-had < time.Since(began)/2
}

// Since is what of it came after before was read.
func (u Usage) Since(before Usage) Usage { return Usage{u.Ran - before.Ran, u.Waited - before.Waited} }

// Starved reports whether others had the processors that were wanted within a time: the threads
// waited for a fifth of it, and did not themselves use most of it.
func (u Usage) Starved(within time.Duration) bool { return u.Waited > within/5 && u.Ran < within/2 }
