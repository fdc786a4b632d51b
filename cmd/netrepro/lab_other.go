//go:build !linux

package main

import (
	"errors"

	"github.com/spf13/cobra"
)

func helper() {}

// labCommands are those that know scenarios. They are named on every system, so
// that the answer is a reason and not an unknown command.
func labCommands(env) []*cobra.Command {
	var cs []*cobra.Command
	for _, c := range []struct{ use, short string }{
		{"run [PATH…]", "Run scenarios (on Linux)"},
		{"replay FILE", "Import a capture, run it, and compare what both mean (on Linux)"},
		{"list [PATH…]", "List scenarios and their cases (on Linux)"},
		{"report DIR…", "Make reports of runs that have ended (on Linux)"},
		{"doctor", "Try what this machine can show (on Linux)"},
		{"check [PATH…]", "Check scenarios for mistakes (on Linux)"},
		{"kernels", "List the kernels that run --vm can use (on Linux)"},
	} {
		cs = append(cs, &cobra.Command{Use: c.use, Short: c.short, DisableFlagParsing: true,
			RunE: func(*cobra.Command, []string) error {
				return coded{errors.New("scenarios need Linux, for its network namespaces: run this in a Linux " +
					"machine or VM; trace and import work here"), exitCannot}
			}})
	}
	return cs
}
