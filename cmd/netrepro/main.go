// Command netrepro turns network failures into files anyone can run.
package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime/debug"
	"syscall"
	"time"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"netrepro/cmd/netrepro/output"
	"netrepro/cmd/netrepro/plain"
	"netrepro/cmd/netrepro/suite"
	"netrepro/engine/sanitize"
	"netrepro/engine/script/diag"
)

// Exit codes.
const (
	exitExpected     = suite.Expected
	exitFailed       = suite.Failed
	exitScript       = suite.Script
	exitCannot       = suite.Cannot
	exitInconclusive = suite.Inconclusive
	exitInterrupted  = suite.Interrupted
)

// env is what the process is given; tests give their own.
type env struct {
	args     []string
	out, err io.Writer
	terminal bool // out is one
	color    bool
}

// allow lets escape sequences of ours pass.
func (e env) allow(sequences []string) {
	if o, ok := e.out.(*output.Writer); ok {
		o.Allow(sequences...)
	}
}

// bytes is where a command writes what is no text.
func (e env) bytes() io.Writer {
	if o, ok := e.out.(*output.Writer); ok {
		return o.Bytes()
	}
	return e.out
}

func main() {
	helper()
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	terminal := isTerminal(os.Stdout)
	ended := make(chan int, 1)
	go func() {
		ended <- run(ctx, env{args: os.Args[1:], out: os.Stdout, err: os.Stderr, terminal: terminal,
			color: terminal && os.Getenv("NO_COLOR") == "" && os.Getenv("TERM") != "dumb"})
	}()
	code := exitInterrupted
	select {
	case code = <-ended:
	case <-ctx.Done():
		stop() // a second signal ends the process
		select {
		case code = <-ended:
		case <-time.After(patience): // it waits for whoever should read on
		}
	}
	os.Exit(code)
}

// patience is how long what was interrupted may take to end: longer than labs
// take to be cleared away.
const patience = 10 * time.Second

func isTerminal(f *os.File) bool { return term.IsTerminal(int(f.Fd())) }

func root(e env) *cobra.Command {
	c := &cobra.Command{
		Use:           "netrepro",
		Short:         "Turns a network failure into a file anyone can run",
		SilenceUsage:  true,
		SilenceErrors: true,
	}
	c.CompletionOptions.HiddenDefaultCmd = true
	c.AddCommand(labCommands(e)...)
	c.AddCommand(anonymizeCommand(e), diagnoseCommand(e), docCommand(e), importCommand(e), traceCommand(e),
		versionCommand(e))
	c.SetHelpCommand(plain.Help())
	plain.Apply(c, e.args)
	return c
}

func versionCommand(e env) *cobra.Command {
	return &cobra.Command{
		Use:   "version",
		Short: "Print the version",
		Args:  cobra.NoArgs,
		Run: func(*cobra.Command, []string) {
			v := "unknown"
			if b, ok := debug.ReadBuildInfo(); ok {
				v = b.Main.Version + " " + b.GoVersion
			}
			fmt.Fprintln(e.out, "netrepro", v)
		},
	}
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
	out := output.New(e.out)
	e.out, e.err = out, sanitize.NewWriter(e.err)
	code := execute(ctx, e)
	if code == exitInterrupted { // something may write to it still
		return code
	}
	if out.End() == nil {
		return code
	}
	fmt.Fprintln(e.err, render(out.Err()))
	if code == exitExpected {
		return exitScript
	}
	return code
}

// execute runs the command that e names.
func execute(ctx context.Context, e env) int {
	cmd := root(e)
	cmd.SetArgs(e.args)
	cmd.SetOut(e.out)
	cmd.SetErr(e.err)
	err := cmd.ExecuteContext(ctx)
	if err != nil {
		if none := plain.Unknown(cmd, e.args); none != nil {
			err = none
		}
	}
	var s silent
	var c coded
	var x *suite.Exit
	switch {
	case err == nil:
		return exitExpected
	case errors.As(err, &s):
		return int(s)
	case errors.As(err, &x) && x.Err == nil:
		return x.Code
	case ctx.Err() != nil:
		fmt.Fprintln(e.err, "netrepro: interrupted")
		return exitInterrupted
	}
	if out, ok := e.out.(*output.Writer); !ok || out.Err() == nil || !errors.Is(err, out.Err()) { // else run says it
		fmt.Fprintln(e.err, render(err))
	}
	switch {
	case errors.As(err, &c):
		return c.code
	case errors.As(err, &x):
		return x.Code
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
