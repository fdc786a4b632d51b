//go:build linux

package guest

import (
	"bytes"
	"context"
	"debug/elf"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"netrepro/engine/runner"
	"netrepro/engine/runner/artifact"
	"netrepro/engine/runner/task"
	"netrepro/engine/script/session"
	"netrepro/engine/virtual/channel"
	"netrepro/engine/virtual/image"
	"netrepro/engine/virtual/kernels"
	"netrepro/engine/virtual/qemu"
)

// Machine says on what cases run.
type Machine struct {
	Kernel   *kernels.Kernel
	Path     string        // of QEMU
	Real     bool          // time passes as it does outside
	Memory   int           // in MB
	Patience time.Duration // for how long it may say nothing, in time outside
	Break    string        // of a test: how the first machine breaks, one of [Breaks]
}

// Usual is what a machine has unless somebody says otherwise.
const (
	Memory   = 512
	Patience = 15 * time.Minute
)

// Spent is what a run cost.
type Spent struct {
	Boots  int
	Boot   time.Duration // outside, until the machines ran the first of their cases
	Cases  time.Duration // outside, from then on
	Inside time.Duration // what passed in the machines meanwhile
}

// ErrMachine says that a machine did not come so far as to run a case.
var ErrMachine = errors.New("the virtual machine did not come up")

// Run runs tasks one after the other in a virtual machine, and reports to sink as
// [runner.Run] does. A machine that ends in the middle of a task ends that task alone:
// those after it run in another.
func Run(ctx context.Context, tasks []*task.Task, o runner.Options, m Machine, sink task.Sink) (Spent, error) {
	unlock, err := artifact.Claim(o.Out)
	if err != nil {
		return Spent{}, err
	}
	defer unlock()
	if o.Ready != nil {
		if err := o.Ready(); err != nil {
			return Spent{}, err
		}
	}
	h := &host{ctx: ctx, o: o, machine: m, sink: sink}
	if h.image, err = prepare(m.Kernel); err != nil {
		return h.spent, err
	}
	for len(tasks) > 0 {
		if tasks, err = h.boot(tasks); err != nil {
			return h.spent, err
		}
	}
	return h.spent, nil
}

// started is what a machine is started with.
type started struct{ kernel, files []byte }

func prepare(k *kernels.Kernel) (*started, error) {
	if k.Modules == "" {
		return nil, fmt.Errorf("kernel %s: its modules are not there: name a folder that has boot/vmlinuz-… and "+
			"lib/modules/…, or a package", k.Name)
	}
	kernel, err := image.Kernel(k)
	if err != nil {
		return nil, err
	}
	program, err := os.ReadFile("/proc/self/exe")
	if err != nil {
		return nil, fmt.Errorf("read this program: %w", err)
	}
	if f, err := elf.NewFile(bytes.NewReader(program)); err == nil && f.Section(".interp") != nil {
		return nil, errors.New("this program needs libraries of the machine, so that it cannot be process 1 of another: " +
			"build it with CGO_ENABLED=0")
	}
	fs, err := image.Files(k, program)
	if err != nil {
		return nil, err
	}
	return &started{kernel: kernel, files: fs}, nil
}

// host is the side of a run outside the machine.
type host struct {
	ctx     context.Context
	o       runner.Options
	machine Machine
	image   *started
	sink    task.Sink
	spent   Spent
}

// boot starts a machine that runs tasks, and returns those that have not ended with it.
func (h *host) boot(tasks []*task.Task) (left []*task.Task, err error) {
	job, err := newJob(tasks, h.o, !h.machine.Real)
	if err != nil {
		return nil, err
	}
	if h.spent.Boots == 0 {
		job.Break = h.machine.Break
	}
	text, err := json.Marshal(job)
	if err != nil {
		return nil, fmt.Errorf("write job: %w", err)
	}
	shared, err := qemu.NewShared(channel.Size)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, shared.Close()) }()
	if err := channel.PutJob(shared.Memory, text); err != nil {
		return nil, err
	}
	reader, err := channel.NewReader(shared.Memory)
	if err != nil {
		return nil, err
	}
	vm, err := qemu.Start(h.ctx, qemu.Config{Path: h.machine.Path, Kernel: h.image.kernel, Files: h.image.files,
		Real: h.machine.Real, Memory: h.machine.Memory, Args: Arg}, shared)
	if err != nil {
		return nil, err
	}
	h.spent.Boots++
	l := &listener{host: h, tasks: tasks, ended: make([]bool, len(tasks)), current: none, started: time.Now()}
	why := l.listen(vm, reader)
	ended := vm.End()
	if err := l.drain(reader); why == nil {
		why = err
	}
	l.count()
	switch {
	case h.ctx.Err() != nil:
		return nil, context.Cause(h.ctx)
	case l.stopped:
		return nil, nil
	case l.over:
		return nil, l.finish()
	case why == nil:
		why = died(vm.Console(), ended)
	}
	return l.fail(why)
}

// died says why a machine ended before its job was done.
func died(console string, qemu error) error {
	console = strings.TrimSpace(strings.ReplaceAll(console, "\r", ""))
	for line := range strings.Lines(console) {
		if before, panicked, ok := strings.Cut(line, "Kernel panic - not syncing: "); ok {
			said, _, _ := strings.Cut(console, before+"Kernel panic")
			return fmt.Errorf("the kernel of the virtual machine panicked: %s%s", strings.TrimSpace(panicked), ending(said))
		}
	}
	if qemu != nil {
		return fmt.Errorf("QEMU ended: %w%s", qemu, ending(console))
	}
	return fmt.Errorf("the virtual machine powered itself off before it was done%s", ending(console))
}

// ending is the last lines of a console, each on a line of its own.
func ending(console string) string {
	const most = 12
	lines := strings.Split(strings.TrimSpace(console), "\n")
	if len(lines) > most {
		lines = lines[len(lines)-most:]
	}
	text := strings.Join(lines, "\n  ")
	if text == "" {
		return ""
	}
	return "\n  " + text
}

// listener takes what one machine says.
type listener struct {
	*host
	tasks   []*task.Task
	started time.Time
	up      time.Time // zero until it is
	first   float64   // its uptime then
	last    float64   // and when it was last said
	ended   []bool    // by task
	current int       // the task that has begun and not ended, or none
	over    bool
	stopped bool // no case is to begin any more
	final   message
}

const none = -1

// poll is how often it is looked whether a machine has said something.
const poll = 20 * time.Millisecond

// listen passes on what the machine says until it ends, or says nothing for too long.
func (l *listener) listen(vm *qemu.Machine, r *channel.Reader) error {
	quiet := time.NewTimer(l.machine.Patience)
	defer quiet.Stop()
	look := time.NewTicker(poll)
	defer look.Stop()
	for {
		said, err := l.take(r)
		if err != nil || l.over || l.stopped {
			return err
		}
		if said {
			quiet.Reset(l.machine.Patience)
		}
		select {
		case <-vm.Done():
			return nil
		case <-look.C:
		case <-quiet.C:
			return fmt.Errorf("the virtual machine said nothing for %s, and was ended: the case may wait for very long, "+
				"or the kernel hangs", l.machine.Patience)
		}
	}
}

// drain takes what a machine that has ended had still said.
func (l *listener) drain(r *channel.Reader) error {
	for {
		if said, err := l.take(r); err != nil || !said || l.stopped {
			return err
		}
	}
}

// take takes one record, if there is one.
func (l *listener) take(r *channel.Reader) (said bool, err error) {
	rec, ok, err := r.Next()
	if err != nil || !ok {
		return false, err
	}
	head, data, _ := bytes.Cut(rec.Body, []byte("\n"))
	var m message
	if err := json.Unmarshal(head, &m); err != nil {
		return false, fmt.Errorf("%w: %w", channel.ErrDamaged, err)
	}
	if m.Uptime > 0 {
		l.last = m.Uptime
	}
	return true, l.heard(rec.Kind, m, data)
}

// heard passes one message on.
func (l *listener) heard(kind byte, m message, data []byte) error {
	switch kind {
	case saysUp:
		l.up, l.first = time.Now(), m.Uptime
		return nil
	case saysText:
		if l.o.Say != nil {
			l.o.Say(m.Text)
		}
		return nil
	case saysOver:
		l.over, l.final = true, m
		return nil
	}
	if m.Task < 0 || m.Task >= len(l.tasks) || l.ended[m.Task] || (kind == saysBegin) != (l.current == none) ||
		kind != saysBegin && m.Task != l.current {
		return fmt.Errorf("%w: a message of task %d while %d runs", channel.ErrDamaged, m.Task, l.current)
	}
	t := l.tasks[m.Task]
	switch {
	case kind == saysBegin:
		if _, err := artifact.Empty(l.o.Out, t); err != nil {
			return err
		}
		l.current = m.Task
		l.sink.Begin(t)
	case kind == saysEvent && m.Event != nil:
		l.sink.Event(t, *m.Event)
		if l.o.Live != nil {
			l.o.Live(t, 1, *m.Event)
		}
	case kind == saysFile && filepath.IsLocal(m.Text):
		return artifact.Put(l.o.Out, t, m.Text, data)
	case kind == saysEnd && m.Result != nil:
		l.ended[m.Task], l.current = true, none
		l.sink.End(t, *m.Result)
		l.stopped = l.o.Stop != nil && l.o.Stop()
	default:
		return fmt.Errorf("%w: a message of kind %q", channel.ErrDamaged, kind)
	}
	return nil
}

// count adds what this machine cost.
func (l *listener) count() {
	if l.up.IsZero() {
		l.spent.Boot += time.Since(l.started)
		return
	}
	l.spent.Boot += l.up.Sub(l.started)
	l.spent.Cases += time.Since(l.up)
	l.spent.Inside += time.Duration((l.last - l.first) * float64(time.Second))
}

// finish is what a machine said when it was done.
func (l *listener) finish() error {
	if l.final.Text != "" {
		return fmt.Errorf("run in the virtual machine: %s", l.final.Text)
	}
	for i, ended := range l.ended {
		if !ended {
			return fmt.Errorf("the virtual machine did not run %s", l.tasks[i].Name())
		}
	}
	return nil
}

// fail ends the task that a machine died in, and returns those that did not begin.
func (l *listener) fail(why error) (left []*task.Task, err error) {
	if l.up.IsZero() {
		return nil, fmt.Errorf("%w: %w", ErrMachine, why)
	}
	for i, t := range l.tasks {
		switch {
		case i == l.current:
			l.sink.End(t, session.Result{Verdict: session.Errored, Why: why.Error()})
		case !l.ended[i]:
			left = append(left, t)
		}
	}
	if l.current == none && len(left) > 0 { // it died between two
		l.sink.Begin(left[0])
		l.sink.End(left[0], session.Result{Verdict: session.Errored, Why: why.Error()})
		left = left[1:]
	}
	return left, nil
}
