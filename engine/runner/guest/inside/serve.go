//go:build linux

// Package inside is process 1 of a virtual machine: it runs the job that it finds as on any
// machine, and says what happens.
//
// Invariant: it is called in no process but the first of a machine made for it.
package inside

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"

	"netrepro/engine/files"
	"netrepro/engine/runner"
	"netrepro/engine/runner/discover"
	"netrepro/engine/runner/fingerprint"
	"netrepro/engine/runner/guest/protocol"
	"netrepro/engine/runner/task"
	"netrepro/engine/runner/worker"
	"netrepro/engine/script"
	"netrepro/engine/script/session"
	"netrepro/engine/virtual/boot"
	"netrepro/engine/virtual/channel"
	"netrepro/engine/virtual/image"
)

// Play runs the process in the role of process 1 of a virtual machine, or of its modprobe,
// if it was started as one. It returns only if it was not, or with modprobe's end.
func Play(args []string) (code int, played bool) {
	switch {
	case len(args) > 0 && args[0] == image.Modprobe:
		if err := boot.Modprobe(args[1:]); err != nil {
			return 1, true
		}
		return 0, true
	case os.Getpid() == 1 && slices.Contains(args, protocol.Arg):
		serve()
		return 1, true
	}
	return 0, false
}

// serve is process 1. Its end is the machine's.
func serve() {
	if err := do(); err != nil {
		fmt.Fprintln(os.Stderr, "netrepro:", err) // the console is all there is
	}
	if err := boot.PowerOff(); err != nil {
		fmt.Fprintln(os.Stderr, "netrepro: power off:", err)
	}
}

// do makes the machine one, and runs the job that it finds.
func do() error {
	if err := boot.Up(); err != nil {
		return err
	}
	mem, err := boot.Shared()
	if err != nil {
		return err
	}
	text, err := channel.Job(mem)
	if err != nil {
		return err
	}
	w, err := channel.NewWriter(mem)
	if err != nil {
		return err
	}
	s := &speaker{w: w, mem: mem}
	is := fingerprint.Take("/", func(read func()) { read() }) // no commit is checked out here
	if err := s.say(protocol.SaysUp, protocol.Message{Uptime: uptime(), Machine: &is}); err != nil {
		return err
	}
	end := protocol.Message{}
	if err := s.run(text); err != nil {
		end.Text, end.Cannot = err.Error(), errors.Is(err, worker.ErrCannot)
	}
	end.Uptime = uptime()
	return s.say(protocol.SaysOver, end)
}

// uptime is for how many seconds the machine has been on.
func uptime() float64 {
	b, _ := os.ReadFile("/proc/uptime") // zero is what it says then
	first, _, _ := strings.Cut(string(b), " ")
	n, _ := strconv.ParseFloat(first, 64)
	return n
}

// outDir is the directory for artifacts in the machine.
const outDir = "/out"

// options are those of the run in the machine.
func options(j *protocol.Job) runner.Options {
	return runner.Options{
		Options:   script.Options{Lualib: j.Lualib, Seed: j.Seed},
		Selection: task.Selection{Repeat: j.Repeat, Variant: j.Variant, Out: outDir},
		Parallel:  1, Retries: j.Retries, Retry: j.Retry, Timeout: j.Timeout,
		Inferred: j.Inferred, Update: j.Update, Form: j.Form, Shake: j.Shake,
		Check: j.Check, Virtual: j.Virtual,
	}
}

// speaker tells the host what happens. It is the sink of the run.
type speaker struct {
	mu    sync.Mutex // of w and err
	w     *channel.Writer
	mem   []byte
	index map[*task.Task]int
	err   error
	how   string // to break the machine when a case begins
}

func (s *speaker) say(kind byte, m protocol.Message) error { return s.put(kind, m.Encode()) }

func (s *speaker) put(kind byte, body []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Say(kind, body)
}

// run runs the job.
func (s *speaker) run(text []byte) error {
	var j protocol.Job
	if err := json.Unmarshal(text, &j); err != nil {
		return fmt.Errorf("read job: %w", err)
	}
	if err := os.MkdirAll(j.Dir, 0o755); err != nil {
		return fmt.Errorf("make the working directory: %w", err)
	}
	if err := os.Chdir(j.Dir); err != nil {
		return err
	}
	for _, f := range j.Files {
		err := os.MkdirAll(filepath.Dir(f.Path), 0o755)
		if err == nil {
			err = os.WriteFile(f.Path, f.Data, 0o644)
		}
		if err != nil {
			return fmt.Errorf("write what cases read: %w", err)
		}
	}
	ctx := context.Background()
	o := options(&j)
	if err := s.look(&j, &o); err != nil {
		return err
	}
	loaded, err := discover.Load(ctx, j.Sources, o.Options)
	if err != nil {
		return err
	}
	list := task.List
	if j.Proofs {
		list = task.Proofs
	}
	all, err := list(loaded, o.Selection)
	if err != nil {
		return err
	}
	byName := map[string]*task.Task{}
	for _, t := range all {
		byName[t.Name()] = t
	}
	s.index, s.how = map[*task.Task]int{}, j.Break
	var tasks []*task.Task
	for i, n := range j.Names {
		t := byName[n]
		if t == nil {
			return fmt.Errorf("there is no case %q in the virtual machine", n)
		}
		s.index[t] = i
		tasks = append(tasks, t)
	}
	o.Ended = j.Compared(tasks, byName)
	o.Say = func(text string) { s.note(s.say(protocol.SaysText, protocol.Message{Text: text})) }
	return errors.Join(runner.Run(ctx, tasks, o, s), s.err)
}

func (s *speaker) note(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.err = err
	}
}

// Begin implements [task.Sink].
func (s *speaker) Begin(t *task.Task) {
	s.note(s.say(protocol.SaysBegin, protocol.Message{Task: s.index[t]}))
	if s.how != "" {
		s.note(broken(s.how))
		s.how = ""
	}
}

// Event implements [task.Sink].
func (s *speaker) Event(t *task.Task, e session.Event) {
	s.note(s.say(protocol.SaysEvent, protocol.Message{Task: s.index[t], Event: &e}))
}

// End implements [task.Sink]: what the case has left goes first.
func (s *speaker) End(t *task.Task, r session.Result) {
	if err := s.files(t); err != nil {
		r.Also("pass on what the case left: " + err.Error())
	}
	s.note(s.say(protocol.SaysEnd, protocol.Message{Task: s.index[t], Result: &r, Uptime: uptime()}))
}

// maxArtifact bounds a file that a case leaves.
const maxArtifact = 256 << 20

// files says what is in the folder of a task, and empties it.
func (s *speaker) files(t *task.Task) error {
	err := filepath.WalkDir(t.Dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		rel, err := filepath.Rel(t.Dir, p)
		if err != nil {
			return err
		}
		b, err := files.ReadRegular(p, maxArtifact)
		if err != nil {
			return err
		}
		head := protocol.Message{Task: s.index[t], Text: filepath.ToSlash(rel)}.Encode()
		return s.put(protocol.SaysFile, slices.Concat(head, []byte("\n"), b))
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // the case did not come to have one
	}
	return errors.Join(err, os.RemoveAll(t.Dir))
}
