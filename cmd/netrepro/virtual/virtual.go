//go:build linux

// Package virtual is the part of the command line that is about virtual machines: the
// flags of run --vm, and the command kernels.
package virtual

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"netrepro/engine/files"
	"netrepro/engine/report/matrix"
	"netrepro/engine/runner"
	"netrepro/engine/runner/fingerprint"
	"netrepro/engine/runner/guest"
	"netrepro/engine/runner/guest/inside"
	"netrepro/engine/runner/sink"
	"netrepro/engine/runner/task"
	"netrepro/engine/virtual/kernels"
	"netrepro/engine/virtual/qemu"
)

// ErrCannot says that this machine cannot start virtual ones.
var ErrCannot = errors.New("this machine cannot start virtual machines")

// Flags are those of runs in a virtual machine.
type Flags struct {
	On       bool
	kernels  []string
	time     string
	memory   int
	patience time.Duration
	broken   string
	exact    bool
	bisect   bool
	page     string // where a matrix is written to
}

// Add adds them to a command that runs cases.
func (v *Flags) Add(f *pflag.FlagSet) {
	v.AddMachine(f)
	f.Lookup("kernel").Usage += "; named several times, all cases run on each, and what differs is said"
	f.StringVar(&v.page, "matrix", "", "with several kernels: write a page of Markdown that compares them to this file")
	f.BoolVar(&v.bisect, "bisect", false, "with many kernels: run on the oldest and the newest, and on those between only "+
		"where what comes before and after differs, to find the first that does")
	f.BoolVar(&v.exact, "exact", false, "in the virtual machine: start one for each case, so that its trace is the same "+
		"to the byte alone and among others; each takes some ten seconds to start")
	f.StringVar(&v.broken, "vm-break", "", "how the first virtual machine breaks")
	f.Lookup("vm-break").Hidden = true // a test of what becomes of the others
}

// AddMachine adds those that say what the machine is.
func (v *Flags) AddMachine(f *pflag.FlagSet) {
	f.BoolVar(&v.On, "vm", false, "run in a virtual machine (QEMU), in virtual time: two runs give the same bytes")
	f.StringArrayVar(&v.kernels, "kernel", nil, "kernel of the virtual machine: a name that netrepro kernels shows, "+
		"a .deb, a folder unpacked from one, or a bzImage; the newest if none is named")
	f.StringVar(&v.time, "time", "virtual", "in the virtual machine: virtual, where hours without work cost nothing, "+
		"or real")
	f.IntVar(&v.memory, "vm-memory", guest.Memory, "memory of the virtual machine, in MB")
	f.DurationVar(&v.patience, "vm-patience", guest.Patience,
		"end a virtual machine that says nothing for so long, in time outside")
}

// Check refuses flags that do not go together.
func (v *Flags) Check(o *runner.Options, given func(flag string) bool) error {
	v.On = v.On || len(v.kernels) > 0 || v.exact
	for _, name := range []string{"time", "vm-memory", "vm-patience"} {
		if given(name) && !v.On {
			return fmt.Errorf("--%s is about a virtual machine: say --vm too", name)
		}
	}
	switch {
	case v.exact && v.time == "real":
		return errors.New("--exact is about virtual time: leave out --time real")
	case v.On && o.Keep:
		return errors.New("--keep keeps labs of this machine: leave out --vm")
	case v.page != "" && len(v.kernels) < 2:
		return errors.New("--matrix compares kernels: name several with --kernel")
	case v.bisect && len(v.kernels) < 3:
		return errors.New("--bisect looks between kernels: name three or more with --kernel")
	case len(v.kernels) > 1 && (o.Update || o.Shake || o.Repeat > 1 || o.Form):
		return errors.New("several kernels are compared by one plain run on each: leave out --update, --shake, --repeat " +
			"and --verify-determinism")
	case v.time != "virtual" && v.time != "real":
		return fmt.Errorf("--time is virtual or real, not %q", v.time)
	case v.memory < 256 || v.memory > 1<<16:
		return errors.New("--vm-memory is from 256 to 65536 MB")
	case v.broken != "" && !slices.Contains(inside.Breaks, v.broken):
		return fmt.Errorf("--vm-break is one of %s", strings.Join(inside.Breaks, ", "))
	case v.patience <= 0:
		return errors.New("--vm-patience is more than 0")
	}
	return nil
}

// Writable says what stands in the way of the page of a matrix: it is none of what is read.
func (v *Flags) Writable(read ...string) error {
	if err := files.Apart(v.page, read...); err != nil {
		return err
	}
	return files.Replaces(v.page, "page", files.Unknown, files.Page)
}

// Store is where a user's kernels are.
func Store() (kernels.Store, error) {
	dir, err := os.UserCacheDir()
	if err != nil {
		return kernels.Store{}, fmt.Errorf("find the folder for kernels: %w: set XDG_CACHE_HOME", err)
	}
	return kernels.Store{Dir: filepath.Join(dir, "netrepro", "kernels")}, nil
}

// machine is what tasks run on with one kernel.
func (v *Flags) machine(ctx context.Context, kernel string) (guest.Machine, error) {
	path, _, err := qemu.Find(ctx)
	if err != nil {
		return guest.Machine{}, fmt.Errorf("%w: %w", ErrCannot, err)
	}
	s, err := Store()
	if err != nil {
		return guest.Machine{}, err
	}
	k, err := s.Find(kernel)
	if err != nil {
		return guest.Machine{}, err
	}
	return guest.Machine{Kernel: k, Path: path, Real: v.time == "real", Memory: v.memory, Patience: v.patience,
		Exact: v.exact, Break: v.broken}, nil
}

// Machine is the machine that cases run on, where netrepro itself runs on here: what the history
// compares. A machine that cannot be started is told later.
func (v *Flags) Machine(ctx context.Context, here fingerprint.Machine) fingerprint.Machine {
	if !v.On {
		return here
	}
	m, err := v.machine(ctx, strings.Join(v.kernels, ""))
	if err != nil {
		return here
	}
	_, version, err := qemu.Find(ctx)
	if err != nil {
		return here
	}
	return fingerprint.Machine{Kernel: m.Kernel.Name, Arch: "amd64", Program: here.Program, Processors: qemu.Processors(m.Real),
		Root: true, Commit: here.Commit, Settings: map[string]string{
			"virtual machine": version, "its memory": fmt.Sprint(m.Memory, " MB"), "its time": v.time}}
}

// Times is how often each case runs.
func (v *Flags) Times() int { return max(len(v.kernels), 1) }

// Several reports whether kernels are to be compared.
func (v *Flags) Several() bool { return len(v.kernels) > 1 }

// Run runs tasks in a virtual machine, and tells say what that cost.
func (v *Flags) Run(ctx context.Context, tasks []*task.Task, o runner.Options, to task.Sink, say io.Writer) error {
	m, err := v.machine(ctx, strings.Join(v.kernels, ""))
	if err != nil {
		return err
	}
	return v.on(ctx, m, tasks, o, to, say)
}

// on runs tasks with one kernel.
func (v *Flags) on(ctx context.Context, m guest.Machine, tasks []*task.Task, o runner.Options, to task.Sink,
	say io.Writer) error {
	if m.Real {
		if err := qemu.KVM(); err != nil {
			fmt.Fprintf(say, "netrepro: the virtual machine runs without KVM, some twenty times slower than this one: %v\n", err)
		}
	}
	spent, err := guest.Run(ctx, tasks, o, m, to)
	if errors.Is(err, guest.ErrMachine) {
		return fmt.Errorf("%w: %w", ErrCannot, err)
	}
	if err == nil {
		machines := "a virtual machine"
		if spent.Boots > 1 {
			machines = fmt.Sprintf("%d virtual machines", spent.Boots)
		}
		fmt.Fprintf(say, "netrepro: Linux %s in %s, %s time: %.1f s inside took %.1f s, after %.1f s to boot\n",
			m.Kernel.Name, machines, v.time, spent.Inside.Seconds(), spent.Cases.Seconds(), spent.Boot.Seconds())
	}
	return err
}

// Report shows how kernels differ, and writes the page of it if one is asked for.
func (v *Flags) Report(ctx context.Context, m *sink.Matrix, out io.Writer) error {
	matrix.Show(out, m)
	if v.page == "" {
		return nil
	}
	f, err := files.Create(ctx, v.page, 0o644)
	if err != nil {
		return fmt.Errorf("write matrix: %w", err)
	}
	var page strings.Builder
	matrix.Markdown(&page, m)
	_, err = io.WriteString(f, page.String())
	return f.Close(err)
}
