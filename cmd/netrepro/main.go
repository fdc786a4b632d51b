//go:build linux

// Command netrepro turns network failures into files anyone can run.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"syscall"

	"netrepro/engine/runner"
	"netrepro/engine/script/diag"
)

// Exit codes.
const (
	exitExpected     = 0
	exitFailed       = 1 // a case failed
	exitScript       = 2 // script or usage error
	exitCannot       = 3 // this machine cannot, or --require and something was skipped
	exitInconclusive = 4 // only inconclusive cases stand in the way
	exitInterrupted  = 130
)

// env is what the process is given; tests give their own.
type env struct {
	args     []string
	out, err io.Writer
	terminal bool // out is one
	color    bool
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == runner.WorkerArg {
		if err := runner.Worker(os.Stdin, os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			if errors.Is(err, runner.ErrCannot) {
				os.Exit(runner.CannotCode)
			}
			os.Exit(exitFailed)
		}
		return
	}
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	terminal := isTerminal(os.Stdout)
	code := run(ctx, env{args: os.Args[1:], out: os.Stdout, err: os.Stderr, terminal: terminal,
		color: terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"})
	stop()
	os.Exit(code)
}

// coded is an error with an exit code of its own.
type coded struct {
	error
	code int
}

func (c coded) Unwrap() error { return c.error }

// silent ends the program with a code and no further word.
type silent int

func (silent) Error() string { return "" }

// run is main without the process: it returns the exit code.
func run(ctx context.Context, e env) int {
	cmd := root(e)
	cmd.SetArgs(e.args)
	cmd.SetOut(e.out)
	cmd.SetErr(e.err)
	err := cmd.ExecuteContext(ctx)
	var s silent
	var c coded
	switch {
	case err == nil:
		return exitExpected
	case errors.As(err, &s):
		return int(s)
	case ctx.Err() != nil:
		fmt.Fprintln(e.err, "netrepro: interrupted")
		return exitInterrupted
	}
	fmt.Fprintln(e.err, render(err))
	if errors.As(err, &c) {
		return c.code
	}
	return exitScript
}

// render shows an error with its source line if it has one; several, one after
// the other.
func render(err error) string {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		text := ""
		for i, e := range joined.Unwrap() {
			if i > 0 {
				text += "\n\n"
			}
			text += render(e)
		}
		return text
	}
	var de *diag.Error
	if errors.As(err, &de) {
		return de.Render()
	}
	return "netrepro: " + err.Error()
}
