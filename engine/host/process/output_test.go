//go:build linux

package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestOutput checks what is kept of what a program writes.
func TestOutput(t *testing.T) {
	ns := namespace(t)
	lines := make(chan string, 16)
	p := start(t, Spec{NS: ns, Output: func(line string, isErr bool) { lines <- fmt.Sprint(line, " ", isErr) }},
		"echo one; echo two >&2; printf three")
	_, out, errs := finished(t, p)
	if out != "one\nthree" || errs != "two\n" || p.Dropped() != 0 {
		t.Errorf("got %q and %q, %d dropped", out, errs, p.Dropped())
	}
	var got []string
	for range 3 {
		got = append(got, <-lines)
	}
	slices.Sort(got)
	if want := []string{"one false", "three false", "two true"}; !slices.Equal(got, want) {
		t.Errorf("lines: %q, want %q", got, want)
	}
	flood := start(t, Spec{NS: ns}, fmt.Sprintf("head -c %d /dev/zero", maxOutput+5))
	if _, out, _ := finished(t, flood); len(out) != maxOutput || flood.Dropped() != 5 {
		t.Errorf("of a flood %d bytes are kept, %d dropped", len(out), flood.Dropped())
	}
}

// TestWaitLine waits for what a program writes, and no longer than it may.
func TestWaitLine(t *testing.T) {
	ns := namespace(t)
	p := start(t, Spec{NS: ns}, "echo one >&2; read x; exit 7")
	if err := p.WaitLine(patient(t), "one"); err != nil {
		t.Errorf("what was written: %v", err)
	}
	if err := p.WaitLine(patient(t), "never"); err == nil ||
		!strings.Contains(err.Error(), "it has ended: exit code 7") {
		t.Errorf("what is never written: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	q := start(t, Spec{NS: ns}, "sleep 1000")
	if err := q.WaitLine(ctx, "never"); !errors.Is(err, context.Canceled) {
		t.Errorf("after the end of the context: %v", err)
	}
	if _, err := q.Wait(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("waiting for its end: %v", err)
	}
}

// TestLastWords waits for what a program writes and ends at once, also where what it
// forked goes on and keeps the pipe open.
func TestLastWords(t *testing.T) {
	ns := namespace(t)
	for i := range 40 {
		script := "echo ready"
		if i%2 == 1 {
			script = "sleep 1000 & echo ready"
		}
		p := start(t, Spec{NS: ns}, script)
		if err := p.WaitLine(patient(t), "ready"); err != nil {
			t.Errorf("%s: %v", script, err)
		}
		if err := p.WaitLine(patient(t), "never"); err == nil || !strings.Contains(err.Error(), "it has ended") {
			t.Errorf("%s: what is never written: %v", script, err)
		}
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	}
}

// TestPid is the number by which the program knows itself.
func TestPid(t *testing.T) {
	p := start(t, Spec{NS: namespace(t), Trusted: true}, "echo $$")
	_, out, _ := finished(t, p)
	if got := strings.TrimSpace(out); got != fmt.Sprint(p.Pid()) {
		t.Errorf("it is %s to itself, %d to us", got, p.Pid())
	}
}

// TestInterpreter reads the first line of scripts as the kernel does.
func TestInterpreter(t *testing.T) {
	for text, want := range map[string]string{
		"#!/bin/sh\n": "/bin/sh", "#! /usr/bin/env python3 -u\nx": "/usr/bin/env", "#!/bin/x": "/bin/x",
		"": "", "#!\n": "", "plain text\n": "",
	} {
		path := filepath.Join(t.TempDir(), "x")
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := interpreter(path); got != want {
			t.Errorf("%q: got %q, want %q", text, got, want)
		}
	}
	if interpreter("/no/such/file") != "" {
		t.Error("a file that is not there has an interpreter")
	}
}
