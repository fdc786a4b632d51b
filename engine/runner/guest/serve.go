//go:build linux

package guest

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

	"netrepro/engine/files"
	"netrepro/engine/runner"
	"netrepro/engine/runner/discover"
	"netrepro/engine/runner/fingerprint"
	"netrepro/engine/runner/task"
	"netrepro/engine/runner/worker"
	"netrepro/engine/script/session"
	"netrepro/engine/virtual/boot"
	"netrepro/engine/virtual/channel"
	"netrepro/engine/virtual/image"
)

// Arg is the argument of process 1.
const Arg = "netrepro-guest"

// Play runs the process in the role of process 1 of a virtual machine, or of its modprobe,
// if it was started as one. It returns only if it was not, or with modprobe's end.
func Play(args []string) (code int, played bool) {
	switch {
	case len(args) > 0 && args[0] == image.Modprobe:
		if err := boot.Modprobe(args[1:]); err != nil {
			return 1, true
		}
		return 0, true
	case os.Getpid() == 1 && slices.Contains(args, Arg):
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
	s := &speaker{w: w}
	is := fingerprint.Take("/", func(read func()) { read() }) // no commit is checked out here
	if err := s.say(saysUp, message{Uptime: uptime(), Machine: &is}); err != nil {
		return err
	}
	end := message{}
	if err := s.run(text); err != nil {
		end.Text, end.Cannot = err.Error(), errors.Is(err, worker.ErrCannot)
	}
	end.Uptime = uptime()
	return s.say(saysOver, end)
}

// uptime is for how many seconds the machine has been on.
func uptime() float64 {
	b, _ := os.ReadFile("/proc/uptime") // zero is what it says then
	first, _, _ := strings.Cut(string(b), " ")
	n, _ := strconv.ParseFloat(first, 64)
	return n
}

// speaker tells the host what happens. It is the sink of the run.
type speaker struct {
	w     *channel.Writer
	index map[*task.Task]int
	err   error
	how   string // to break the machine when a case begins
}

func (s *speaker) say(kind byte, m message) error { return s.w.Say(kind, m.encode()) }

// run runs the job.
func (s *speaker) run(text []byte) error {
	var j Job
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
	o := j.options()
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
	o.Ended = j.compared(tasks, byName)
	o.Say = func(text string) { s.note(s.say(saysText, message{Text: text})) }
	return errors.Join(runner.Run(ctx, tasks, o, s), s.err)
}

// compared has tasks compare those that run here or ran in a machine before, and returns
// the results of the latter.
func (j *Job) compared(tasks []*task.Task, byName map[string]*task.Task) map[*task.Task]session.Result {
	before := map[*task.Task]session.Result{}
	for name, r := range j.Ended {
		if t := byName[name]; t != nil {
			before[t] = r
		}
	}
	for _, t := range tasks {
		t.Of = slices.DeleteFunc(t.Of, func(of *task.Task) bool {
			_, ended := before[of]
			return !ended && !slices.Contains(tasks, of)
		})
	}
	return before
}

func (s *speaker) note(err error) {
	if s.err == nil {
		s.err = err
	}
}

// Begin implements [task.Sink].
func (s *speaker) Begin(t *task.Task) {
	s.note(s.say(saysBegin, message{Task: s.index[t]}))
	if s.how != "" {
		s.note(broken(s.how))
		s.how = ""
	}
}

// Event implements [task.Sink].
func (s *speaker) Event(t *task.Task, e session.Event) {
	s.note(s.say(saysEvent, message{Task: s.index[t], Event: &e}))
}

// End implements [task.Sink]: what the case has left goes first.
func (s *speaker) End(t *task.Task, r session.Result) {
	if err := s.files(t); err != nil {
		r.Also("pass on what the case left: " + err.Error())
	}
	s.note(s.say(saysEnd, message{Task: s.index[t], Result: &r, Uptime: uptime()}))
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
		head := message{Task: s.index[t], Text: filepath.ToSlash(rel)}.encode()
		return s.w.Say(saysFile, slices.Concat(head, []byte("\n"), b))
	})
	if errors.Is(err, fs.ErrNotExist) {
		err = nil // the case did not come to have one
	}
	return errors.Join(err, os.RemoveAll(t.Dir))
}
