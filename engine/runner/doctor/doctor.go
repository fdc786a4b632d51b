//go:build linux

// Package doctor tries what labs need of a machine, for real and with the rights at hand,
// and says what helps where something is missing.
//
// It decides nothing about scenarios: they find out themselves what they lack.
//
// Invariant: what it says works has worked just now, and it changes nothing unless it is
// told to.
package doctor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"netrepro/engine/files"
	"netrepro/engine/lab/topology"
	"netrepro/engine/runner"
	"netrepro/engine/runner/discover"
	"netrepro/engine/runner/task"
	"netrepro/engine/runner/worker"
	"netrepro/engine/script"
	"netrepro/engine/script/session"
	"netrepro/engine/virtual/qemu"
)

// Finding is what was found of one thing that scenarios may need.
type Finding struct {
	Name  string `json:"name"`
	Shows string `json:"shows"` // what there is with it, and is not without
	OK    bool   `json:"ok"`
	// Needed says that nothing runs without it.
	Needed bool     `json:"needed"`
	Why    string   `json:"why,omitempty"`
	Mend   []string `json:"mend,omitempty"` // lines that help, the best first
	Fix    *Fix     `json:"-"`              // what can be done at once; nil if nothing
}

// Labs is the name of the finding that everything else depends on.
const Labs = "labs"

// trial is a scenario that shows whether something works.
type trial struct{ name, shows, needs, run string }

// trials are in the order in which they are told.
func trials() []trial {
	out := []trial{
		{Labs, "namespaces, veth pairs, packet sockets: any scenario at all", "",
			`local file = net.b:serve { port = 80, body = "x" } must(net.a:fetch { from = file }.bytes):equals(1)`},
		{"kernel", "the kernel's own word why it reset, dropped or sent again; without it the packets tell", "kernel", ""},
		{"lookup_miss", "lookups that miss: the races of a busy server", "",
			`assert(net.b:lookup_miss { port = 80, tcp = "data", optional = true })`},
		{"nftables", "drop, reject, NAT and rules on routers", "nftables", ""},
		{"conntrack", "what a router tracks", "conntrack", ""},
		{"root", "settings of the whole machine", "root", ""},
		{"bridge", "switches", "bridge", ""},
	}
	for _, kind := range topology.TunnelKinds {
		out = append(out, trial{kind, kind + " tunnels", kind, ""})
	}
	return out
}

// scenarios writes the trials as a file.
func scenarios(ts []trial) string {
	var b strings.Builder
	for _, t := range ts {
		needs := ""
		if t.needs != "" {
			needs = fmt.Sprintf("needs = { %q }, ", t.needs)
		}
		fmt.Fprintf(&b, "scenario %q { %stopology = path { host \"a\", wire {}, host \"b\" }, run = function(net) %s end }\n",
			t.name, needs, t.run)
	}
	return b.String()
}

// results is a sink that keeps how cases ended.
type results map[string]session.Result

// Begin implements [task.Sink].
func (results) Begin(*task.Task) {}

// Event implements [task.Sink].
func (results) Event(*task.Task, session.Event) {}

// End implements [task.Sink].
func (r results) End(t *task.Task, res session.Result) { r[t.Case.ID()] = res }

// Examine tries everything. An error is one of the trial itself, not of the machine.
func Examine(ctx context.Context) ([]Finding, error) {
	m := look()
	dir, err := os.MkdirTemp("", "netrepro-doctor-")
	if err != nil {
		if files.Cannot(err) {
			return []Finding{{Name: "files", Shows: "captures and records of a run", Needed: true, Why: err.Error(),
				Mend: []string{"export TMPDIR=FOLDER  # one that can be written"}}}, nil
		}
		return nil, fmt.Errorf("make a folder for trials: %w", err)
	}
	defer func() { _ = os.RemoveAll(dir) }() // in the folder of temporary files
	ts := trials()
	got := results{}
	err = run(ctx, scenarios(ts), dir, got)
	if err != nil && !errors.Is(err, worker.ErrCannot) {
		return nil, err
	}
	out := make([]Finding, 0, len(ts))
	for _, t := range ts {
		f := Finding{Name: t.name, Shows: t.shows, Needed: t.name == Labs}
		res, ran := got[t.name]
		switch {
		case !ran && err != nil:
			f.Why = err.Error()
		case res.Verdict == session.Passed:
			f.OK = true
		default:
			f.Why = reason(res.Why)
		}
		if !f.OK && !f.Needed && err != nil {
			f.Why = "without labs it cannot be tried"
		} else if !f.OK {
			m.mend(&f)
		}
		out = append(out, f)
	}
	return append(append(out, machines(ctx)), m.limits()...), nil
}

// machines looks for what virtual machines need.
func machines(ctx context.Context) Finding {
	f := Finding{Name: "qemu", Shows: "run --vm: other kernels, virtual time, scenarios of idle hours"}
	if _, _, err := qemu.Find(ctx); err != nil {
		f.Why, f.Mend = err.Error(), []string{"apt-get install " + qemu.Package}
		return f
	}
	f.OK = true
	return f
}

// reason is the cause in what a case said, without the words around it.
func reason(why string) string {
	first, _, _ := strings.Cut(strings.TrimPrefix(why, "this machine lacks "), "\n")
	if _, said, ok := strings.Cut(first, "doctor.lua:"); ok { // a place that nobody can look at
		if _, said, ok = strings.Cut(said, ": "); ok {
			return said
		}
	}
	return first
}

// run runs the scenarios of a text one after the other.
func run(ctx context.Context, text, dir string, to task.Sink) error {
	fs, err := discover.Load(ctx, []discover.Source{{Name: "doctor.lua", Text: text}}, script.Options{})
	if err != nil {
		return err
	}
	defer func() {
		for _, f := range fs {
			f.Close()
		}
	}()
	o := runner.Options{Parallel: 1, Retries: 2, Selection: task.Selection{Repeat: 1, Out: filepath.Join(dir, "out")}}
	tasks, err := task.List(fs, o.Selection)
	if err != nil {
		return err
	}
	return runner.Run(ctx, tasks, o, to)
}

// Works reports whether scenarios can run at all.
func Works(fs []Finding) bool {
	return !slices.ContainsFunc(fs, func(f Finding) bool { return f.Needed && !f.OK })
}
