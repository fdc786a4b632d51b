package files

import (
	"errors"
	"syscall"
)

// Cannot reports whether an error of writing is the machine's: the disk is full, or a
// folder or a file cannot be written.
func Cannot(err error) bool {
	for _, e := range []syscall.Errno{syscall.ENOSPC, syscall.EDQUOT, syscall.EROFS, syscall.EIO, syscall.EACCES,
		syscall.EPERM, syscall.EMFILE, syscall.ENFILE} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}
