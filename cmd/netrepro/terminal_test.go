//go:build linux

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// terminal is a pseudo-terminal with somebody at it.
type terminal struct {
	t    *testing.T
	us   *os.File
	mu   sync.Mutex
	text string
}

// atTerminal runs netrepro at a terminal of its own, on a case that pauses. It ends when
// the test does.
func atTerminal(t *testing.T, args ...string) (term *terminal, pid int, ended <-chan error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	t.Cleanup(cancel)
	c, dir, _ := netrepro(t, ctx, args...)
	const text = `scenario "paused" { topology = path { host "a", wire {}, host "b" }, run = function(net)
	pause "look"
end }`
	if err := os.WriteFile(filepath.Join(dir, "paused.lua"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	us, err := os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("there are no pseudo-terminals: %v", err)
	}
	n, err := unix.IoctlGetInt(int(us.Fd()), unix.TIOCGPTN)
	if err != nil {
		t.Fatal(err)
	}
	if err := unix.IoctlSetPointerInt(int(us.Fd()), unix.TIOCSPTLCK, 0); err != nil {
		t.Fatal(err)
	}
	them, err := os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		t.Skipf("the pseudo-terminal cannot be opened: %v", err)
	}
	defer them.Close()
	c.Stdin, c.Stdout, c.Stderr = them, them, them
	c.Env = append(os.Environ(), "SHELL=/bin/sh", "PS1=ready: ", "TERM=dumb", "ENV=")
	c.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Setctty: true}
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	term = &terminal{t: t, us: us}
	go func() {
		buf := make([]byte, 4096)
		for {
			n, err := us.Read(buf)
			if err != nil {
				return // the other side is closed
			}
			term.mu.Lock()
			term.text += string(buf[:n])
			term.mu.Unlock()
		}
	}()
	done := make(chan error, 1)
	go func() { done <- c.Wait() }()
	t.Cleanup(func() { _ = us.Close() })
	return term, c.Process.Pid, done
}

// sees waits for a text that was not seen before.
func (x *terminal) sees(want string) {
	x.t.Helper()
	for range 6000 {
		x.mu.Lock()
		_, rest, found := strings.Cut(x.text, want)
		if found {
			x.text = rest
		}
		x.mu.Unlock()
		if found {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	x.t.Fatalf("%q was not seen; there is %q", want, x.text)
}

func (x *terminal) types(text string) {
	x.t.Helper()
	if _, err := x.us.WriteString(text); err != nil {
		x.t.Fatal(err)
	}
}

// TestShellAtTerminal completes, remembers, and runs programs that take the keyboard.
func TestShellAtTerminal(t *testing.T) {
	x, _, ended := atTerminal(t, "shell", "paused.lua")
	x.sees("stopped: before")
	x.sees("> ")
	x.types("net.a.nam\t\r")
	x.sees("\"a\"\r\n")
	x.types("\x1b[A\r") // what was typed before, again
	x.sees("\"a\"\r\n")
	x.types("exec a\r")
	x.sees("ready: ")
	x.types("cat\r")
	x.sees("cat\r\n")
	x.types("typed\r")
	x.sees("typed\r\ntyped\r\n") // once by the terminal, once by cat
	x.types("\x03")              // ends cat, and nothing else
	x.sees("ready: ")
	x.types("exit\r")
	x.sees("> ")
	x.types("continue\r")
	x.sees("pause: look")
	x.sees("> ")
	x.types("\x04")
	x.sees("passed")
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestShellOfNode opens a shell on a node at once.
func TestShellOfNode(t *testing.T) {
	x, _, ended := atTerminal(t, "shell", "--at", "after", "paused.lua", "b")
	x.sees("pause: look")
	x.sees("ready: ")
	x.types("exit\r")
	x.sees("stopped: after")
	x.sees("ready: ")
	x.types("exit 7\r")
	x.sees("passed")
	if err := <-ended; err != nil {
		t.Error(err)
	}
}

// TestShellKilled leaves nothing of a case that somebody looked into.
func TestShellKilled(t *testing.T) {
	x, pid, ended := atTerminal(t, "shell", "paused.lua")
	x.sees("> ")
	worker := workerOf(t, pid)
	if err := unix.Kill(pid, unix.SIGKILL); err != nil {
		t.Fatal(err)
	}
	<-ended
	for range 6000 {
		if unix.Kill(worker, 0) != nil {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d is still there", worker)
}

// TestWatch runs again when the file is saved, says what changed, and ends when it is
// interrupted.
func TestWatch(t *testing.T) {
	x, pid, ended := atTerminal(t, "watch", "paused.lua")
	x.sees("1 as expected")
	x.sees("waiting for a file to change")
	dir, err := os.Readlink(fmt.Sprintf("/proc/%d/cwd", pid))
	if err != nil {
		t.Fatal(err)
	}
	save := func(body string) {
		t.Helper()
		text := `scenario "paused" { topology = path { host "a", wire {}, host "b" }, run = function(net) ` + body + ` end }`
		if err := os.WriteFile(filepath.Join(dir, "paused.lua"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	save("expect(1):equals(2)")
	x.sees("changed  paused: was passed, now failed")
	x.sees("fails now  paused.lua:1: expected 2, saw 1")
	x.sees("waiting")
	save("expect(") // being written
	x.sees("paused.lua:1")
	x.sees("waiting")
	save("expect(2):equals(2) --")
	x.sees("waiting")
	save("expect(2):equals(2)")
	x.sees("changed  paused: was failed, now passed")
	x.sees("0 of 1 as before")
	x.sees("waiting")
	x.types("\x03")
	if err := <-ended; err != nil {
		t.Errorf("it ended with %v", err)
	}
}
