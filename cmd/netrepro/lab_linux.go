package main

import (
	"os"

	"github.com/spf13/cobra"

	"netrepro/cmd/netrepro/examine"
	"netrepro/cmd/netrepro/reports"
	"netrepro/cmd/netrepro/suite"
	"netrepro/cmd/netrepro/virtual"
	"netrepro/engine/runner"
	"netrepro/engine/runner/guest/inside"
)

// helper runs the process as a part of a run if it was started as one.
func helper() {
	if code, played := inside.Play(os.Args); played {
		os.Exit(code)
	}
	if code, played := runner.Play(os.Args, os.Stdin, os.Stdout, os.Stderr); played {
		os.Exit(code)
	}
}

// labCommands are those that know scenarios.
func labCommands(e env) []*cobra.Command {
	c := suite.Console{In: os.Stdin, Out: e.out, Err: e.err, Getenv: os.Getenv, Terminal: e.terminal, Color: e.color,
		Allow: e.allow}
	return append(suite.Commands(c), reports.Command(c), examine.Command(c), replayCommand(e),
		virtual.KernelsCommand(e.out))
}
