//go:build linux

package suite

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"sync"

	"github.com/spf13/cobra"

	"netrepro/cmd/netrepro/look"
	"netrepro/cmd/netrepro/suite/given"
	"netrepro/cmd/netrepro/virtual"
	"netrepro/engine/files"
	"netrepro/engine/report"
	"netrepro/engine/report/casepage"
	"netrepro/engine/report/formats"
	"netrepro/engine/report/recorder"
	"netrepro/engine/runner"
	"netrepro/engine/runner/history"
	"netrepro/engine/runner/machine"
	"netrepro/engine/runner/shard"
	"netrepro/engine/runner/sink"
	"netrepro/engine/runner/task"
	"netrepro/engine/runner/worker"
	"netrepro/engine/script/session"
)

func runScenarios(cmd *cobra.Command, e Console, args []string, o *runOptions) error {
	reports, err := o.valid(cmd)
	if err != nil {
		return err
	}
	o.Script = o.Options.Options
	cases, err := o.load(cmd, e, args)
	if err != nil {
		return err
	}
	for _, text := range given.Doubts(cases.Files) {
		fmt.Fprintln(e.Err, "netrepro: "+text)
	}
	if text := given.NoHistory(o.baseline); text != "" {
		fmt.Fprintln(e.Err, "netrepro: "+text)
	}
	read := given.Read(cases.Files, o.Out, o.baseline)
	if err := errors.Join(formats.Ready(reports, read...), o.vm.Writable(read...)); err != nil {
		return Machines(err)
	}
	o.Wants = cases.Wants
	list := task.List
	if o.prove {
		list = task.Proofs
	}
	all, err := list(cases.Files, o.Selection)
	if err != nil {
		return err
	}
	if len(all) == 0 {
		return given.NoCase(cases.Files, o.prove, o.Variant)
	}
	all = runner.InTurn(all)
	tasks, part, err := o.choose(e, all)
	if err != nil {
		return err
	}
	if len(tasks) == 0 && o.rerunFailed {
		fmt.Fprintln(e.Err, "netrepro: nothing to run again: everything ended as expected when it last ran")
		return nil
	}
	if o.vm.Several() {
		return o.compare(cmd.Context(), e, tasks)
	}
	here := machine.Fingerprint(cmd.Context(), ".")
	return o.run(cmd.Context(), e, recorder.Options{Out: o.Out, Baseline: o.baseline, Seed: o.Seed, Shard: part,
		Tasks: tasks, All: all, Machine: o.vm.Machine(cmd.Context(), here), Reports: reports})
}

// choose takes of all tasks those of the shard, and those that failed.
func (o *runOptions) choose(e Console, all []*task.Task) (tasks []*task.Task, part string, err error) {
	tasks = all
	before := history.Open(o.Out)
	if o.rerunFailed {
		failed := before.Failed()
		tasks = nil
		for _, t := range all {
			if !before.Has(t.Case.ID()) || failed[t.Case.ID()] || t.Case.Compares() && failed[t.Case.Name] {
				tasks = append(tasks, t)
			}
		}
		kept := slices.Clone(tasks)
		tasks = slices.DeleteFunc(tasks, func(t *task.Task) bool { // of which nothing is compared
			return t.Of != nil && !slices.Contains(kept, t.Of[0])
		})
	}
	if o.shard == "" {
		return tasks, "", nil
	}
	s, err := shard.Parse(o.shard, e.Getenv)
	if err != nil {
		return nil, "", err
	}
	took := before.Durations()
	if o.baseline != "" {
		took = history.Open(o.baseline).Durations()
	}
	return shard.Deal(tasks, s, took), s.String(), nil
}

// shown is the terminal report of so many cases.
func (e Console) shown(cases int, s report.Style) *report.Terminal {
	if s.Color, s.Live = e.Color, e.Terminal; s.Color || s.Live {
		e.Allow(report.Sequences)
	}
	return report.NewTerminal(e.Out, cases, s)
}

// run runs the tasks of a record, and shows and records what comes of them.
func (o *runOptions) run(ctx context.Context, e Console, r recorder.Options) error {
	t := e.shown(len(r.Tasks), report.Style{Verbose: o.verbose, Quiet: o.quiet, UserNS: os.Geteuid() != 0})
	order := sink.NewInOrder(t, r.Tasks)
	order.Over = t.Over
	rec := recorder.New(r, order)
	shown, finish := withPages(e, rec, o.html, o.Out)
	goldens := &sink.Goldens{Sink: shown}
	determinism := &sink.Determinism{Sink: goldens}
	var to task.Sink = determinism
	if o.prove {
		to = &sink.Proofs{Sink: shown}
	}
	said := sync.Map{}
	o.Say = func(text string) {
		if _, before := said.LoadOrStore(text, true); !before { // once, however many cases wait
			fmt.Fprintln(e.Err, "netrepro: "+text)
		}
	}
	o.Ready, o.Live = rec.Open, rec.Live
	if o.verbose && to == task.Sink(determinism) && o.verify == 0 && !o.Shake {
		o.Live = order.Streaming(rec.Live, t.Stream)
	}
	if o.failFast || o.untilFail {
		o.Stop = rec.Failed
	}
	if o.step || o.shellOnFailure {
		var at []session.Stop
		if o.step {
			at = append(at, session.StopStep)
		}
		if o.shellOnFailure {
			at = append(at, session.StopFailure)
		}
		c := look.New(e.In, e.Out, e.Getenv)
		c.Apart = o.vm.On
		o.Look, o.Parallel = c.Into(at...), 1
	}
	err := o.start(ctx, e, r.Tasks, to)
	interrupted := ctx.Err() != nil
	if err != nil && !interrupted {
		return errors.Join(Machines(err), Machines(rec.Close(ctx, false, e.Out)))
	}
	// What there is so far is told however the run ended.
	order.Flush()
	t.Close()
	for _, line := range rec.Flaky() {
		fmt.Fprintf(e.Out, "flaky  %s\n", line)
	}
	perr := Machines(finish(context.WithoutCancel(ctx)))
	werr := Machines(rec.Close(context.WithoutCancel(ctx), interrupted, e.Out))
	if interrupted || perr != nil {
		return errors.Join(err, perr, werr)
	}
	if werr == nil {
		werr = stepSummary(e, r.Reports, r.Out)
	}
	return o.end(ctx, e, t, goldens, determinism, werr)
}

// withPages puts a sink before to that writes pages into dir, if there is one. finish ends
// that, and says where they are.
func withPages(e Console, to task.Sink, dir, out string) (shown task.Sink, finish func(context.Context) error) {
	if dir == "" {
		return to, func(context.Context) error { return nil }
	}
	pages := &casepage.Pages{Sink: to, Dir: dir, Out: out}
	return pages, func(ctx context.Context) error {
		if err := pages.Close(ctx); err != nil {
			return err
		}
		fmt.Fprintf(e.Out, "pages  %s\n", filepath.Join(dir, "index.html"))
		return nil
	}
}

// start runs tasks on this machine or in a virtual one.
func (o *runOptions) start(ctx context.Context, e Console, tasks []*task.Task, to task.Sink) error {
	if o.vm.On {
		return startable(o.vm.Run(ctx, tasks, o.Options, to, e.Err))
	}
	err := runner.Run(ctx, tasks, o.Options, to)
	if errors.Is(err, worker.ErrFull) {
		return &Exit{err, Cannot}
	}
	if errors.Is(err, worker.ErrCannot) {
		return &Exit{fmt.Errorf("%w: run as root, or allow user namespaces (sysctl "+
			"kernel.apparmor_restrict_unprivileged_userns=0, user.max_user_namespaces above 0)", err), Cannot}
	}
	return err
}

// startable gives the error of a virtual machine that cannot be started its exit code.
func startable(err error) error {
	if errors.Is(err, virtual.ErrCannot) {
		return &Exit{err, Cannot}
	}
	return err
}

// compare runs tasks on several kernels, and shows what differs.
func (o *runOptions) compare(ctx context.Context, e Console, tasks []*task.Task) error {
	t := e.shown(len(tasks)*o.vm.Times(), report.Style{Verbose: o.verbose, Quiet: o.quiet})
	m, err := o.vm.Compare(ctx, tasks, o.Options, t, e.Out, e.Err)
	if err != nil {
		return startable(err)
	}
	t.Close()
	if err := o.vm.Report(ctx, m, e.Out); err != nil {
		return err
	}
	if code := exitCode(t, o.require); code != Expected {
		return &Exit{Code: code}
	}
	return nil
}

// end writes golden traces and says how the run is to exit.
func (o *runOptions) end(ctx context.Context, e Console, t *report.Terminal, goldens *sink.Goldens,
	determinism *sink.Determinism, unwritten error) error {
	changed, err := goldens.Write(ctx)
	for _, p := range changed {
		fmt.Fprintf(e.Out, "wrote %s\n", p)
	}
	if err != nil {
		return err
	}
	same := true
	if o.verify > 0 {
		var lines []string
		lines, same = determinism.Report()
		for _, l := range lines {
			fmt.Fprintln(e.Out, l)
		}
	}
	code := exitCode(t, o.require)
	if code == Expected && !same {
		code = Failed
	}
	switch {
	case unwritten != nil && (code == Expected || code == Inconclusive):
		return unwritten
	case unwritten != nil:
		return &Exit{unwritten, code}
	case code != Expected:
		return &Exit{Code: code}
	}
	return nil
}

// Machines gives an error of writing that is the machine's fault the exit code of that.
func Machines(err error) error {
	if c := (*Exit)(nil); err == nil || errors.As(err, &c) || !files.Cannot(err) {
		return err
	}
	return &Exit{fmt.Errorf("this machine cannot: %w", err), Cannot}
}

// stepSummary adds what a run came to to the summary that GitHub shows of a job, if it is
// asked for annotations.
func stepSummary(e Console, reports []formats.Report, out string) error {
	path := e.Getenv("GITHUB_STEP_SUMMARY")
	for _, r := range reports {
		if r.Format != "github" || path == "" {
			continue
		}
		run, err := recorder.Read([]string{out})
		if err != nil {
			return err
		}
		f, err := os.OpenFile(path, os.O_WRONLY|os.O_APPEND|os.O_CREATE, 0o666)
		if err != nil {
			return fmt.Errorf("write step summary: %w", err)
		}
		return errors.Join(formats.Summary(f, run), f.Close())
	}
	return nil
}
