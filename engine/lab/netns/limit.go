//go:build linux

package netns

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// Limited says of an error of making namespaces what the kernel means by it:
// that no space is left, or that there are too many users, is a limit of
// namespaces.
func Limited(err error) error {
	switch {
	case errors.Is(err, unix.ENOSPC):
		var now []string
		for _, kind := range []string{"net", "pid", "mnt", "user", "ipc"} {
			name := "max_" + kind + "_namespaces"
			if b, rerr := os.ReadFile("/proc/sys/user/" + name); rerr == nil {
				now = append(now, "user."+name+" = "+strings.TrimSpace(string(b)))
			}
		}
		return fmt.Errorf("a limit of namespaces is reached: raise it with sysctl (%s): %w",
			strings.Join(now, ", "), err)
	case errors.Is(err, unix.EUSERS):
		return fmt.Errorf("user namespaces are nested too deep here: %w", err)
	}
	return err
}
