//go:build linux

package worker

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"time"

	"golang.org/x/sys/unix"

	"netrepro/engine/capture/pcap"
	"netrepro/engine/lab/netns"
	"netrepro/engine/script/session"
)

// grace is kept back twice after a case's own timeout: once for the worker to
// clean up, once for it to say so.
const grace = 2 * time.Second

const (
	// setUp is how long a lab may take to come up.
	setUp = 30 * time.Second
	// cleanUp is how long it may take to write what is kept and to take the lab down, which says
	// nothing of the case: kernels take their time to let programs go where much runs.
	cleanUp = time.Minute
)

// namespaces are what a worker gets of its own.
const namespaces = syscall.CLONE_NEWNS | syscall.CLONE_NEWPID | syscall.CLONE_NEWNET | syscall.CLONE_NEWIPC

// command is the worker process: this binary again, with the arguments that
// make it one.
func command(ctx context.Context) *exec.Cmd {
	c := exec.CommandContext(ctx, "/proc/self/exe", Arg)
	c.Args[0] = os.Args[0]
	// A case lives too short to be worth many collections, the first of which come before
	// main does; what a script may hold is bounded by the memory guard.
	c.Env = append(os.Environ(), "GOGC=400")
	c.SysProcAttr = &syscall.SysProcAttr{Cloneflags: namespaces, Pdeathsig: syscall.SIGKILL}
	if os.Geteuid() != 0 {
		c.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		c.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		c.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return c
}

// Arg is the only argument of a worker.
const Arg = "netrepro-worker"

// ErrCannot says that this machine does not allow labs at all.
var ErrCannot = errors.New("this machine does not let netrepro make namespaces")

// ErrFull says that this machine, or whoever called netrepro, does not allow it as many open files as
// it needs.
var ErrFull = errors.New("there are too many open files")

// Run runs one job in a worker and passes on its events, until it has ended or the
// case's timeout is over. It returns the case's result; an error is one of the
// runner itself, as [ErrCannot] is.
func Run(ctx context.Context, job Job, with Start, timeout time.Duration, emit func(session.Event)) (
	session.Result, error,
) {
	started := time.Now()
	memory := memoryKills()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	late := newDeadline(setUp, func() { cancel(context.DeadlineExceeded) })
	defer late.Stop()
	up := false // read when converse has ended
	var judged *session.Result
	watch := func(e session.Event) {
		late.pid.Store(int64(e.Pid))
		switch e.Kind {
		case session.EventUp:
			up = true
			late.Reset(timeout + 2*grace)
		case session.EventJudged:
			judged = e.Result
			late.Reset(cleanUp)
			return // it is of the machinery
		case session.EventKept:
			late.Stop()
		}
		emit(e)
	}
	var res *session.Result
	var stderr said
	var werr error
	done := make(chan struct{})
	go func() {
		// The parent's death signal follows the thread that started the
		// worker: it must live until the worker has ended.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(done)
		res, werr = converse(ctx, job, with, &stderr, watch)
	}()
	<-done
	if job.Capture != "" {
		if _, err := pcap.Repair(job.Capture); err != nil && !errors.Is(err, os.ErrNotExist) {
			werr = errors.Join(werr, err)
			if res != nil {
				res.Also(err.Error())
			}
		}
	}
	switch {
	case errors.Is(werr, ErrCannot), errors.Is(werr, ErrFull):
		return session.Result{}, werr
	case res != nil:
		return *res, nil
	case judged != nil && errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		return uncleaned(*judged, late.stuck), nil
	case errors.Is(context.Cause(ctx), context.DeadlineExceeded):
		verdict, why := overdue(job.Name, up, timeout, late.seen, stderr.String())
		return session.Result{Verdict: verdict, Took: time.Since(started), Why: why}, nil
	case ctx.Err() != nil:
		return session.Result{}, ctx.Err()
	}
	why := "the worker ended without a result"
	switch {
	case killedForMemory(memoryKills() > memory && memory >= 0, werr, stderr.String()):
		why = "the machine ran out of memory for this case: look for what grows without bound in it, " +
			"raise the limit of its control group, or run fewer cases side by side (--jobs)"
		return session.Result{Verdict: session.Errored, Took: time.Since(started), Why: why}, nil
	case werr != nil:
		why += ": " + werr.Error()
	}
	if text := stderr.String(); text != "" {
		why += "\n" + text
	}
	return session.Result{Verdict: session.Errored, Took: time.Since(started), Why: why}, nil
}

// overdue is the verdict of a case that was killed because its time was up. One whose
// lab had not come up yet says nothing of the case: nothing of the script waits there. Nor
// does one that others left no processor, or one that the kernel held.
func overdue(name string, up bool, timeout time.Duration, late seen, stderr string) (session.Verdict, string) {
	if !up {
		why := fmt.Sprintf("%s: the lab did not come up within %s: the machine was too busy, or its kernel was "+
			"stuck\n%s",
			name, setUp, stderr)
		return session.Inconclusive, strings.TrimSpace(why)
	}
	if late.had.Starved(timeout) || late.wants && late.had.Ran < timeout/2 {
		why := fmt.Sprintf("%s: the case did not end within its timeout, %s: it waited for a processor that others had "+
			"(%v at least)\n%s", name, timeout, late.had.Waited.Round(100*time.Millisecond), stderr)
		return session.Inconclusive, strings.TrimSpace(why)
	}
	if late.stuck != "" {
		why := fmt.Sprintf("%s: the case did not end within its timeout, %s: %s\n%s", name, timeout,
			kernelHeld(late.stuck), stderr)
		return session.Inconclusive, strings.TrimSpace(why)
	}
	why := fmt.Sprintf("%s: the case did not end within its timeout, %s, and was killed\n%s", name, timeout, stderr)
	return session.Errored, strings.TrimSpace(why)
}

// uncleaned is the result of a case that was judged, and whose lab could not be taken down in
// time.
func uncleaned(judged session.Result, stuck string) session.Result {
	why := fmt.Sprintf("clean up: not done within %s: ", cleanUp)
	if stuck == "" {
		judged.Also(why + "the machine is too busy, or its kernel is stuck")
		judged.Machine = true
		return judged
	}
	if judged.Verdict == session.Passed {
		judged.Verdict = session.Inconclusive
	}
	judged.Also(why + kernelHeld(stuck))
	return judged
}

// kernelHeld says that threads waited inside the kernel, and where.
func kernelHeld(stuck string) string {
	return fmt.Sprintf("the kernel held threads of it for at least %s, in %s; dmesg may say why", grace/2, stuck)
}

// Start is what a worker is given besides its job.
type Start struct {
	Files []*os.File // its descriptors from 3 on
	// Talk is told all that happens in a case that stands still, and may send what it
	// answers; nil if nobody looks into it.
	Talk func(e session.Event, send func(session.Command) error) error
	CPUs *unix.CPUSet // the processors that it and all it starts may use
}

// converse starts the worker, gives it the job and takes its events. The calling
// goroutine must be locked to its thread.
func converse(ctx context.Context, job Job, with Start, stderr *said, emit func(session.Event)) (
	*session.Result, error,
) {
	c := command(ctx)
	c.Stderr, c.ExtraFiles = stderr, with.Files
	in, err := c.StdinPipe()
	if err != nil {
		return nil, unstarted(err)
	}
	defer in.Close() // also tells the worker to end
	out, err := c.StdoutPipe()
	if err != nil {
		return nil, unstarted(err)
	}
	if err := on(with.CPUs, c.Start); err != nil {
		if denied(err) {
			return nil, fmt.Errorf("%w: %w", ErrCannot, netns.Limited(err))
		}
		return nil, unstarted(err)
	}
	line, err := json.Marshal(job)
	if err == nil {
		_, err = in.Write(append(line, '\n'))
	}
	var res *session.Result
	r := bufio.NewReader(out)
	for err == nil {
		var line []byte
		if line, err = r.ReadBytes('\n'); err != nil {
			break
		}
		var e session.Event
		if err = json.Unmarshal(line, &e); err == nil {
			if e.Kind == session.EventResult {
				res = e.Result
			}
			e.Pid = c.Process.Pid
			emit(e)
			if with.Talk != nil {
				err = with.Talk(e, func(cmd session.Command) error { return json.NewEncoder(in).Encode(cmd) })
			}
		}
	}
	if errors.Is(err, io.EOF) {
		err = nil
	} else {
		_ = c.Process.Kill() // it may wait for somebody to read on
	}
	werr := c.Wait()
	var ee *exec.ExitError
	if errors.As(werr, &ee) && ee.ExitCode() == CannotCode {
		return nil, fmt.Errorf("%w: %s", ErrCannot, strings.TrimSpace(fmt.Sprint(stderr)))
	}
	return res, errors.Join(err, werr)
}

// denied reports whether the error of starting a worker says that namespaces, or
// more of them, are not allowed.
func denied(err error) bool {
	for _, e := range []error{syscall.EPERM, syscall.EACCES, syscall.ENOSPC, syscall.EINVAL} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// unstarted says why a worker was not started.
func unstarted(err error) error {
	if errors.Is(err, syscall.EMFILE) || errors.Is(err, syscall.ENFILE) {
		return fmt.Errorf("start worker: %w: raise their limit (ulimit -n), or run fewer cases side by side (--jobs)",
			ErrFull)
	}
	return fmt.Errorf("start worker: %w", err)
}

// CannotCode is what a worker exits with if it is denied what labs need.
const CannotCode = 3

// said keeps the beginning of what a worker writes to its standard error: what
// it ended of comes first.
type said struct{ text []byte }

const maxSaid = 16 << 10

// Write implements io.Writer.
func (s *said) Write(p []byte) (int, error) {
	s.text = append(s.text, p[:min(len(p), maxSaid-len(s.text))]...)
	return len(p), nil
}

func (s *said) String() string { return strings.TrimSpace(string(s.text)) }
