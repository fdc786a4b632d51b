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
	"slices"
	"strings"
	"time"

	"netrepro/engine/runner"
	"netrepro/engine/runner/artifact"
	"netrepro/engine/runner/guest/carried"
	"netrepro/engine/runner/guest/origin"
	"netrepro/engine/runner/guest/protocol"
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
	Exact    bool          // each case has a machine of its own
	Break    string        // of a test: how the first machine breaks, one of [netrepro/engine/runner/guest/inside.Breaks]
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
// those after it run in another. Where each case has a machine of its own, what it leaves
// depends on no other.
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
	h := &host{ctx: ctx, o: o, machine: m, sink: sink, results: map[*task.Task]session.Result{}}
	if h.image, err = prepare(ctx, m); err != nil {
		return h.spent, err
	}
	for len(tasks) > 0 && !h.stopped {
		now, later := tasks, []*task.Task(nil)
		if m.Exact {
			now, later = tasks[:1], tasks[1:]
		}
		left, err := h.boot(now)
		if errors.Is(err, errKVM) {
			if h.slow = true; h.o.Say != nil {
				h.o.Say("the virtual machine did not come up with KVM: it is started without, some twenty times slower")
			}
			continue
		}
		if err != nil {
			return h.spent, err
		}
		tasks = append(left, later...)
	}
	return h.spent, nil
}

// started is what a machine is started with.
type started struct {
	kernel, files []byte
	origin        origin.Origin // with what all machines of a run have in common
}

func prepare(ctx context.Context, m Machine) (*started, error) {
	k := m.Kernel
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
	_, version, err := qemu.Find(ctx)
	if err != nil {
		return nil, err
	}
	out := &started{kernel: kernel, files: fs}
	if out.origin.QEMU, err = origin.OfFile(version, m.Path); err != nil {
		return nil, err
	}
	out.origin.Kernel, out.origin.Files = origin.Of(k.Name, kernel), origin.Of("", fs)
	out.origin.Program = origin.Of("", program)
	return out, nil
}

// host is the side of a run outside the machine.
type host struct {
	ctx     context.Context
	o       runner.Options
	machine Machine
	image   *started
	sink    task.Sink
	spent   Spent
	results map[*task.Task]session.Result // of what is compared
	stopped bool                          // no case is to begin any more
	slow    bool                          // a machine did not come up with KVM
}

// config is the machine to be.
func (h *host) config() qemu.Config {
	return qemu.Config{Path: h.machine.Path, Kernel: h.image.kernel, Files: h.image.files, Real: h.machine.Real,
		Slow: h.slow, Memory: h.machine.Memory, Args: protocol.Arg}
}

// origin says what a machine that is given a job is made of. What it says of itself is
// still missing.
func (h *host) origin(c qemu.Config, job []byte) origin.Origin {
	o := h.image.origin
	o.Args = qemu.Args(c, channel.Size)
	if len(c.Files) != len(h.image.files) { // with programs
		o.Files = origin.Of("", c.Files)
	}
	o.Command, o.Job, o.Exact = origin.Called(o.Args), origin.Of("", job), h.machine.Exact
	return o
}

// boot starts a machine that runs tasks, and returns those that have not ended with it.
func (h *host) boot(tasks []*task.Task) (left []*task.Task, err error) {
	job, err := h.job(tasks)
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
	c := h.config()
	tree, err := carried.Programs(tasks, h.o.Look != nil)
	if err != nil {
		return nil, err
	}
	more, err := image.More(tree.Files, tree.Links)
	if err != nil {
		return nil, err
	}
	if len(more) > 0 {
		c.Files = slices.Concat(c.Files, more)
	}
	vm, err := qemu.Start(h.ctx, c, shared)
	if err != nil {
		return nil, err
	}
	h.spent.Boots++
	l := &listener{host: h, tasks: tasks, origin: h.origin(c, text), ended: make([]bool, len(tasks)),
		current: none, started: time.Now(), vm: vm, memory: shared.Memory}
	why := l.listen(vm, reader)
	ended := vm.End()
	if errors.Is(why, errKVM) {
		l.count()
		return nil, why // nothing that it may have begun since then counts
	}
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
