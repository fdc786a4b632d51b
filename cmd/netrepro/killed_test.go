//go:build linux

package main

import (
	"context"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"netrepro/engine/testutil/leaks"
)

// netrepro makes the program as a process: this test's binary. It works in a folder with
// two cases that take as long as they are let.
func netrepro(t *testing.T, ctx context.Context, args ...string) (c *exec.Cmd, dir string, out *strings.Builder) {
	t.Helper()
	leaks.Lab(t)
	dir, out = t.TempDir(), &strings.Builder{}
	const text = `local hosts = path { host "a", wire {}, host "b" }
scenario "quick" { topology = hosts, run = function() end }
scenario "slow" { topology = hosts, timeout = "10m", run = function() print "up" sleep "9m" end }
scenario "next" { topology = hosts, run = function() end }
`
	if err := os.WriteFile(filepath.Join(dir, "s.lua"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(t.TempDir(), "netrepro") // by this name the test's binary is the program
	if err := os.Symlink(exe, bin); err != nil {
		t.Fatal(err)
	}
	c = exec.CommandContext(ctx, bin, args...)
	c.Dir, c.Stdout, c.Stderr = dir, out, out
	return c, dir, out
}

// printed waits until the slow case has printed.
func printed(t *testing.T, dir string) {
	t.Helper()
	for range 6000 {
		b, err := os.ReadFile(filepath.Join(dir, "out", "events.jsonl"))
		if err == nil && strings.Contains(string(b), `"text":"up"`) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("the case never began")
}

// workerOf is the process of the case at work: the last child of a run.
func workerOf(t *testing.T, pid int) int {
	t.Helper()
	tasks, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range tasks {
		b, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		var child, parent int
		var state string
		text := string(b)
		fields := strings.Fields(text[strings.LastIndexByte(text, ')')+1:])
		if len(fields) < 2 {
			continue
		}
		state = fields[0]
		_ = json.Unmarshal([]byte(strings.Fields(text)[0]), &child)
		_ = json.Unmarshal([]byte(fields[1]), &parent)
		if parent == pid && state != "Z" {
			return child
		}
	}
	t.Fatal("the run has no worker")
	return 0
}

// TestWorkerEnded ends the process of a case from outside: the case has an error, and the
// run goes on.
func TestWorkerEnded(t *testing.T) {
	c, dir, out := netrepro(t, t.Context(), "run", "-j", "1", "--report", "tap", "s.lua")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	printed(t, dir)
	if err := syscall.Kill(workerOf(t, c.Process.Pid), syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait() // its code is looked at
	if c.ProcessState.ExitCode() != exitScript || !strings.Contains(out.String(), "signal: killed") ||
		!strings.Contains(out.String(), "2 as expected, 1 error") || !strings.Contains(out.String(), "not ok 2 - slow") ||
		!strings.Contains(out.String(), "ok 3 - next") {
		t.Errorf("it ended with %d: %s", c.ProcessState.ExitCode(), out)
	}
}

// TestInterruptedRun ends a run as ^C does: what there is so far is reported.
func TestInterruptedRun(t *testing.T) {
	c, dir, out := netrepro(t, t.Context(), "run", "-j", "1", "--report", "junit=j.xml,tap", "s.lua")
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	printed(t, dir)
	if err := c.Process.Signal(os.Interrupt); err != nil {
		t.Fatal(err)
	}
	_ = c.Wait()
	if c.ProcessState.ExitCode() != exitInterrupted || !strings.Contains(out.String(), "1 as expected, 2 not run") ||
		!strings.Contains(out.String(), "ok 1 - quick") || !strings.Contains(out.String(), "not ok 2 - slow") ||
		!strings.Contains(out.String(), "# 1 cases were not run") {
		t.Errorf("it ended with %d: %s", c.ProcessState.ExitCode(), out)
	}
	if b, err := os.ReadFile(filepath.Join(dir, "j.xml")); err != nil || !strings.Contains(string(b), "before this case did") {
		t.Errorf("the report: %s, %v", b, err)
	}
}
