package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"sync"

	"github.com/spf13/cobra"

	"netrepro/engine/report"
	"netrepro/engine/runner"
	"netrepro/engine/runner/schedule"
	"netrepro/engine/runner/selection"
	"netrepro/engine/runner/sink"
	"netrepro/engine/runner/task"
	"netrepro/engine/runner/worker"
	"netrepro/engine/sanitize"
	"netrepro/engine/script/session"
)

// helper runs the process as a part of a run if it was started as one.
func helper() {
	if code, played := runner.Play(os.Args, os.Stdin, os.Stdout, os.Stderr); played {
		os.Exit(code)
	}
}

// labCommands are those that know scenarios.
func labCommands(e env) []*cobra.Command {
	return []*cobra.Command{runCommand(e), replayCommand(e), listCommand(e), checkCommand(e)}
}

func runCommand(e env) *cobra.Command {
	var o runner.Options
	var sel selected
	var require, verbose, prove bool
	var verify, shaken int
	c := &cobra.Command{
		Use:   "run [PATH…]",
		Short: "Run scenarios: files, directories or names; without any, the shipped library",
		Long: `Run scenarios: files, directories or names; without any, the shipped library.

` + pathHelp + `

Exit codes: 0 everything as expected, 1 a case failed, 2 script or usage error,
or output that could not be written, 3 this machine cannot (or --require was given and something was skipped),
4 only inconclusive cases stand in the way, 130 interrupted.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			return runScenarios(cmd, e, args, sel, o, verify, shaken, require, verbose, prove)
		},
	}
	sel.flags(c)
	f := c.Flags()
	f.VarP((*jobs)(&o.Parallel), "jobs", "j",
		"cases side by side: a number, or auto for as many as the processors can carry")
	f.IntVar(&o.Repeat, "repeat", 1, "run each case so many times")
	f.StringVar(&o.Variant, "variant", "", "run only this variant")
	f.Uint64Var(&o.Seed, "seed", 1, "what random choices of scripts draw from")
	f.StringVarP(&o.Out, "out", "o", "out", "directory for traces")
	f.BoolVar(&o.Keep, "keep", false, "after a case that did not end as expected, keep its lab until interrupted")
	f.StringVar(&o.Lualib, "lualib", "", "take library modules from this directory")
	f.IntVar(&o.Retries, "retries", 2,
		"run a case that was inconclusive, because the host stalled, again at most so many times")
	f.BoolVar(&o.Inferred, "inferred", false,
		"judge resets and drops by the packets alone, even if the kernel could tell")
	f.BoolVar(&o.Update, "update", false, "write the golden traces that scenarios match")
	f.IntVar(&verify, "verify-determinism", 0, "run each case so many times and compare what the traces mean")
	f.Lookup("verify-determinism").NoOptDefVal = "5"
	f.BoolVar(&o.Check, "check-captures", false,
		"the capture of each case must say of every packet what its trace does")
	f.Lookup("check-captures").Hidden = true // a test of the engine, not of scenarios
	f.IntVar(&shaken, "shake", 0, "run each case so many times with seeded pauses where the script, its tasks "+
		"or what they wait for may be late; one that fails depends on luck")
	f.Lookup("shake").NoOptDefVal = "20"
	f.BoolVar(&prove, "prove", false,
		"run what shows a failure with each cure applied, and without faults: it must fail")
	f.BoolVar(&require, "require", false, "a skipped case is a failure (exit code 3)")
	f.BoolVarP(&verbose, "verbose", "v", false, "show what passed, with its evidence")
	return c
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

func runScenarios(cmd *cobra.Command, e env, args []string, sel selected, o runner.Options, verify, shaken int, require, verbose,
	prove bool) error {
	if verify < 0 || verify == 1 || verify > 0 && o.Repeat > 1 {
		return errors.New("--verify-determinism is at least 2, and takes the place of --repeat")
	}
	if verify > 0 {
		o.Repeat, o.Form = verify, true
	}
	if shaken < 0 || shaken > 0 && (o.Repeat > 1 || verify > 0 || prove || o.Update || o.Keep) {
		return errors.New("--shake is at least 1, and takes the place of --repeat, --verify-determinism, " +
			"--prove, --update and --keep")
	}
	if shaken > 0 {
		o.Repeat, o.Shake = shaken, true
	}
	if prove && (verify > 0 || o.Repeat > 1 || o.Update || o.Keep) {
		return errors.New("--prove runs other cases: leave out --repeat, --update, --keep and --verify-determinism")
	}
	if o.Repeat < 1 || o.Retries < 0 {
		return errors.New("--repeat is at least 1, --retries at least 0")
	}
	sel.Script = o.Options
	cases, err := sel.load(cmd, e, args)
	if err != nil {
		return err
	}
	o.Wants = cases.Wants
	list := task.List
	if prove {
		list = task.Proofs
	}
	tasks, err := list(cases.Files, o.Selection)
	if err != nil {
		return err
	}
	if len(tasks) == 0 {
		return fmt.Errorf("no case has variant %q: netrepro list shows what there is", o.Variant)
	}
	if e.color || e.terminal {
		e.allow(report.Sequences)
	}
	t := report.NewTerminal(e.out, len(tasks), report.Style{Color: e.color, Live: e.terminal, Verbose: verbose,
		UserNS: os.Geteuid() != 0, Again: "netrepro run"})
	goldens := &sink.Goldens{Sink: t}
	determinism := &sink.Determinism{Sink: goldens}
	var to task.Sink = determinism
	if prove {
		to = &sink.Proofs{Sink: t}
	}
	said := sync.Map{}
	o.Say = func(text string) {
		if _, before := said.LoadOrStore(text, true); !before { // once, however many cases wait
			fmt.Fprintln(e.err, "netrepro: "+text)
		}
	}
	err = runner.Run(cmd.Context(), tasks, o, to)
	if errors.Is(err, worker.ErrCannot) {
		return coded{fmt.Errorf("%w: run as root, or allow user namespaces (sysctl "+
			"kernel.apparmor_restrict_unprivileged_userns=0, user.max_user_namespaces above 0)", err), exitCannot}
	}
	if err != nil {
		return err
	}
	t.Close()
	changed, err := goldens.Write(cmd.Context())
	for _, p := range changed {
		fmt.Fprintf(e.out, "wrote %s\n", p)
	}
	if err != nil {
		return err
	}
	same := true
	if verify > 0 {
		var lines []string
		lines, same = determinism.Report()
		for _, l := range lines {
			fmt.Fprintln(e.out, l)
		}
	}
	if code := exitCode(t, require); code != exitExpected {
		return silent(code)
	}
	if !same {
		return silent(exitFailed)
	}
	return nil
}

// exitCode is the code for what t counted, the gravest first.
func exitCode(t *report.Terminal, require bool) int {
	switch {
	case t.Count(session.Errored) > 0:
		return exitScript
	case t.Count(session.Failed) > 0:
		return exitFailed
	case require && t.Count(session.Skipped) > 0:
		return exitCannot
	case t.Count(session.Inconclusive) > 0:
		return exitInconclusive
	}
	return exitExpected
}

func listCommand(e env) *cobra.Command {
	var asJSON, asMarkdown bool
	var sel selected
	c := &cobra.Command{
		Use:   "list [PATH…]",
		Short: "List scenarios and their cases, without privilege",
		Long:  "List scenarios and their cases, without privilege.\n\n" + pathHelp,
		RunE: func(cmd *cobra.Command, args []string) error {
			cases, err := sel.load(cmd, e, args)
			if err != nil {
				return err
			}
			if asMarkdown {
				report.Library(e.out, cases.Files, nil)
				return nil
			}
			return list(e, cases, asJSON)
		},
	}
	sel.flags(c)
	c.Flags().BoolVar(&asJSON, "json", false, "one JSON object a case")
	c.Flags().BoolVar(&asMarkdown, "markdown", false, "tables of symptoms, scenarios and cures")
	c.MarkFlagsMutuallyExclusive("json", "markdown")
	return c
}

func list(e env, cases *selection.Cases, asJSON bool) error {
	var line bytes.Buffer
	enc := json.NewEncoder(&line)
	enc.SetEscapeHTML(false)
	for _, f := range cases.Files {
		for _, s := range f.Scenarios {
			named := asJSON
			for _, c := range s.Cases() {
				if !cases.Wants(f, c) {
					continue
				}
				if !named {
					fmt.Fprintf(e.out, "%s  (%s)  %s\n", s.Name, f.Name, strings.Join(s.Tags, " "))
					named = true
				}
				if !asJSON {
					fmt.Fprintf(e.out, "    %s\n", c.ID())
					continue
				}
				if err := enc.Encode(map[string]any{"case": c.ID(), "scenario": s.Name, "variant": c.Variant.Name,
					"file": f.Name,
					"line": s.Line, "tags": s.Tags, "needs": s.Needs, "timeout": s.Timeout.Seconds(),
					"reproduces": c.Reproduces(),
					"about":      s.About, "symptom": s.Manual.Symptom, "is_not": s.Manual.IsNot,
					"recognise": s.Manual.Recognise, "kernels": s.Manual.Kernels,
					"cure": s.Manual.Cure, "sources": s.Manual.Sources, "shows": s.Manual.Shows}); err != nil {
					return err
				}
				if _, err := e.out.Write(sanitize.JSON(line.Bytes())); err != nil {
					return err
				}
				line.Reset()
			}
		}
	}
	return nil
}
