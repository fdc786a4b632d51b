//go:build linux

package worker

import (
	"fmt"

	"golang.org/x/sys/unix"
)

// on runs f, which starts a process, on a thread that has these processors: the
// process inherits them. The calling goroutine must be locked to its thread.
func on(set *unix.CPUSet, f func() error) error {
	var before unix.CPUSet
	if err := unix.SchedGetaffinity(0, &before); err != nil {
		return fmt.Errorf("find processors: %w", err)
	}
	if err := unix.SchedSetaffinity(0, set); err != nil {
		return fmt.Errorf("choose processors: %w", err)
	}
	err := f()
	if back := unix.SchedSetaffinity(0, &before); err == nil && back != nil {
		err = fmt.Errorf("give processors back: %w", back)
	}
	return err
}
