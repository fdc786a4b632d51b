//go:build linux

package runner

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"os/exec"
	"os/signal"
	"slices"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"

	"netrepro/engine/script/world"
)

// KeeperArg is the only argument of a process that gives the machine its
// settings back.
const KeeperArg = "netrepro-keeper"

// lockPath is what cases lock while they run, those that change the machine
// alone: the file that is changed, so that no other is needed.
const lockPath = "/proc/sys/net/ipv4/tcp_max_orphans"

// share waits until a case may run beside others, or alone if it changes the
// machine. free ends that.
func share(alone bool) (free func(), err error) {
	f, err := os.Open(lockPath)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, fs.ErrPermission) {
		return func() {}, nil // not the machine's own namespace: nothing of it can be changed
	}
	if err != nil {
		return nil, fmt.Errorf("lock the machine's settings: %w", err)
	}
	how := unix.LOCK_SH
	if alone {
		how = unix.LOCK_EX
	}
	for {
		err = unix.Flock(int(f.Fd()), how)
		if !errors.Is(err, unix.EINTR) {
			break
		}
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock the machine's settings: %w", err), f.Close())
	}
	return func() { _ = f.Close() }, nil
}

func sysctlPath(name string) string {
	return "/proc/sys/" + strings.ReplaceAll(name, ".", "/")
}

// change changes settings of the whole machine, and returns what gives them
// back. Another process does so if this one is killed.
func change(settings map[string]string) (restore func() error, err error) {
	names := slices.Sorted(maps.Keys(settings))
	var before strings.Builder
	for _, name := range names {
		old, err := os.ReadFile(sysctlPath(name))
		if err != nil {
			return nil, fmt.Errorf("%w: %w", errNotMine, err)
		}
		fmt.Fprintf(&before, "%s=%s\n", name, strings.TrimSpace(string(old)))
	}
	keeper := exec.Command("/proc/self/exe", KeeperArg)
	keeper.Args[0] = os.Args[0]
	keeper.SysProcAttr = &syscall.SysProcAttr{Setsid: true} // no terminal's signal reaches it
	in, err := keeper.StdinPipe()
	if err != nil {
		return nil, fmt.Errorf("start keeper of settings: %w", err)
	}
	if err := keeper.Start(); err != nil {
		return nil, fmt.Errorf("start keeper of settings: %w", err)
	}
	restore = func() error { return errors.Join(in.Close(), keeper.Wait()) }
	if _, err := io.WriteString(in, before.String()+"\n"); err != nil {
		return nil, errors.Join(fmt.Errorf("start keeper of settings: %w", err), restore())
	}
	for _, name := range names {
		if err := os.WriteFile(sysctlPath(name), []byte(settings[name]), 0); err != nil {
			return nil, errors.Join(fmt.Errorf("%w: %w", errNotMine, err), restore())
		}
	}
	return restore, nil
}

// errNotMine says that the machine's settings cannot be changed from here.
var errNotMine = errors.New("the machine's own settings need root in its first network namespace")

// Keeper reads settings, a line each and an empty one at the end, waits for the
// end of in and sets them.
func Keeper(in io.Reader) error {
	signal.Ignore(syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGPIPE)
	var lines []string
	r := bufio.NewScanner(in)
	for r.Scan() && r.Text() != "" {
		lines = append(lines, r.Text())
	}
	for r.Scan() { // nothing more ever comes: this waits for the end
	}
	var errs []error
	for _, line := range lines {
		name, value, _ := strings.Cut(line, "=")
		errs = append(errs, os.WriteFile(sysctlPath(name), []byte(value), 0))
	}
	return errors.Join(errs...)
}

// onMachine runs f, alone and with the settings changed if there are any.
func onMachine(settings map[string]string, f func() (world.Result, error)) (world.Result, error) {
	free, err := share(len(settings) > 0)
	if err != nil {
		return world.Result{}, err
	}
	defer free()
	if len(settings) == 0 {
		return f()
	}
	restore, err := change(settings)
	if errors.Is(err, errNotMine) {
		return world.Result{Verdict: world.Skipped, Why: err.Error()}, nil
	}
	if err != nil {
		return world.Result{}, err
	}
	res, err := f()
	return res, errors.Join(err, restore())
}
