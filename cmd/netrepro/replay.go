//go:build linux

package main

import (
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"netrepro/engine/incident/similar"
	"netrepro/engine/runner"
	"netrepro/engine/runner/replay"
	"netrepro/engine/runner/worker"
	"netrepro/engine/script/session"
)

func replayCommand(e env) *cobra.Command {
	var o importOptions
	var run runner.Options
	var script bool
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
		RunE: func(cmd *cobra.Command, args []string) error { return replayCapture(cmd, e, args[0], o, run, script) },
	}
	o.flags(c)
	f := c.Flags()
	f.StringVar(&run.Out, "out", "", "keep the trace of the run in this directory")
	f.BoolVar(&script, "script", false, "show the scenario that is run first")
	run.Parallel, run.Repeat, run.Seed, run.Retries = 1, 1, 1, 2
	return c
}

func replayCapture(cmd *cobra.Command, e env, path string, o importOptions, run runner.Options, script bool) error {
	ctx := cmd.Context()
	inc, text, side, err := o.text(ctx, path)
	if err != nil {
		return err
	}
	if script {
		fmt.Fprintln(e.out, text)
	}
	out, err := replay.Run(ctx, inc, text, side, run)
	if errors.Is(err, worker.ErrCannot) {
		return coded{fmt.Errorf("%w: run as root, or allow user namespaces", err), exitCannot}
	}
	if err != nil {
		return err
	}
	switch out.Verdict {
	case session.Errored:
		return fmt.Errorf("the imported scenario cannot run: %s", out.Why)
	case session.Skipped:
		return coded{fmt.Errorf("the imported scenario was skipped: %s", out.Why), exitCannot}
	}
	r := out.Compared
	for i, f := range r.Flows {
		fmt.Fprintf(e.out, "connection %d (flow %d)  %3.0f %% of %d events\n", i+1, f.N, 100*f.Score, f.Lines)
		for _, d := range f.Differs {
			fmt.Fprintf(e.out, "    %s\n", d)
		}
	}
	if inc.Others > 0 {
		fmt.Fprintf(e.out, "%d connections more are not imported: --flow names one\n", inc.Others)
	}
	for _, f := range out.Failed {
		fmt.Fprintf(e.out, "not as expected: %s\n", f)
	}
	word, code := "similar", exitExpected
	switch {
	case r.Score >= similar.Enough:
	case out.Verdict == session.Inconclusive:
		word, code = "not similar, but the host was too busy for a verdict", exitInconclusive
	default:
		word, code = "not similar", exitFailed
	}
	fmt.Fprintf(e.out, "%s: %.0f %%, the run %s\n", word, 100*r.Score, out.Verdict)
	if run.Out != "" {
		fmt.Fprintf(e.err, "netrepro: the trace of the run is %s\n", out.Capture)
	}
	if code != exitExpected {
		return silent(code)
	}
	return nil
}
