//go:build linux

package program

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"syscall"
)

// AloneArg makes this program run another and say how much memory that one took.
const AloneArg = "alone"

// peakFile is the descriptor that the figure is written to.
const peakFile = 3

// alone has a command run from a small process: what a process takes at its peak
// counts from the memory of the one that it was started from (exec_mmap), and this
// one is large by then. peak is in kilobytes, to be called when the command has
// ended.
func alone(c *exec.Cmd) (peak func() (int64, error), err error) {
	r, w, err := os.Pipe()
	if err != nil {
		return nil, err
	}
	c.Args = append([]string{os.Args[0], AloneArg, c.Path}, c.Args[1:]...)
	c.Path, c.ExtraFiles = "/proc/self/exe", []*os.File{w}
	return func() (n int64, err error) {
		err = w.Close()
		defer func() { err = errors.Join(err, r.Close()) }()
		text, rerr := io.ReadAll(r)
		if _, serr := fmt.Sscan(string(text), &n); serr != nil {
			return 0, errors.Join(err, rerr, fmt.Errorf("read peak of memory %q: %w", text, serr))
		}
		return n, err
	}, nil
}

// RunAlone runs a command and writes the memory that it took at its peak to the
// descriptor that the process was given. It returns what to exit with.
func RunAlone(args []string) int {
	c := exec.Command(args[0], args[1:]...)
	c.Stdin, c.Stdout, c.Stderr = os.Stdin, os.Stdout, os.Stderr
	err := c.Run()
	if u, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		fmt.Fprintln(os.NewFile(peakFile, "peak"), u.Maxrss)
	}
	var ee *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &ee):
		return ee.ExitCode()
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}
