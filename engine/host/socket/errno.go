//go:build linux

package socket

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"os"
	"strings"
	"syscall"

	"golang.org/x/sys/unix"
)

// Timeout is the name of an error that is a missed deadline of a call, as
// opposed to ETIMEDOUT, which is the kernel giving up.
const Timeout = "timeout"

// ErrName is a short stable name for err: an errno name, "timeout", "EOF",
// "alert …" for a TLS alert, else its text. It is empty for nil.
func ErrName(err error) string {
	var errno syscall.Errno
	var alert tls.AlertError
	switch {
	case err == nil:
		return ""
	case errors.As(err, &errno):
		return unix.ErrnoName(errno)
	case errors.Is(err, os.ErrDeadlineExceeded), errors.Is(err, context.DeadlineExceeded):
		return Timeout
	case errors.Is(err, io.ErrUnexpectedEOF):
		return "unexpected EOF"
	case errors.Is(err, io.EOF):
		return "EOF"
	// the poller has no name for it
	case errors.Is(err, os.ErrClosed), strings.HasSuffix(err.Error(), "use of closed file"):
		return "closed"
	case errors.As(err, &alert):
		return "alert " + alert.Error()
	}
	return err.Error()
}
