//go:build linux

package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"netrepro/cmd/netrepro/look"
	"netrepro/cmd/netrepro/suite/given"
	"netrepro/cmd/netrepro/virtual"
	"netrepro/engine/report"
	"netrepro/engine/runner"
	"netrepro/engine/runner/task"
	"netrepro/engine/runner/worker"
	"netrepro/engine/script/session"
)

// stops are where a case can stand still, by how --at names them.
var stops = map[string]session.Stop{"before": session.StopBefore, "step": session.StopStep,
	"failure": session.StopFailure, "after": session.StopAfter}

func shellCommand(e Console) *cobra.Command {
	var at string
	var o runner.Options
	var vm virtual.Flags
	c := &cobra.Command{
		Use:   "shell CASE [NODE]",
		Short: "Bring up the lab of a case, and look into it",
		Long: `Bring up the lab of a case, and look into it.

CASE is a name, "scenario/variant", or a file with one case. It stands still where --at
says, and wherever the script says pause(): before its function runs (before, the
default), at each step (step), at an expectation that does not hold or an error (failure),
when it has ended (after); several with commas between.

There a prompt takes anything that a script can say, with net at hand, and "exec NODE
COMMAND" runs programs of this machine on a node: tcpdump, ss, nft, a shell. With NODE,
a shell opens there at once, and the case goes on when it ends. The lab goes down when
the case has ended; a case that ended otherwise than it should is no failure here.

With --vm or --kernel it runs in a virtual machine. In virtual time the case stands still
while you think and type. A few programs of this machine are there: curl, dmesg, ip, nft,
ping, ss, tcpdump. They have no terminal, so that exec needs a COMMAND.

Exit codes: 0 it ended, 2 no such case, or a mistake, 3 this machine cannot.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error { return shell(cmd, e, args, at, o, &vm) },
	}
	f := c.Flags()
	f.StringVar(&at, "at", "before", "where it stands still: before, step, failure, after")
	f.StringVarP(&o.Out, "out", "o", "out", "directory for traces")
	f.Uint64Var(&o.Seed, "seed", 1, "what random choices of scripts draw from")
	f.StringVar(&o.Lualib, "lualib", "", "take library modules from this directory")
	vm.AddMachine(f)
	return c
}

func shell(cmd *cobra.Command, e Console, args []string, at string, o runner.Options, vm *virtual.Flags) error {
	var where []session.Stop
	for name := range strings.SplitSeq(at, ",") {
		s, ok := stops[name]
		if !ok {
			return fmt.Errorf("--at is before, step, failure or after, not %q", name)
		}
		where = append(where, s)
	}
	if err := vm.Check(&o, cmd.Flags().Changed); err != nil {
		return err
	}
	switch {
	case vm.Several():
		return errors.New("you look into a case on one kernel: name one with --kernel")
	case vm.On && len(args) > 1:
		return errors.New("a virtual machine has no terminal for a shell on a node: leave out NODE, and say exec NODE COMMAND")
	}
	if err := given.Folders(o.Lualib); err != nil {
		return err
	}
	sel := selected{}
	sel.Script = o.Options
	cases, err := sel.load(cmd, e, args[:1])
	if err != nil {
		return err
	}
	o.Wants = cases.Wants
	tasks, err := task.List(cases.Files, o.Selection)
	if err != nil {
		return err
	}
	if len(tasks) != 1 {
		var names []string
		for _, t := range tasks {
			names = append(names, t.Name())
		}
		return fmt.Errorf("%s is %d cases: name one of %s", args[0], len(tasks), strings.Join(names, ", "))
	}
	c := look.New(e.In, e.Out, e.Getenv)
	c.Apart = vm.On
	if len(args) > 1 {
		c.Node = args[1]
		if err := given.Node(tasks[0].Case, c.Node); err != nil {
			return err
		}
	}
	o.Repeat, o.Parallel, o.Look = 1, 1, c.Into(where...)
	t := report.NewTerminal(e.Out, 1, report.Style{UserNS: os.Geteuid() != 0})
	run := runner.Run
	o.Say = func(text string) { fmt.Fprintln(e.Err, "netrepro: "+text) }
	if vm.On {
		run = func(ctx context.Context, tasks []*task.Task, o runner.Options, to task.Sink) error {
			return vm.Run(ctx, tasks, o, to, e.Err)
		}
	}
	err = run(cmd.Context(), tasks, o, t)
	if errors.Is(err, worker.ErrCannot) || errors.Is(err, virtual.ErrCannot) {
		return &Exit{err, Cannot}
	}
	if err == nil && t.Count(session.Errored) > 0 {
		return &Exit{Code: Script}
	}
	return err
}
