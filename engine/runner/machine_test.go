//go:build linux

package runner

import (
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"netrepro/engine/runner/machine"
	"netrepro/engine/runner/worker"
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

// caseLock is what cases of root lock while they run.
const caseLock = "/proc/sys/kernel/cad_pid"

func maxOrphans(t *testing.T) string {
	t.Helper()
	b, err := os.ReadFile("/proc/sys/net/ipv4/tcp_max_orphans")
	if err != nil {
		t.Skip("this is not the machine's own network namespace")
	}
	return strings.TrimSpace(string(b))
}

// atRest is the setting while no case has it changed: runs of other tests take
// their turns with it too.
func atRest(t *testing.T) string {
	t.Helper()
	f, err := os.Open(caseLock)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = f.Close() }()
	free := false
	for range 12 { // as long as startOnMachine waits
		free = free || eventually(func() bool {
			return syscall.Flock(int(f.Fd()), syscall.LOCK_SH|syscall.LOCK_NB) == nil
		})
	}
	if !free {
		t.Fatal("other runs have the machine's settings for too long")
	}
	return maxOrphans(t)
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
	maxOrphans(t) // skips where there is none
	before := atRest(t)
	victims := map[string]func(pid int) int{
		"parent": func(pid int) int { return pid },
		"group":  func(pid int) int { return -pid },
		"worker": func(pid int) int { return role(pid, worker.Arg) },
		"keeper": func(pid int) int { return role(pid, machine.KeeperArg) },
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
	maxOrphans(t) // skips where there is none
	before := atRest(t)
	for i := range 12 {
		first := startOnMachine(t, true)
		second := startOnMachine(t, false)
		if i%2 == 0 && !eventually(func() bool { return holds(second.Process.Pid, caseLock) }) {
			t.Fatal("the second run never came to its case")
		}
		_ = first.Process.Kill()
		_ = first.Wait()
		if err := second.Wait(); err != nil {
			t.Fatal(err)
		}
		if got := atRest(t); got != before {
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
