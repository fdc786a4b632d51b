//go:build linux

package runner

import (
	"errors"
	"fmt"
	"io"
	"os"

	"netrepro/engine/host/process"
	"netrepro/engine/runner/machine"
	"netrepro/engine/runner/worker"
)

// Play runs the process in the role that its arguments give it, if they are
// those of a process that [Run] started, and returns what to exit with.
func Play(args []string, in io.Reader, out, complain io.Writer) (code int, played bool) {
	if len(args) < 2 {
		return 0, false
	}
	var err error
	switch args[1] {
	case worker.Arg:
		err = worker.Serve(in, out)
	case machine.KeeperArg:
		err = machine.Keeper(in, out)
	case process.InitArg:
		err = process.Init()
	default:
		return 0, false
	}
	if err == nil {
		return 0, true
	}
	fmt.Fprintln(complain, err)
	if errors.Is(err, worker.ErrCannot) || errors.Is(err, os.ErrPermission) {
		return worker.CannotCode, true
	}
	return 1, true
}
