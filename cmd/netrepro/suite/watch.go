//go:build linux

package suite

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"netrepro/engine/report"
	"netrepro/engine/runner"
	"netrepro/engine/runner/schedule"
	"netrepro/engine/runner/sink"
	"netrepro/engine/runner/task"
	"netrepro/engine/runner/worker"
)

// glance is how often files are looked at.
const glance = 200 * time.Millisecond

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
	o.Repeat, o.Parallel, o.Retries = 1, schedule.Auto, 2
	paths := slices.Clone(args)
	if o.Lualib != "" {
		paths = append(paths, o.Lualib)
	}
	ctx := cmd.Context()
	var before *sink.Changes
	for {
		seen, err := states(paths)
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
		if changed(ctx, paths, seen); ctx.Err() != nil {
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
	if e.Color || e.Terminal {
		e.Allow(report.Sequences)
	}
	t := report.NewTerminal(e.Out, len(tasks), report.Style{Color: e.Color, Live: e.Terminal,
		UserNS: os.Geteuid() != 0, Again: "netrepro run"})
	changes := &sink.Changes{Sink: t}
	shown, finish := withPages(e, changes, html, o.Out)
	if err := runner.Run(cmd.Context(), tasks, o, shown); err != nil {
		return nil, err
	}
	t.Close()
	return changes, finish(cmd.Context())
}

// state is what a file is, as far as it tells of a change.
type state struct {
	size int64
	at   time.Time
}

// states are those of scripts and golden traces at paths.
func states(paths []string) (map[string]state, error) {
	out := map[string]state{}
	for _, path := range paths {
		err := filepath.WalkDir(path, func(path string, d fs.DirEntry, err error) error {
			if err != nil || d.IsDir() {
				return err
			}
			if ext := filepath.Ext(path); ext != ".lua" && ext != ".golden" && !slices.Contains(paths, path) {
				return nil
			}
			st, err := d.Info()
			if err == nil {
				out[path] = state{st.Size(), st.ModTime()}
			}
			return nil // it may be gone again
		})
		if err != nil {
			return nil, fmt.Errorf("watch %s: %w: name files and directories", strings.Join(paths, ", "), err)
		}
	}
	return out, nil
}

// changed waits until a file is not as it was seen, and no other changes any more.
func changed(ctx context.Context, paths []string, seen map[string]state) {
	tick := time.NewTicker(glance)
	defer tick.Stop()
	last := seen
	for {
		select {
		case <-ctx.Done():
			return
		case <-tick.C:
		}
		now, err := states(paths)
		if err != nil {
			continue // it is being replaced
		}
		if same(now, last) && !same(now, seen) {
			return
		}
		last = now
	}
}

func same(a, b map[string]state) bool {
	if len(a) != len(b) {
		return false
	}
	for path, x := range a {
		if y, ok := b[path]; !ok || x.size != y.size || !x.at.Equal(y.at) {
			return false
		}
	}
	return true
}
