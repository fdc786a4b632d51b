//go:build linux

// Package program runs the binary that is measured, and says how long it took and
// how much memory.
package program

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Measured is the error of a run, nil if it only proves nothing: the host was busy, and what
// was measured still counts.
func Measured(err error) error {
	const inconclusive = 4 // the exit code of such a run
	var ee *exec.ExitError
	if errors.As(err, &ee) && ee.ExitCode() == inconclusive {
		return nil
	}
	return err
}

// Saying is what a scenario printed, and what running it took.
type Saying struct {
	Said string
	Took time.Duration
	// Memory is in kilobytes at its peak, of the program or its worker, whichever
	// had more.
	Memory int64
}

// Say runs a scenario by itself that prints "said" and something.
func Say(bin, text string) (Saying, error) {
	dir, err := os.MkdirTemp("", "netrepro-bench")
	if err != nil {
		return Saying{}, err
	}
	defer os.RemoveAll(dir)
	file := filepath.Join(dir, "bench.lua")
	if err := os.WriteFile(file, []byte(text), 0o644); err != nil {
		return Saying{}, err
	}
	ctx, cancel := context.WithTimeout(context.Background(), 3*time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, bin, "run", "-v", "-j", "1", "-o", dir, file)
	peak, err := alone(c)
	if err != nil {
		return Saying{}, err
	}
	began := time.Now()
	out, err := c.CombinedOutput()
	s := Saying{Took: time.Since(began)}
	if err := Measured(err); err != nil {
		return s, fmt.Errorf("%w\n%s", err, out)
	}
	if s.Memory, err = peak(); err != nil {
		return s, err
	}
	for line := range bytes.Lines(out) {
		if _, rest, ok := strings.Cut(string(line), "said\t"); ok {
			s.Said = strings.TrimSpace(rest)
			return s, nil
		}
	}
	return s, fmt.Errorf("the scenario did not say what it measured:\n%s", out)
}
