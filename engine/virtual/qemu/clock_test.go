//go:build linux

package qemu

import (
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// TestStandingClock has a program of this machine, which asks the C library for the time, be
// told that of the clock that stands still.
func TestStandingClock(t *testing.T) {
	library := standingClock()
	if library == nil {
		t.Skip("the processor is another")
	}
	perl, err := exec.LookPath("perl")
	if err != nil {
		t.Skip(err)
	}
	path := filepath.Join(t.TempDir(), "clock.so")
	if err := os.WriteFile(path, library, 0o700); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), perl, "-MTime::HiRes=gettimeofday", "-e", "print join(\" \", gettimeofday())")
	cmd.Env = append(cmd.Environ(), "LD_PRELOAD="+path)
	out, err := cmd.CombinedOutput()
	if err != nil || strings.TrimSpace(string(out)) != "1577836800 0" {
		t.Errorf("it is %q, %v", out, err)
	}
}
