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
	"os/signal"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"

	"netrepro/engine/kernel/bpf"
	"netrepro/engine/runner/discover"
	"netrepro/engine/script"
	"netrepro/engine/script/play"
	"netrepro/engine/script/session"
)

// minThreads is how many threads of a worker may run Go code at a time: those of
// the relay, of the script and of its endpoints.
const minThreads = 4

// Serve runs one job: it reads it from in, writes events to out and returns
// when the case has ended. It must be called in a process of its own, made by
// [Run]. in must stay open for as long as the worker may live.
func Serve(in io.Reader, out io.Writer) error {
	// On one processor too, for a thread in a system call must not keep the others
	// from running until the scheduler notices.
	runtime.GOMAXPROCS(max(runtime.GOMAXPROCS(0), minThreads))
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGPIPE) // the parent decides
	r := bufio.NewReader(in)
	line, err := r.ReadBytes('\n')
	if err != nil {
		return fmt.Errorf("read job: %w", err)
	}
	var job Job
	if err := json.Unmarshal(line, &job); err != nil {
		return fmt.Errorf("read job: %w", err)
	}
	commands := make(chan session.Command)
	go func() {
		// Commands follow if somebody looks into the case. The end of the input is the
		// end of the parent, and process 1 takes its whole namespace with it.
		for d := json.NewDecoder(r); len(job.Stops) > 0; {
			var c session.Command
			if d.Decode(&c) != nil {
				break
			}
			commands <- c
		}
		_, _ = io.Copy(io.Discard, r)
		os.Exit(1)
	}()
	name()
	if err := settleIn(); err != nil {
		if errors.Is(err, os.ErrPermission) {
			err = fmt.Errorf("%w: %w", ErrCannot, err)
		}
		return err
	}
	if err := bounded(); err != nil {
		return err
	}
	var mu sync.Mutex
	enc := json.NewEncoder(out)
	emit := func(e session.Event) {
		mu.Lock()
		defer mu.Unlock()
		_ = enc.Encode(e) // a parent that is gone has ended us already
	}
	return runJob(job, emit, commands)
}

// firstFile is the first descriptor that a process is given besides the three
// standard ones (os/exec).
const firstFile = 3

func runJob(job Job, emit func(session.Event), commands <-chan session.Command) error {
	ctx := context.Background()
	only, _, _ := strings.Cut(string(job.Case), "/")
	o := script.Options{Lualib: job.Lualib, Seed: job.Seed, Only: only, Print: func(where, text string) {
		emit(session.Event{Kind: session.EventLog, Text: text, Where: where})
	}}
	f, err := script.Load(ctx, job.Name, string(job.Text), o)
	if err != nil {
		return err
	}
	if job.Compare != nil {
		for _, s := range f.Scenarios {
			if s.Name == string(job.Case) && s.Compares() {
				f.Compare(ctx, s, job.Compare, play.Options{Emit: emit, Own: true, Capture: job.Capture})
				return nil
			}
		}
		return fmt.Errorf("%s compares no results of %q", job.Name, job.Case)
	}
	c := f.Case(string(job.Case))
	if c == nil {
		return fmt.Errorf("%s has no case %q", job.Name, job.Case)
	}
	if job.Cure != "" {
		if c = c.Cured(job.Cure); c == nil {
			return fmt.Errorf("%s has no variant %q", job.Case, job.Cure)
		}
	}
	if job.Timeout > 0 {
		c.Timeout = job.Timeout
	}
	var ring *bpf.Ring
	if job.Ring != nil {
		if ring, err = bpf.Open(firstFile, job.RingFiles, *job.Ring); err != nil {
			return err
		}
	}
	f.Run(ctx, c, play.Options{
		Live:      live(job, commands),
		Ring:      ring,
		Capture:   job.Capture,
		Emit:      emit,
		Keep:      job.Keep,
		KeepAll:   job.KeepAll,
		Own:       true,
		Harmless:  job.Harmless,
		Update:    job.Update,
		Form:      job.Form,
		Check:     job.Check,
		Shake:     job.Shake,
		ShakeOnly: job.ShakeOnly,
		Virtual:   job.Virtual,
		Golden:    func(name string) ([]byte, error) { return discover.Golden(job.Name, name) },
	})
	return nil
}

// live is what people look into the case with, nil if nobody does.
func live(job Job, commands <-chan session.Command) *play.Live {
	if len(job.Stops) == 0 {
		return nil
	}
	// What is caught, and not ignored, is the default again to programs on nodes.
	signal.Notify(make(chan os.Signal, 1), syscall.SIGINT, syscall.SIGTERM, syscall.SIGPIPE)
	l := &play.Live{At: job.Stops, Commands: commands}
	for i := range job.Terminal {
		l.Terminal = append(l.Terminal, os.NewFile(uintptr(firstFile+job.RingFiles+i), "terminal"))
	}
	return l
}

// name gives the threads the name of the program, which the kernel keeps for
// what it says of sockets: it was run as /proc/self/exe. Threads to come take
// theirs from those there are.
func name() {
	for again, most := true, 16; again && most > 0; most-- { // one may be made meanwhile by one of the others
		again = false
		threads, err := os.ReadDir("/proc/self/task")
		if err != nil {
			return // it is for show
		}
		for _, t := range threads {
			comm := "/proc/self/task/" + t.Name() + "/comm"
			if is, err := os.ReadFile(comm); err == nil && string(is) != program+"\n" {
				again = true
				_ = os.WriteFile(comm, []byte(program), 0)
			}
		}
	}
}

// program is what threads are called.
const program = "netrepro"

// settleIn makes the worker's mount namespace its own: nothing mounted here
// shows outside, and /proc is that of this PID namespace. Where /proc may not
// be mounted, as inside containers that mask parts of it, the outer one stays:
// it serves, because only self and thread-self are used.
func settleIn() error {
	if err := unix.Mount("", "/", "", unix.MS_REC|unix.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("make mounts private: %w", err)
	}
	err := os.Mkdir("/proc", 0o555)
	if err != nil && !errors.Is(err, os.ErrExist) && !errors.Is(err, unix.EROFS) && !errors.Is(err, os.ErrPermission) {
		return fmt.Errorf("make /proc: %w", err)
	}
	_ = unix.Mount("proc", "/proc", "proc", unix.MS_NOSUID|unix.MS_NODEV|unix.MS_NOEXEC, "")
	if _, err := os.Stat("/proc/thread-self/ns/net"); err != nil {
		return fmt.Errorf("find /proc/thread-self: %w", err)
	}
	return nil
}
