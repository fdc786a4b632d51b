//go:build linux

package suite

import (
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"netrepro/cmd/netrepro/suite/given"
	"netrepro/cmd/netrepro/virtual"
	"netrepro/engine/report"
	"netrepro/engine/report/formats"
	"netrepro/engine/runner"
	"netrepro/engine/runner/schedule"
	"netrepro/engine/script/session"
)

// runOptions are the flags of run.
type runOptions struct {
	runner.Options
	selected
	vm                                virtual.Flags
	verify, shaken                    int
	require, verbose, quiet, prove    bool
	failFast, untilFail, rerunFailed  bool
	shard, reports, baseline, keeping string
	html                              string
	step, shellOnFailure              bool
}

func runCommand(e Console) *cobra.Command {
	var o runOptions
	c := &cobra.Command{
		Use:   "run [PATH…]",
		Short: "Run scenarios: files, directories or names; without any, the shipped library",
		Long: `Run scenarios: files, directories or names; without any, the shipped library.

` + pathHelp + `

A report is junit, json, tap, github, gitlab or markdown; without =FILE it goes to
standard output. The output directory has the record of the run (` + "events.jsonl" + `), from
which netrepro report makes any of them later, and the history of its cases, which
--shard, --rerun-failed and the comparison with the last run that passed need.

A case in which nothing is expected passes, and standard error says so; netrepro check
warns of it, and check --strict refuses it.

Exit codes: 0 everything as expected, 1 a case failed, 2 script or usage error,
or output that could not be written, 3 this machine cannot (or --require was given and something was skipped),
4 only inconclusive cases stand in the way, 130 interrupted.`,
		RunE: func(cmd *cobra.Command, args []string) error { return runScenarios(cmd, e, args, &o) },
	}
	o.flags(c)
	f := c.Flags()
	f.VarP((*jobs)(&o.Parallel), "jobs", "j",
		"cases side by side: a number, or auto for as many as the processors can carry")
	f.IntVar(&o.Repeat, "repeat", 1, "run each case so many times")
	f.BoolVar(&o.untilFail, "until-fail", false, "with --repeat: stop at the first run that fails")
	f.StringVar(&o.Variant, "variant", "", "run only this variant")
	f.Uint64Var(&o.Seed, "seed", 1, "what random choices of scripts draw from")
	f.StringVarP(&o.Out, "out", "o", "out", "directory for traces, the record and the history")
	f.StringVar(&o.keeping, "keep", "",
		"after a case that did not end as expected, or with all after any, keep its lab until interrupted")
	f.Lookup("keep").NoOptDefVal = "lab"
	f.StringVar(&o.Lualib, "lualib", "", "take library modules from this directory")
	f.IntVar(&o.Retries, "retries", 2,
		"run a case that was inconclusive, because the host stalled, again at most so many times")
	f.IntVar(&o.Retry, "retry", 0,
		"run a case that failed again at most so many times; one that passes then is shown as flaky")
	f.DurationVar(&o.Timeout, "timeout", 0, "for every case, in place of its own")
	f.BoolVar(&o.failFast, "fail-fast", false, "begin no more cases after one has failed")
	f.BoolVar(&o.rerunFailed, "rerun-failed", false, "only cases that did not end as expected when they last ran, and those that never ran")
	f.StringVar(&o.shard, "shard", "", "run this part of the cases, as 2/5, balanced by how long they last took; or "+
		"auto, gitlab, github or kubernetes for what the environment says")
	f.StringVar(&o.reports, "report", "", "write reports: junit=FILE,json=FILE,tap=FILE,github,gitlab=FILE,markdown=FILE")
	f.BoolVar(&o.step, "step", false, "stand still at each step, with a prompt to look into the case (see netrepro shell)")
	f.BoolVar(&o.shellOnFailure, "shell-on-failure", false,
		"stand still at an expectation that does not hold, or an error, with a prompt to look into the case")
	f.StringVar(&o.html, "html", "", "write a page for every case, and one that lists them, to this directory")
	f.StringVar(&o.baseline, "baseline", "",
		"compare the machine of a failure with the history in this output directory too, and balance shards by it")
	f.BoolVar(&o.Inferred, "inferred", false,
		"judge resets and drops by the packets alone, even if the kernel could tell")
	f.BoolVar(&o.Update, "update", false, "write the golden traces that scenarios match")
	f.IntVar(&o.verify, "verify-determinism", 0, "run each case so many times and compare what the traces mean")
	f.Lookup("verify-determinism").NoOptDefVal = "5"
	f.BoolVar(&o.Check, "check-captures", false,
		"the capture of each case must say of every packet what its trace does")
	f.Lookup("check-captures").Hidden = true // a test of the engine, not of scenarios
	f.IntVar(&o.shaken, "shake", 0, "run each case so many times with seeded pauses where the script, its tasks "+
		"or what they wait for may be late; one that fails depends on luck")
	f.Lookup("shake").NoOptDefVal = "20"
	f.BoolVar(&o.prove, "prove", false,
		"run what shows a failure with each cure applied, and without faults: it must fail")
	f.BoolVar(&o.require, "require", false, "a skipped case is a failure (exit code 3)")
	f.BoolVarP(&o.verbose, "verbose", "v", false, "show what passed, with its evidence")
	o.vm.Add(f)
	f.BoolVarP(&o.quiet, "quiet", "q", false, "show only what did not end as expected, and the last line")
	return c
}

// valid checks the flags against each other, and reads those that say several things.
func (o *runOptions) valid(cmd *cobra.Command) ([]formats.Report, error) {
	if o.keeping != "" && o.keeping != "all" && o.keeping != "lab" && o.keeping != "true" && o.keeping != "false" {
		return nil, fmt.Errorf("--keep keeps the lab of a case, or with all of any, not %q", o.keeping)
	}
	o.KeepAll = o.keeping == "all"
	o.Keep = o.KeepAll || o.keeping == "lab" || o.keeping == "true"
	switch {
	case o.verify < 0 || o.verify == 1 || o.verify > 0 && o.Repeat > 1:
		return nil, errors.New("--verify-determinism is at least 2, and takes the place of --repeat")
	case o.shaken < 0 || o.shaken > 0 && (o.Repeat > 1 || o.verify > 0 || o.prove || o.Update || o.Keep):
		return nil, errors.New("--shake is at least 1, and takes the place of --repeat, --verify-determinism, " +
			"--prove, --update and --keep")
	case o.prove && (o.verify > 0 || o.Repeat > 1 || o.Update || o.Keep):
		return nil, errors.New("--prove runs other cases: leave out --repeat, --update, --keep and " +
			"--verify-determinism")
	case o.vm.Several() && (o.step || o.shellOnFailure):
		return nil, errors.New("--step and --shell-on-failure look into cases on one kernel: name one with --kernel")
	case o.Repeat < 1:
		return nil, fmt.Errorf("--repeat is at least 1, not %d", o.Repeat)
	case o.Retries < 0:
		return nil, fmt.Errorf("--retries is at least 0, not %d", o.Retries)
	case o.Retry < 0:
		return nil, fmt.Errorf("--retry is at least 0, not %d", o.Retry)
	case o.untilFail && o.Repeat < 2:
		return nil, errors.New("--until-fail stops a --repeat: say how often at most")
	case o.Retry > 0 && (o.prove || o.shaken > 0 || o.verify > 0 || o.Keep || o.Update):
		return nil, errors.New("--retry hides what --prove, --shake, --verify-determinism, --keep and --update look for")
	case o.Timeout < time.Millisecond && cmd.Flags().Changed("timeout"):
		return nil, fmt.Errorf("--timeout is a time of at least 1ms, as 90s, not %s", o.Timeout)
	case o.quiet && o.verbose:
		return nil, errors.New("--quiet and --verbose are two ways to show it: take one")
	}
	if o.verify > 0 {
		o.Repeat, o.Form = o.verify, true
	}
	if o.shaken > 0 {
		o.Repeat, o.Shake = o.shaken, true
	}
	if err := o.vm.Check(&o.Options, cmd.Flags().Changed); err != nil {
		return nil, err
	}
	if err := given.Folders(o.Lualib); err != nil {
		return nil, err
	}
	if o.vm.Several() && (o.prove || o.failFast || o.untilFail || o.reports != "" || o.baseline != "") {
		return nil, errors.New("several kernels are compared by one plain run on each: leave out --prove, --fail-fast, " +
			"--until-fail, --report and --baseline")
	}
	if o.reports == "" {
		return nil, nil
	}
	reports, err := formats.Parse(o.reports)
	if err != nil {
		return nil, fmt.Errorf("--report: %w", err)
	}
	return reports, nil
}

// jobs is the value of --jobs.
type jobs int

// String implements pflag.Value.
func (j *jobs) String() string {
	if *j == schedule.Auto {
		return "auto"
	}
	return strconv.Itoa(int(*j))
}

// Set implements pflag.Value.
func (j *jobs) Set(text string) error {
	n, err := strconv.Atoi(text)
	switch {
	case text == "auto":
		n = schedule.Auto
	case err != nil || n < 1:
		return fmt.Errorf("%q is neither auto nor a number of at least 1", text)
	}
	*j = jobs(n)
	return nil
}

// Type implements pflag.Value.
func (*jobs) Type() string { return "jobs" }

// exitCode is the code for what t counted, the gravest first.
func exitCode(t *report.Terminal, require bool) int {
	switch {
	case t.Count(session.Errored) > t.Machine():
		return Script
	case t.Count(session.Failed) > 0:
		return Failed
	case t.Machine() > 0, require && t.Count(session.Skipped) > 0:
		return Cannot
	case t.Count(session.Inconclusive) > 0:
		return Inconclusive
	}
	return Expected
}
