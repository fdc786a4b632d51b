//go:build linux

package worker

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// maxWorker is what memory the kernel lets a worker have: more than a case that
// holds as much as it may, and its trace, ever need.
const maxWorker = 3 << 30

// bounded has the kernel refuse the process more memory than a worker needs: what
// a script makes in one step, nobody sees coming. Programs that it starts may
// have more.
func bounded() error {
	var l unix.Rlimit
	if err := unix.Getrlimit(unix.RLIMIT_DATA, &l); err != nil {
		return fmt.Errorf("limit the worker's memory: %w", err)
	}
	l.Cur = min(maxWorker, l.Max)
	if err := unix.Setrlimit(unix.RLIMIT_DATA, &l); err != nil {
		return fmt.Errorf("limit the worker's memory: %w", err)
	}
	return nil
}

// memoryKills is how many processes the kernel has killed for want of memory, -1
// if it does not say.
func memoryKills() int {
	b, err := os.ReadFile("/proc/vmstat")
	if err != nil {
		return -1
	}
	_, rest, _ := bytes.Cut(b, []byte("\noom_kill "))
	line, _, _ := bytes.Cut(rest, []byte("\n"))
	n, err := strconv.Atoi(string(line))
	if err != nil {
		return -1
	}
	return n
}

// killedForMemory reports whether a worker that ended with err, and wrote text, did so
// for want of memory, while the kernel killed others or it for that.
func killedForMemory(memory bool, err error, text string) bool {
	first, _, _ := strings.Cut(text, "\n")
	if strings.HasPrefix(first, "runtime: out of memory") ||
		strings.HasPrefix(first, "fatal error: ") && strings.Contains(first, "out of memory") {
		return true // so Go's runtime says it
	}
	var ee *exec.ExitError
	if !errors.As(err, &ee) {
		return false
	}
	if u, ok := ee.SysUsage().(*syscall.Rusage); ok && u.Maxrss<<10 > maxWorker/4*3 {
		return true // and Go's runtime may not have had the room to say so
	}
	ws, ok := ee.Sys().(syscall.WaitStatus)
	return ok && ws.Signaled() && ws.Signal() == syscall.SIGKILL && memory
}
