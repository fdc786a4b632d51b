//go:build linux

package runner

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"netrepro/engine/testutil/leaks"
)

// machineMarker has the parent process of a test run onTheMachine.
const machineMarker = "NETREPRO_MACHINE_TEST"

// onTheMachine is a scenario that holds the machine's settings for a while.
const onTheMachine = `
scenario "machine" {
  machine = { ["net.ipv4.tcp_max_orphans"] = 4321 },
  topology = path { host "client", wire {}, host "server" },
  run = function(net) net.client:ping { to = net.server, count = 3, every = "100ms" } end,
}
`

const changed = "4321"

func maxOrphans(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile(sysctlPath("net.ipv4.tcp_max_orphans"))
	if err != nil {
		t.Skip("this is not the machine's own network namespace")
	}
	return strings.TrimSpace(string(b))
}

// startOnMachine starts a run, and returns when the settings are changed unless
// another run has them.
func startOnMachine(t *testing.T, wait bool) *exec.Cmd {
	t.Helper()
	c := exec.Command("/proc/self/exe")
	c.Args[0] = os.Args[0]
	c.Env = []string{marker + "=" + t.TempDir(), machineMarker + "=1"}
	c.Stderr = os.Stderr
	c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	is := func() bool { return maxOrphans(t) == changed }
	for range 12 { // cases of another run may be at work, and are waited for
		wait = wait && !eventually(is)
	}
	if wait {
		_ = c.Process.Kill()
		_ = c.Wait()
		t.Fatal("the setting was never changed")
	}
	return c
}

// role is the child of pid that was started with an argument, 0 if there is none.
func role(pid int, arg string) int {
	for _, p := range children(pid) {
		b, err := os.ReadFile(filepath.Join("/proc", strconv.Itoa(p), "cmdline"))
		if err == nil && strings.HasSuffix(string(b), "\x00"+arg+"\x00") {
			return p
		}
	}
	return 0
}

// TestMachineKilled kills each part of a run that has changed the machine: the
// setting comes back.
func TestMachineKilled(t *testing.T) {
	leaks.Lab(t)
	before := maxOrphans(t)
	victims := map[string]func(pid int) int{
		"parent": func(pid int) int { return pid },
		"group":  func(pid int) int { return -pid },
		"worker": func(pid int) int { return role(pid, WorkerArg) },
		"keeper": func(pid int) int { return role(pid, KeeperArg) },
	}
	for name, victim := range victims {
		t.Run(name, func(t *testing.T) {
			for range 6 {
				c := startOnMachine(t, true)
				pid := 0
				if !eventually(func() bool { pid = victim(c.Process.Pid); return pid != 0 }) {
					t.Fatal("there is no such process")
				}
				if err := syscall.Kill(pid, syscall.SIGKILL); err != nil {
					t.Fatal(err)
				}
				_ = c.Wait() // it may have been killed
				if !eventually(func() bool { return maxOrphans(t) == before }) {
					t.Fatalf("the setting is %s, was %s", maxOrphans(t), before)
				}
			}
		})
	}
}

// TestMachineOverlap kills a run for which another waits: that one must not take
// what the first had set for what was there.
func TestMachineOverlap(t *testing.T) {
	leaks.Lab(t)
	before := maxOrphans(t)
	for i := range 12 {
		first := startOnMachine(t, true)
		second := startOnMachine(t, false)
		if i%2 == 0 && !eventually(func() bool { return holds(second.Process.Pid, rootLock) }) {
			t.Fatal("the second run never came to its case")
		}
		_ = first.Process.Kill()
		_ = first.Wait()
		if err := second.Wait(); err != nil {
			t.Fatal(err)
		}
		if got := maxOrphans(t); got != before {
			t.Fatalf("after round %d the setting is %s, was %s", i, got, before)
		}
	}
}

// holds reports whether a process has a file open.
func holds(pid int, path string) bool {
	fds, _ := filepath.Glob(filepath.Join("/proc", strconv.Itoa(pid), "fd/*"))
	for _, fd := range fds {
		if to, err := os.Readlink(fd); err == nil && to == path {
			return true
		}
	}
	return false
}

// TestLockFile waits for a lock that somebody holds: with a word, until the
// context ends, or for so long.
func TestLockFile(t *testing.T) {
	before := silent
	silent = 100 * time.Millisecond
	defer func() { silent = before }()
	path := filepath.Join(t.TempDir(), "lock")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	var said []string
	say := func(s string) { said = append(said, s) }
	stop := errors.New("stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	if got, err := lockFile(ctx, path, false, 600*time.Millisecond, say); got != nil || err != nil {
		t.Errorf("after its time: %v, %v", got, err)
	}
	say = func(s string) {
		said = append(said, s)
		cancel(stop)
	}
	if got, err := lockFile(ctx, path, true, 0, say); got != nil || !errors.Is(err, stop) {
		t.Errorf("after the end: %v, %v", got, err)
	}
	if len(said) != 2 || !strings.Contains(said[0], path) || !strings.Contains(said[1], "other runs") {
		t.Errorf("it said %q", said)
	}
	_ = unix.Flock(int(f.Fd()), unix.LOCK_UN)
	a, err := lockFile(t.Context(), path, false, 0, say)
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	b, err := lockFile(t.Context(), path, false, 0, say)
	if err != nil {
		t.Fatal(err)
	}
	defer b.Close()
	if len(said) != 2 {
		t.Errorf("it waited for what can be shared: %q", said)
	}
	if got, err := lockFile(t.Context(), filepath.Join(path, "nothing"), true, 0, say); got != nil {
		t.Errorf("what is not there was locked: %v, %v", got, err)
	}
}

// TestGate lets in who waits to be alone, although others follow each other without
// a pause.
func TestGate(t *testing.T) {
	path := filepath.Join(t.TempDir(), "lock")
	if err := os.WriteFile(path, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// enter is what share does with one file.
	enter := func(ctx context.Context, alone bool) *os.File {
		gate, err := passGate(ctx, path, alone, nil)
		if err != nil {
			return nil
		}
		f, err := lockFile(ctx, path, alone, 0, nil)
		_ = gate.Close()
		if err != nil {
			return nil
		}
		return f
	}
	ctx, cancel := context.WithCancel(t.Context())
	var others sync.WaitGroup
	first := enter(ctx, false)
	others.Go(func() {
		for f := first; f != nil; {
			if ctx.Err() != nil {
				_ = f.Close()
				return
			}
			next := make(chan *os.File, 1)
			go func() { next <- enter(ctx, false) }()
			select { // the next comes before this one goes, unless it is kept out
			case g := <-next:
				_ = f.Close()
				f = g
			case <-time.After(30 * time.Millisecond):
				_ = f.Close()
				f = <-next
			}
		}
	})
	alone := enter(t.Context(), true)
	if alone == nil {
		t.Error("it was not let in")
	} else {
		_ = alone.Close()
	}
	cancel()
	others.Wait()
}

// TestKeeperHalfTold changes nothing if whoever started it ended before it had
// said all.
func TestKeeperHalfTold(t *testing.T) {
	before := maxOrphans(t)
	for _, in := range []string{"", `[{"Name":"net.ipv4.tcp_max_orphans","Before":"1`, `[{"Name":"net.ipv4.tcp_max_orphans","Before":"1"}`} {
		var out strings.Builder
		if err := Keeper(strings.NewReader(in), &out); err == nil || out.Len() > 0 {
			t.Errorf("%q was taken for all: %v", in, err)
		}
	}
	if got := maxOrphans(t); got != before {
		t.Errorf("the setting is %s, was %s", got, before)
	}
}
