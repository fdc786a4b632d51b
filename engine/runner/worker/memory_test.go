//go:build linux

package worker

import (
	"errors"
	"os/exec"
	"testing"
)

func TestKilledForMemory(t *testing.T) {
	killed := exec.Command("sh", "-c", "kill -9 $$").Run()
	exit := errors.New("exit status 2")
	for _, tt := range []struct {
		name, text string
		memory     bool
		err        error
		want       bool
	}{
		{"killed while the kernel killed for memory", "", true, killed, true},
		{"killed by somebody", "", false, killed, false},
		{"ended", "", true, errors.New("no process"), false},
		{"Go found none", "fatal error: runtime: out of memory\n\ngoroutine 1", false, exit, true},
		{"Go found none at first", "runtime: out of memory: cannot allocate 8 bytes\nfatal error: out of memory",
			false, exit, true},
		{"another of its errors", "fatal error: all goroutines are asleep", false, exit, false},
	} {
		if got := killedForMemory(tt.memory, tt.err, tt.text); got != tt.want {
			t.Errorf("%s: got %v", tt.name, got)
		}
	}
}

func TestMemoryKills(t *testing.T) {
	if n := memoryKills(); n < 0 {
		t.Skip("this kernel does not count them")
	}
}
