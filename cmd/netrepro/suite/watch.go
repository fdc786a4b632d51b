//go:build linux

package suite

import (
	"errors"
	"fmt"
	"os"
	"slices"

	"github.com/spf13/cobra"

	"netrepro/cmd/netrepro/suite/given"
	"netrepro/cmd/netrepro/suite/watching"
	"netrepro/engine/report"
	"netrepro/engine/runner"
	"netrepro/engine/runner/schedule"
	"netrepro/engine/runner/sink"
	"netrepro/engine/runner/task"
	"netrepro/engine/runner/worker"
)

func watchCommand(e Console) *cobra.Command {
	var o runner.Options
	var html string
	c := &cobra.Command{
		Use:   "watch PATH…",
		Short: "Run scenarios, and again whenever a file changes, until interrupted",
		Long: `Run scenarios, and again whenever a file changes, until interrupted.

PATH is a file or a directory. After each run but the first it says what changed: which
cases end otherwise, which expectations hold now and which do not any more.

Exit codes: 0 interrupted, 2 no such file, 3 this machine cannot.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return watch(cmd, e, args, o, html) },
	}
	f := c.Flags()
	f.StringVarP(&o.Out, "out", "o", "out", "directory for traces")
	f.StringVar(&o.Variant, "variant", "", "run only this variant")
	f.StringVar(&o.Lualib, "lualib", "", "take library modules from this directory, and watch it too")
	f.StringVar(&html, "html", "", "write pages to this directory after every run (see netrepro run)")
	return c
}

func watch(cmd *cobra.Command, e Console, args []string, o runner.Options, html string) error {
	if err := given.Folders(o.Lualib); err != nil {
		return err
	}
	o.Repeat, o.Parallel, o.Retries = 1, schedule.Auto, 2
	paths := slices.Clone(args)
	if o.Lualib != "" {
		paths = append(paths, o.Lualib)
	}
	ctx := cmd.Context()
	var before *sink.Changes
	for {
		seen, err := watching.Look(paths)
		if err != nil {
			return err
		}
		now, err := watched(cmd, e, args, o, html)
		switch {
		case ctx.Err() != nil:
			return nil
		case errors.Is(err, worker.ErrCannot):
			return &Exit{err, Cannot}
		case err != nil: // a mistake in a script is what is being worked on
			fmt.Fprintf(e.Err, "netrepro: %v\n", err)
		case before != nil:
			for _, line := range now.Since(before) {
				fmt.Fprintln(e.Out, line)
			}
		}
		if now != nil {
			before = now
		}
		fmt.Fprintln(e.Out, "waiting for a file to change")
		if watching.Wait(ctx, paths, seen); ctx.Err() != nil {
			return nil
		}
	}
}

// watched runs what args name once.
func watched(cmd *cobra.Command, e Console, args []string, o runner.Options, html string) (*sink.Changes, error) {
	sel := selected{}
	sel.Script = o.Options
	cases, err := sel.load(cmd, e, args)
	if err != nil {
		return nil, err
	}
	o.Wants = cases.Wants
	tasks, err := task.List(cases.Files, o.Selection)
	if err != nil {
		return nil, err
	}
	t := e.shown(len(tasks), report.Style{UserNS: os.Geteuid() != 0})
	changes := &sink.Changes{Sink: t}
	shown, finish := withPages(e, changes, html, o.Out)
	if err := runner.Run(cmd.Context(), tasks, o, shown); err != nil {
		return nil, err
	}
	t.Close()
	return changes, finish(cmd.Context())
}
