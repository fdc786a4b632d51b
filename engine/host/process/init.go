//go:build linux

package process

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/signal"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"netrepro/engine/host/process/confine"
)

// InitArg is the only argument of an init process.
const InitArg = "netrepro-init"

// Descriptors of an init process besides the three standard ones.
const (
	controlFd = 3 // orders, a line of JSON each: first the job, then signals
	statusFd  = 4 // what happened, a line of JSON each
)

// job is what an init process is to start.
type job struct {
	Args [][]byte          `json:"args"` // bytes, for they need not be UTF-8
	Env  [][]byte          `json:"env"`
	Dir  string            `json:"dir"`
	Over map[string]string `json:"over"`
	// Trusted says that the program may do what the engine may.
	Trusted bool `json:"trusted,omitempty"`
}

// order is a signal for the program.
type order struct {
	Signal int `json:"signal"`
}

// status is what an init process tells.
type status struct {
	Pid    int    `json:"pid,omitempty"` // the program runs
	Error  string `json:"error,omitempty"`
	Errno  int    `json:"errno,omitempty"` // the program could not be started
	Exited bool   `json:"exited,omitempty"`
	Code   int    `json:"code,omitempty"`
	Signal int    `json:"signal,omitempty"`
}

// Init is the life of an init process. It returns when everything that the
// program started has ended, or nobody is left to give orders; the kernel then
// ends what is left.
func Init() error {
	unix.CloseOnExec(controlFd)
	unix.CloseOnExec(statusFd)
	// Caught, not ignored: the program would inherit that.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGHUP, syscall.SIGINT, syscall.SIGTERM, syscall.SIGPIPE,
		syscall.SIGTTOU, syscall.SIGTTIN)
	in := bufio.NewReader(os.NewFile(controlFd, "control"))
	out := json.NewEncoder(os.NewFile(statusFd, "status"))
	line, err := in.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read job: %w", err)
	}
	var j job
	if err := json.Unmarshal(line, &j); err != nil {
		return fmt.Errorf("read job: %w", err)
	}
	if err := arrange(j); err != nil {
		return out.Encode(status{Error: err.Error()})
	}
	unbound()
	args := inText(j.Args)
	c := exec.Command(args[0], args[1:]...)
	c.Env, c.Dir = inText(j.Env), j.Dir
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true}
	start := c.Start
	if !j.Trusted {
		start = func() error { return confine.Unprivileged(c.Start) }
	}
	if err := start(); err != nil {
		var errno syscall.Errno
		if errors.As(err, &errno) {
			return out.Encode(status{Errno: int(errno)})
		}
		return out.Encode(status{Error: err.Error()})
	}
	// They are the program's now: their end is to be seen when it has closed
	// them.
	_, _, _ = os.Stdin.Close(), os.Stdout.Close(), os.Stderr.Close()
	if err := out.Encode(status{Pid: c.Process.Pid}); err != nil {
		return err
	}
	var mu sync.Mutex
	gone := false
	go func() {
		for {
			line, err := in.ReadBytes('\n')
			if err != nil {
				os.Exit(0) // nobody gives orders any more: all ends here
			}
			var o order
			if json.Unmarshal(line, &o) == nil {
				mu.Lock()
				if !gone {
					_ = syscall.Kill(c.Process.Pid, syscall.Signal(o.Signal)) // it may have ended
				}
				mu.Unlock()
			}
		}
	}()
	for {
		var ws syscall.WaitStatus
		pid, err := syscall.Wait4(-1, &ws, 0, nil)
		switch {
		case errors.Is(err, syscall.EINTR):
			continue
		case err != nil: // no children are left
			return nil
		case pid != c.Process.Pid:
			continue
		}
		mu.Lock()
		gone = true
		mu.Unlock()
		s := status{Exited: true, Code: ws.ExitStatus()}
		if ws.Signaled() {
			s.Signal = int(ws.Signal())
		}
		if err := out.Encode(s); err != nil {
			return err
		}
	}
}

// unbound gives back what the worker keeps itself from taking (RLIMIT_DATA).
func unbound() {
	var l unix.Rlimit
	if unix.Getrlimit(unix.RLIMIT_DATA, &l) == nil {
		l.Cur = l.Max
		_ = unix.Setrlimit(unix.RLIMIT_DATA, &l) // a program may do with less
	}
}

// arrange has the process, and what it starts, see the machine as a program of
// the lab does.
func arrange(j job) error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	if !j.Trusted {
		if err := confine.Files(j.Dir); err != nil {
			return err
		}
		return confine.Cover(j.Over)
	}
	// Where /proc may not be mounted the outer one serves.
	_ = unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	return confine.Cover(j.Over)
}
