//go:build linux

package leaks

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"golang.org/x/sys/unix"
)

// recorder is a test that notes what is said of it.
type recorder struct {
	testing.TB
	cleanups []func()
	said     []string
}

func (r *recorder) Helper()           {}
func (r *recorder) Failed() bool      { return len(r.said) > 0 }
func (r *recorder) Cleanup(f func())  { r.cleanups = append(r.cleanups, f) }
func (r *recorder) Error(args ...any) { r.said = append(r.said, fmt.Sprint(args...)) }
func (r *recorder) Errorf(format string, args ...any) {
	r.said = append(r.said, fmt.Sprintf(format, args...))
}

// TestLab leaves something behind and looks at what is said.
func TestLab(t *testing.T) {
	for _, tt := range []struct {
		name  string
		leave func(t *testing.T) (clean func())
		want  string // empty: nothing is said
	}{
		{"nothing", func(*testing.T) func() { return func() {} }, ""},
		{"a file", func(t *testing.T) func() {
			f, err := os.Open("/dev/zero")
			if err != nil {
				t.Fatal(err)
			}
			return func() { _ = f.Close() }
		}, "descriptors left open: /dev/zero"},
		{"a goroutine", func(*testing.T) func() {
			end := make(chan struct{})
			go func() { <-end }()
			return func() { close(end) }
		}, "goroutine"},
		{"a process", func(t *testing.T) func() {
			c := exec.Command("true")
			out, err := c.StdoutPipe()
			if err != nil {
				t.Fatal(err)
			}
			if err := c.Start(); err != nil {
				t.Fatal(err)
			}
			_, _ = io.Copy(io.Discard, out)
			// WNOWAIT leaves it to be waited for.
			if err := unix.Waitid(unix.P_PID, c.Process.Pid, nil, unix.WEXITED|unix.WNOWAIT, nil); err != nil {
				t.Fatal(err)
			}
			return func() { // it has been waited for
				_, _ = c.Wait(), c.Process.Release()
			}
		}, "was left to be waited for"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			Lab(t) // skips where no lab can be made
			r := &recorder{TB: t}
			Lab(r)
			clean := tt.leave(t)
			for _, f := range r.cleanups {
				f()
			}
			clean()
			said := strings.Join(r.said, "; ")
			if tt.want == "" && said != "" || !strings.Contains(said, tt.want) {
				t.Errorf("it said %q, want %q", said, tt.want)
			}
		})
	}
}

// TestLabFailed adds nothing to a test that has failed already.
func TestLabFailed(t *testing.T) {
	Lab(t)
	r := &recorder{TB: t}
	Lab(r)
	r.Error("it failed")
	f, err := os.Open("/dev/zero")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	for _, f := range r.cleanups {
		f()
	}
	if len(r.said) != 1 {
		t.Errorf("it said %q", r.said)
	}
}
