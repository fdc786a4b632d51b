//go:build linux

// Package reports has the command that makes reports of runs that have ended.
//
// Invariant: it returns an error and never ends the process.
package reports

import (
	"fmt"
	"path/filepath"

	"github.com/spf13/cobra"

	"netrepro/cmd/netrepro/suite"
	"netrepro/engine/report/casepage"
	"netrepro/engine/report/formats"
	"netrepro/engine/report/recorder"
	"netrepro/engine/report/stream"
)

// Command is netrepro report.
func Command(e suite.Console) *cobra.Command {
	var text, html string
	c := &cobra.Command{
		Use:   "report DIR…",
		Short: "Make reports of runs that have ended, and merge those of shards",
		Long: `Make reports of runs that have ended, and merge those of shards.

DIR is the output directory of a run, or its events.jsonl. Several are parts of one
suite: no case may be in two of them, and shards must make up the whole.

Exit codes: 0 everything as expected, 1 a case failed, 2 a case had an error or did
not end, or a report cannot be made, 3 the machine could not, 4 only inconclusive
cases stand in the way.`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			reports, err := formats.Parse(text)
			if err != nil {
				return fmt.Errorf("--report: %w", err)
			}
			if err := formats.Ready(reports, records(args)...); err != nil {
				return suite.Machines(err)
			}
			run, merged := recorder.Read(args)
			if run == nil {
				return merged
			}
			if html != "" {
				if err := casepage.Recorded(cmd.Context(), run, html); err != nil {
					return suite.Machines(err)
				}
				fmt.Fprintf(e.Out, "pages  %s\n", filepath.Join(html, "index.html"))
				if !cmd.Flags().Changed("report") {
					reports = nil
				}
			}
			if err := formats.Write(cmd.Context(), reports, run, e.Out); err != nil {
				return suite.Machines(err)
			}
			if merged != nil {
				return merged
			}
			if run.Finished.Interrupted {
				fmt.Fprintf(e.Err, "netrepro: the run did not end: it was interrupted, or its process was killed; "+
					"of %d cases %d did not run\n", len(run.Started.Cases), len(run.Finished.NotRun))
			}
			if code := recordedCode(run); code != suite.Expected {
				return &suite.Exit{Code: code}
			}
			return nil
		},
	}
	c.Flags().StringVar(&text, "report", "markdown",
		"what to write: junit=FILE,json=FILE,tap=FILE,github=FILE,gitlab=FILE,markdown=FILE")
	c.Flags().StringVar(&html, "html", "", "write a page for every case, and one that lists them, to this directory")
	return c
}

// records are the files that are read of what is named.
func records(named []string) (out []string) {
	for _, path := range named {
		out = append(out, path, filepath.Join(path, stream.File))
	}
	return out
}

// recordedCode is the exit code of a run that was recorded.
func recordedCode(r *stream.Run) int {
	machine := 0
	for _, c := range r.Cases {
		if c.Ended.Verdict == stream.Errored && c.Ended.Machine {
			machine++
		}
	}
	switch {
	case r.Count(stream.Errored) > machine:
		return suite.Script
	case r.Count(stream.Failed) > 0:
		return suite.Failed
	case machine > 0:
		return suite.Cannot
	case r.Finished.Interrupted:
		return suite.Script
	case r.Count(stream.Inconclusive) > 0:
		return suite.Inconclusive
	}
	return suite.Expected
}
