//go:build linux

package process

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"time"

	"netrepro/engine/lab/stall"

	"golang.org/x/sys/unix"
)

// Process is a program that runs, or has.
type Process struct {
	Name    string
	Dir     string
	started time.Time

	cmd     *exec.Cmd // the init process
	control *os.File
	exited  chan struct{} // the program has ended
	over    chan struct{} // so has all it started
	readers sync.WaitGroup

	mu       sync.Mutex
	pid      int
	exit     Exit
	out, err output
	change   *sync.Cond // something was written, or it has ended
}

// Start starts a program. If it cannot be started, nothing is left.
func Start(s Spec) (*Process, error) {
	s, err := s.prepare()
	if err != nil {
		return nil, err
	}
	p := &Process{Name: filepath.Base(s.Args[0]), Dir: s.Dir, started: time.Now(), exited: make(chan struct{}),
		over: make(chan struct{})}
	p.change = sync.NewCond(&p.mu)
	var ours, theirs [5]*os.File // standard input and outputs, orders, status
	closeAll := func(files [5]*os.File) {
		for _, f := range files {
			_ = f.Close() // nil is none
		}
	}
	fail := func(err error) (*Process, error) {
		err = fmt.Errorf("start %s: %w", p.Name, err)
		if p.cmd == nil {
			closeAll(ours)
			closeAll(theirs)
			return nil, err
		}
		return nil, errors.Join(err, p.Close())
	}
	for i := range ours {
		r, w, err := os.Pipe()
		if err != nil {
			return fail(err)
		}
		if i == 0 || i == controlFd {
			ours[i], theirs[i] = w, r
		} else {
			ours[i], theirs[i] = r, w
		}
	}
	p.control = ours[controlFd]
	for i, o := range []*output{&p.out, &p.err} {
		if o.pipe, err = ours[1+i].SyscallConn(); err != nil {
			return fail(err)
		}
	}
	c := exec.Command("/proc/self/exe", InitArg)
	c.Args[0] = os.Args[0]
	c.Env = []string{}
	c.Stdin, c.Stdout, c.Stderr, c.ExtraFiles = theirs[0], theirs[1], theirs[2], theirs[3:]
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWPID | syscall.CLONE_NEWNS}
	if err := s.NS.Do(c.Start); err != nil {
		return fail(err)
	}
	// While they are open here, nobody sees the end of what is written.
	closeAll(theirs)
	p.cmd = c
	first := make(chan status, 1)
	go p.follow(ours[statusFd], first)
	p.readers.Go(func() { p.read(ours[1], &p.out, s.Output, false) })
	p.readers.Go(func() { p.read(ours[2], &p.err, s.Output, true) })
	line, err := json.Marshal(job{Args: inBytes(s.Args), Env: inBytes(append(environ(s.Dir), s.Env...)), Dir: s.Dir,
		Over: s.Over, Trusted: s.Trusted})
	if err == nil {
		_, err = p.control.Write(append(line, '\n'))
	}
	go func() {
		_, _ = io.WriteString(ours[0], s.Input) // a program need not read it
		_ = ours[0].Close()
	}()
	if err != nil {
		return fail(err)
	}
	if st := <-first; st.Error != "" || st.Errno != 0 {
		return fail(st.failure(s.Args[0]))
	}
	return p, nil
}

// follow takes what the init process tells, until it has ended.
func (p *Process) follow(f *os.File, first chan<- status) {
	defer close(p.over)
	defer f.Close()
	r := bufio.NewReader(f)
	told, ended := false, false
	for {
		line, err := r.ReadBytes('\n')
		if err != nil {
			break
		}
		var s status
		if json.Unmarshal(line, &s) != nil {
			continue
		}
		if !told {
			p.mu.Lock()
			p.pid = s.Pid
			p.mu.Unlock()
			first <- s
			told = true
		}
		if s.Exited {
			ended = true
			p.end(s)
		}
	}
	_ = p.cmd.Wait() // how it ended was told
	if !told {
		first <- status{Error: "its init process ended: " + strings.TrimSpace(p.Errors())}
	}
	if !ended {
		p.end(status{Exited: true, Code: -1, Signal: int(syscall.SIGKILL)})
	}
}

func (p *Process) end(s status) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.exit = Exit{Code: s.Code, Took: time.Since(p.started)}
	if s.Signal != 0 {
		p.exit.Code, p.exit.Signal = -1, unix.SignalName(syscall.Signal(s.Signal))
	}
	close(p.exited)
	p.change.Broadcast()
}

// Wait waits for the program itself to end; what it forked may go on.
func (p *Process) Wait(ctx context.Context) (Exit, error) {
	select {
	case <-p.exited:
		return p.exit, nil
	case <-ctx.Done():
		return Exit{}, ctx.Err()
	}
}

// Exited reports whether the program has ended, and how.
func (p *Process) Exited() (Exit, bool) {
	select {
	case <-p.exited:
		return p.exit, true
	default:
		return Exit{}, false
	}
}

// Pid is the program's process number, as its own namespace has it.
func (p *Process) Pid() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.pid
}

// Usage is what the program, and what it started, had of the processors so far.
func (p *Process) Usage() stall.Usage { return stall.UsedBelow(os.DirFS("/proc"), p.cmd.Process.Pid) }

// Age is how long ago it was started.
func (p *Process) Age() time.Duration { return time.Since(p.started) }

// Wants reports whether the program, or what it started, wants a processor over some time.
func (p *Process) Wants() bool { return stall.Keeps(os.DirFS("/proc"), p.cmd.Process.Pid) }

// Unserved reports whether the program, or what it started, waits for a processor now, and not for
// this process or another program of it.
func (p *Process) Unserved() bool {
	return stall.Unserved(os.DirFS("/proc"), p.cmd.Process.Pid, os.Getpid())
}

// Signal sends a signal to the program.
func (p *Process) Signal(s syscall.Signal) error {
	line, err := json.Marshal(order{int(s)})
	if err != nil {
		return err
	}
	if _, err := p.control.Write(append(line, '\n')); err != nil && !errors.Is(err, os.ErrClosed) &&
		!errors.Is(err, syscall.EPIPE) {
		return fmt.Errorf("signal %s: %w", p.Name, err)
	}
	return nil
}

// Ask asks the program to end, and waits for that as long as grace.
func (p *Process) Ask(ctx context.Context, grace time.Duration) (ended bool, err error) {
	if err := p.Signal(syscall.SIGTERM); err != nil {
		return false, err
	}
	ctx, cancel := context.WithTimeout(ctx, grace)
	defer cancel()
	_, err = p.Wait(ctx)
	return err == nil, nil
}

// Close ends the program and everything that it started, at once. Closing twice
// is harmless.
func (p *Process) Close() error {
	if p.cmd == nil {
		return nil
	}
	_ = p.cmd.Process.Kill() // it may have ended
	_ = p.control.Close()
	<-p.over
	p.readers.Wait()
	return nil
}
