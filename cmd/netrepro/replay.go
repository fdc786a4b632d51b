//go:build linux

package main

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"netrepro/cmd/netrepro/virtual"
	"netrepro/engine/files"
	"netrepro/engine/report/replayed"
	"netrepro/engine/reproduction/importing"
	"netrepro/engine/reproduction/similar"
	"netrepro/engine/runner"
	"netrepro/engine/runner/replay"
	"netrepro/engine/runner/task"
	"netrepro/engine/runner/worker"
	"netrepro/engine/script/session"
)

func replayCommand(e env) *cobra.Command {
	var o importing.Options
	var run runner.Options
	var vm virtual.Flags
	c := &cobra.Command{
		Use:   "replay FILE",
		Short: "Import a capture, run it, and compare what both mean",
		Long: `Import a capture, run it, and compare what both mean, connection by connection.

FILE is what trace reads. What was not reproduced is listed, with the reason
where it is known. With --peer, one side is not a socket: its packets are played
from the capture, with numbers that fit, against the live kernel of the other.

Exit codes: 0 similar (` + fmt.Sprintf("%.0f", similar.Enough*100) + ` % or more), 1 not similar, 2 not a capture, without a TCP
connection, or a mistake in a flag, 3 this machine cannot, 4 the host was too
busy for a verdict, 130 interrupted.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return replayCapture(cmd, e, args[0], o, run, &vm) },
	}
	importFlags(c, &o)
	c.Flags().StringVar(&run.Out, "out", "", "keep the trace of the run in this directory")
	vm.AddMachine(c.Flags())
	run.Parallel, run.Repeat, run.Seed, run.Retries = 1, 1, 1, 2
	return c
}

func replayCapture(cmd *cobra.Command, e env, path string, o importing.Options, run runner.Options,
	vm *virtual.Flags) error {
	ctx := cmd.Context()
	before, _ := filepath.Glob(filepath.Join(run.Out, "*", "*.pcapng")) // the pattern is fine
	for _, trace := range before {
		if err := files.Apart(trace, path); err != nil {
			return err
		}
	}
	if err := vm.Check(&run, cmd.Flags().Changed); err != nil {
		return err
	}
	if vm.Several() {
		return errors.New("a capture is replayed on one kernel: name one with --kernel")
	}
	s, err := importing.File(ctx, path, o)
	if err != nil {
		return err
	}
	on := runner.Run
	if vm.On {
		on = func(ctx context.Context, tasks []*task.Task, o runner.Options, to task.Sink) error {
			return vm.Run(ctx, tasks, o, to, e.err)
		}
	}
	out, err := replay.Run(ctx, s.Incident, s.Text, s.Peer, run, on)
	if errors.Is(err, virtual.ErrCannot) {
		return coded{err, exitCannot}
	}
	if errors.Is(err, worker.ErrFull) {
		return coded{err, exitCannot}
	}
	if errors.Is(err, worker.ErrCannot) {
		return coded{fmt.Errorf("%w: run as root, or allow user namespaces", err), exitCannot}
	}
	if err != nil {
		return err
	}
	if out.Verdict == session.Skipped {
		return coded{fmt.Errorf("the imported scenario was skipped: %s", out.Why), exitCannot}
	}
	replayed.Show(e.out, out, s.Incident.Others)
	if run.Out != "" {
		fmt.Fprintf(e.err, "netrepro: the trace of the run is %s\n", out.Capture)
	}
	switch {
	case out.Compared.Score >= similar.Enough:
		return nil
	case out.Verdict == session.Inconclusive:
		return silent(exitInconclusive)
	}
	return silent(exitFailed)
}
