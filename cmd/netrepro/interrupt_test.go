//go:build linux

package main

import (
	"bytes"
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

// TestInterrupted ends commands that wait for the other end of a pipe.
func TestInterrupted(t *testing.T) {
	header := []byte("\xd4\xc3\xb2\xa1\x02\x00\x04\x00\x00\x00\x00\x00\x00\x00\x00\x00\xff\xff\x00\x00\x01\x00\x00\x00")
	capture := filepath.Join(t.TempDir(), "c.pcap")
	if err := os.WriteFile(capture, header, 0o600); err != nil {
		t.Fatal(err)
	}
	const either = -1 // as it had opened the capture or had not
	for _, tt := range []struct {
		name string
		args []string // PIPE is the pipe
		says []byte   // by a writer that then is quiet; nil if there is none
		code int
	}{
		{"nobody writes", []string{"trace", "PIPE"}, nil, exitInterrupted},
		{"nobody writes what is followed", []string{"trace", "--follow", "PIPE"}, nil, exitInterrupted},
		{"a quiet writer", []string{"trace", "PIPE"}, []byte{}, exitInterrupted},
		{"a quiet writer of what is followed", []string{"trace", "--follow", "PIPE"}, []byte{}, exitInterrupted},
		{"a writer that stops", []string{"trace", "PIPE"}, header, exitInterrupted},
		{"a writer that stops and is followed", []string{"trace", "--follow", "--json", "PIPE"}, header, either},
		{"a writer that stops in a header", []string{"trace", "--follow", "PIPE"}, header[:10], exitInterrupted},
		{"nobody reads", []string{"trace", capture, "-w", "PIPE"}, nil, exitInterrupted},
		{"check", []string{"check", "PIPE"}, nil, exitInterrupted},
		{"check a quiet writer", []string{"check", "PIPE"}, []byte("scenario"), exitInterrupted},
		{"list", []string{"list", "PIPE"}, nil, exitInterrupted},
		{"run", []string{"run", "PIPE"}, []byte("local x"), exitInterrupted},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			pipe := filepath.Join(t.TempDir(), "pipe")
			if err := unix.Mkfifo(pipe, 0o600); err != nil {
				t.Fatal(err)
			}
			args := append([]string{}, tt.args...)
			for i, a := range args {
				if a == "PIPE" {
					args[i] = pipe
				}
			}
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			var out, errs bytes.Buffer
			code := make(chan int, 1)
			go func() { code <- run(ctx, env{args: args, out: &out, err: &errs}) }()
			if tt.says != nil {
				w := openWriter(t, pipe)
				defer w.Close()
				if _, err := w.Write(tt.says); err != nil {
					t.Fatal(err)
				}
				for n := -1; n != 0; { // it has read all, and waits
					var err error
					if n, err = unix.IoctlGetInt(int(w.Fd()), unix.TIOCINQ); err != nil {
						t.Fatal(err)
					}
				}
			}
			cancel()
			if got := <-code; got != tt.code && (tt.code != either || got != exitExpected && got != exitInterrupted) {
				t.Errorf("exit code %d, want %d: %s%s", got, tt.code, &out, &errs)
			}
		})
	}
}

// openWriter opens a pipe once somebody reads from it.
func openWriter(t *testing.T, path string) *os.File {
	t.Helper()
	for range 1000 {
		f, err := os.OpenFile(path, os.O_WRONLY|unix.O_NONBLOCK, 0)
		if err == nil {
			return f
		}
		if !errors.Is(err, unix.ENXIO) {
			t.Fatal(err)
		}
		time.Sleep(time.Millisecond)
	}
	t.Fatal("nobody reads")
	return nil
}

// blocked is an output that nobody reads from, until it is closed.
type blocked struct{ begun, closed chan struct{} }

// Write implements io.Writer.
func (b *blocked) Write(p []byte) (int, error) {
	select {
	case b.begun <- struct{}{}:
	default:
	}
	<-b.closed
	return len(p), nil
}

// TestInterruptedOutput ends a trace while it waits for whoever should read it.
func TestInterruptedOutput(t *testing.T) {
	const text = "../../testdata/capture/close-notify-after-fin.tcpdump.txt"
	for _, args := range [][]string{{"trace", text}, {"trace", "--json", text}, {"trace", "--follow", text}} {
		b := &blocked{make(chan struct{}, 1), make(chan struct{})}
		ctx, cancel := context.WithCancel(t.Context())
		code := make(chan int, 1)
		var errs bytes.Buffer
		go func() { code <- run(ctx, env{args: args, out: b, err: &errs}) }()
		<-b.begun
		cancel()
		if got := <-code; got != exitInterrupted {
			t.Errorf("%v: exit code %d, want %d", args, got, exitInterrupted)
		}
		close(b.closed)
	}
}
