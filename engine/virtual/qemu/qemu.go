//go:build linux

// Package qemu starts virtual machines with QEMU and ends them. What runs in one, it does
// not know.
//
// Invariant: a machine ends with the process that started it, however that ends, and has
// no file anywhere: all that it is given is memory.
package qemu

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"sync"
	"syscall"

	"golang.org/x/sys/unix"
)

// Program is QEMU's, and Package whose on Debian and Ubuntu.
const (
	Program = "qemu-system-x86_64"
	Package = "qemu-system-x86"
)

// ErrMissing says that QEMU is not there.
var ErrMissing = errors.New("virtual machines need QEMU (" + Program + "): install the package " + Package)

// Find is the path of QEMU, and which it is.
func Find(ctx context.Context) (path, version string, err error) {
	path, err = exec.LookPath(Program)
	if err != nil {
		return "", "", ErrMissing
	}
	out, err := exec.CommandContext(ctx, path, "--version").Output()
	if err != nil {
		return "", "", fmt.Errorf("ask QEMU for its version: %w", err)
	}
	version, _, _ = strings.Cut(string(out), "\n")
	return path, version, nil
}

// Config is a machine to be.
type Config struct {
	Path   string // of QEMU
	Kernel []byte // as the machine enters it
	Files  []byte // the first file system
	Real   bool   // time passes as it does outside; else it passes as the machine's work does
	Slow   bool   // without KVM, even if it seems to be there
	Memory int    // in MB
	Args   string // of process 1
}

// descriptors that QEMU is given, from 3 on.
const (
	kernelFile = "/proc/self/fd/3"
	filesFile  = "/proc/self/fd/4"
	sharedFile = "/proc/self/fd/5"
	clockFile  = "/proc/self/fd/6"
	console    = "/proc/self/fd/1"
)

// noCX16 keeps the kernel from CMPXCHG16B (X86_FEATURE_CX16, word 4 bit 13, which all kernels take as
// a number). QEMU 7.2 computes the flags that it leaves from an operand of an instruction
// before: where an interrupt comes next, the flags that return from it have bits that no
// kernel sets, and Linux 6.12 panics in kmem_cache_alloc. Programs still see the feature.
const noCX16 = " clearcpuid=141"

// Processors is how many a machine has: in virtual time there is one, for only then is the
// order of what happens its own.
func Processors(realTime bool) int {
	if realTime {
		return 2
	}
	return 1
}

// Args are what QEMU is called with. Whoever calls it with the same, the same kernel and
// the same files, in virtual time, sees the same machine do the same.
func Args(c Config, shared int) []string {
	args := []string{"-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
		"-m", fmt.Sprint(c.Memory), "-cpu", "max", "-M", "pc",
		"-smp", fmt.Sprint(Processors(c.Real))}
	kvm := c.Real && !c.Slow && KVM() == nil
	switch {
	case kvm:
		args = append(args, "-accel", "kvm", "-rtc", "base=utc")
	case c.Real:
		args = append(args, "-accel", "tcg,thread=multi", "-rtc", "base=utc")
	default:
		args = append(args, "-accel", "tcg",
			"-icount", "shift=0,sleep=off,align=off,rr=record,rrfile=/dev/null",
			"-rtc", "base=2020-01-01,clock=vm", "-seed", "1")
	}
	// The kernel's tests of its own ciphers are left out: they take a good part of the boot.
	line := "console=ttyS0 quiet panic=-1 norandmaps nokaslr mitigations=off cryptomgr.notests"
	if !kvm {
		line += noCX16
	}
	if !c.Real {
		// What watches over clocks and programs, and over how long these wait, wakes a machine that rests.
		line += " nowatchdog tsc=reliable psi=0"
	}
	return append(args,
		"-object", fmt.Sprintf("memory-backend-file,id=shared,size=%d,mem-path=%s,share=on", shared, sharedFile),
		"-device", "ivshmem-plain,memdev=shared",
		"-chardev", "file,id=console,path="+console, "-serial", "chardev:console",
		"-kernel", kernelFile, "-initrd", filesFile, "-append", line+" -- "+c.Args)
}

// Machine is one that runs.
type Machine struct {
	cancel context.CancelFunc
	group  int // of QEMU's processes
	done   chan struct{}
	err    error
	says   tail
}

// Start starts a machine. It runs until it powers itself off, ctx ends or [Machine.End] is
// called.
func Start(ctx context.Context, c Config, shared *Shared) (*Machine, error) {
	kernel, err := memoryFile("kernel", c.Kernel)
	if err != nil {
		return nil, err
	}
	defer kernel.Close()
	files, err := memoryFile("files", c.Files)
	if err != nil {
		return nil, err
	}
	defer files.Close()
	ctx, cancel := context.WithCancel(ctx)
	m := &Machine{cancel: cancel, done: make(chan struct{})}
	cmd := exec.CommandContext(ctx, c.Path, Args(c, len(shared.Memory))...)
	cmd.ExtraFiles = []*os.File{kernel, files, shared.file}
	if library := standingClock(); !c.Real && library != nil {
		clock, err := memoryFile("clock", library)
		if err != nil {
			cancel()
			return nil, err
		}
		defer clock.Close()
		cmd.ExtraFiles = append(cmd.ExtraFiles, clock)
		cmd.Env = append(cmd.Environ(), "LD_PRELOAD="+clockFile)
	}
	cmd.Stdout, cmd.Stderr = &m.says, &m.says
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL, Setpgid: true}
	cmd.Cancel = func() error { return unix.Kill(-cmd.Process.Pid, unix.SIGKILL) }
	started := make(chan error, 1)
	go func() {
		// The death signal follows the thread that started it.
		runtime.LockOSThread()
		defer runtime.UnlockOSThread()
		defer close(m.done)
		err := cmd.Start()
		started <- err
		if err == nil {
			m.err = cmd.Wait()
		}
	}()
	if err := <-started; err != nil {
		cancel()
		return nil, fmt.Errorf("start QEMU: %w", err)
	}
	m.group = cmd.Process.Pid
	return m, nil
}

// Pause has the machine stand still, and its time with it, until [Machine.Resume].
func (m *Machine) Pause() { m.signal(unix.SIGSTOP) }

// Resume has it go on.
func (m *Machine) Resume() { m.signal(unix.SIGCONT) }

// signal sends a signal to QEMU, unless it has ended.
func (m *Machine) signal(s unix.Signal) {
	select {
	case <-m.done:
	default:
		_ = unix.Kill(-m.group, s) // it may be ending
	}
}

// Done is closed when the machine has ended.
func (m *Machine) Done() <-chan struct{} { return m.done }

// End ends the machine and waits until it has ended. It returns QEMU's own error, nil if
// the machine had powered itself off.
func (m *Machine) End() error {
	m.cancel()
	<-m.done
	return m.err
}

// Console is the end of what the machine wrote to its console, with what QEMU said.
func (m *Machine) Console() string { return m.says.String() }

// tail keeps the end of what is written to it.
type tail struct {
	mu   sync.Mutex
	text []byte
}

const mostSaid = 64 << 10

// Write implements io.Writer.
func (t *tail) Write(p []byte) (int, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.text = append(t.text, p...)
	if over := len(t.text) - mostSaid; over > 0 {
		t.text = append(t.text[:0], t.text[over:]...)
	}
	return len(p), nil
}

func (t *tail) String() string {
	t.mu.Lock()
	defer t.mu.Unlock()
	return string(t.text)
}
