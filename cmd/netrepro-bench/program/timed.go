//go:build linux

package program

import (
	"errors"
	"io"
	"os/exec"
	"time"
)

// Timed runs c with its output thrown away, feeding it from feed if that is not
// nil, and returns how long it took and its peak memory in KB.
func Timed(c *exec.Cmd, feed func(io.Writer) error) (time.Duration, int64, error) {
	peak, err := alone(c)
	if err != nil {
		return 0, 0, err
	}
	began := time.Now()
	var in io.WriteCloser
	if feed != nil {
		var err error
		if in, err = c.StdinPipe(); err != nil {
			return 0, 0, err
		}
	}
	if err := c.Start(); err != nil {
		return 0, 0, err
	}
	if feed != nil {
		err = errors.Join(feed(in), in.Close())
	}
	err = errors.Join(err, c.Wait())
	took := time.Since(began)
	kilobytes, perr := peak()
	return took, kilobytes, errors.Join(err, perr)
}
