//go:build linux

package worker

import (
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path"
	"slices"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"netrepro/engine/lab/stall"
)

// sleep is where a thread waits that not even a signal can wake, or that it waits for a
// processor, and how often it had given one up before and how long it had run.
type sleep struct{ in, had string }

// unserved is where a thread waits that is ready to run.
const unserved = "the queue for a processor"

// asleep finds the threads of a process and of all it started that wait for what only the
// kernel can give, such as a lock or a processor (states D and R of proc_pid_stat(5)), by their
// ids.
func asleep(proc fs.FS, pid int) map[int]sleep {
	found := map[int]sleep{}
	asleepBelow(proc, pid, found)
	return found
}

func asleepBelow(proc fs.FS, pid int, found map[int]sleep) {
	tasks, _ := fs.Glob(proc, fmt.Sprintf("%d/task/*", pid))
	for _, t := range tasks {
		if children, err := fs.ReadFile(proc, t+"/children"); err == nil {
			for _, c := range strings.Fields(string(children)) {
				if id, err := strconv.Atoi(c); err == nil {
					asleepBelow(proc, id, found)
				}
			}
		}
		id, err := strconv.Atoi(path.Base(t))
		if err != nil {
			continue
		}
		status, err := fs.ReadFile(proc, t+"/status")
		if err != nil {
			continue // the thread has ended
		}
		s, state := sleep{}, ""
		for line := range strings.Lines(string(status)) {
			key, value, _ := strings.Cut(line, ":")
			switch value = strings.TrimSpace(value); key {
			case "State":
				state = value[:min(len(value), 1)]
			case "voluntary_ctxt_switches", "nonvoluntary_ctxt_switches":
				s.had += value + " "
			}
		}
		ran, err := fs.ReadFile(proc, t+"/schedstat")
		s.had += string(ran)
		switch {
		case state == "D":
			if in, err := fs.ReadFile(proc, t+"/wchan"); err == nil {
				s.in = strings.TrimSpace(string(in))
			}
		case state == "R" && err == nil: // else it may have run, and nobody counts that
			s.in = unserved
		default:
			continue
		}
		found[id] = s
	}
}

// stuck names the kernel's functions in which threads waited at an earlier look and wait
// still, and have not run in between; it is empty if there are none.
func stuck(before, now map[int]sleep) string {
	in := map[string]bool{}
	for id, s := range now {
		if was, ok := before[id]; ok && was == s {
			if s.in == "" || s.in == "0" {
				s.in = "a function that it does not name"
			}
			in[s.in] = true
		}
	}
	return strings.Join(slices.Sorted(maps.Keys(in)), ", ")
}

// deadline ends a worker when its time is up, and looks before it does what the worker was
// doing: what it was given of the processors, and whether the kernel held it.
type deadline struct {
	pid         atomic.Int64
	early, over *time.Timer
	mu          sync.Mutex
	before      map[int]sleep
	looked      time.Time // when that was
	seen                  // read when the worker has ended
}

// seen is what a worker was doing when its time was up: what it and its programs had of the processors,
// and the kernel's functions that held some of them.
type seen struct {
	had   stall.Usage
	wants bool // it, or a program of its, still wanted a processor
	stuck string
}

// newDeadline lets end be called after a while, unless the time is changed before.
func newDeadline(after time.Duration, end func()) *deadline {
	d := &deadline{}
	d.early = time.AfterFunc(after-grace, func() {
		d.mu.Lock()
		defer d.mu.Unlock()
		d.before, d.looked = asleep(os.DirFS("/proc"), int(d.pid.Load())), time.Now()
	})
	d.over = time.AfterFunc(after, func() {
		pid := int(d.pid.Load())
		d.mu.Lock()
		d.had, d.wants = stall.UsedBelow(os.DirFS("/proc"), pid), stall.Keeps(os.DirFS("/proc"), pid)
		if time.Since(d.looked) >= grace/2 { // else both looks are of one moment
			d.stuck = stuck(d.before, asleep(os.DirFS("/proc"), pid))
		}
		d.mu.Unlock()
		end()
	})
	return d
}

// Reset sets the time from now on after which the worker is ended.
func (d *deadline) Reset(after time.Duration) {
	d.early.Reset(after - grace)
	d.over.Reset(after)
}

// Stop lets the worker go on.
func (d *deadline) Stop() {
	d.early.Stop()
	d.over.Stop()
}
