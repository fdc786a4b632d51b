//go:build linux

package script

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/lab/topology"
	"netrepro/engine/lab/topology/plan"
	"netrepro/engine/script/args"
	bindtopology "netrepro/engine/script/bind/topology"
	"netrepro/engine/script/need"
	"netrepro/engine/script/vm"
)

// Scenario is one scenario of a file, loaded and checked but not run.
type Scenario struct {
	Name    string
	About   string
	Manual  Manual
	Tags    []string
	Needs   []string
	Machine map[string]string // sysctls of the whole machine while it runs
	// Alone has no other case of the run beside it, CPUs is how many processors it
	// and all its programs run on, 1 unless it says otherwise.
	Alone    bool
	CPUs     int
	Timeout  time.Duration
	Memory   int // what a case may hold, in bytes; 0 is 256 MB
	Plan     *plan.Plan
	Variants []Variant
	Matrix   []Axis
	File     string
	Line     int

	run     *lua.LFunction
	compare *lua.LFunction // nil if its cases are not compared
}

// Compares reports whether the results of the scenario's cases are compared.
func (s *Scenario) Compares() bool { return s.compare != nil }

// loader collects the scenarios of a file, or the one that is wanted.
type loader struct {
	only  string
	found []*Scenario
}

// header is what the table of a scenario says.
type header struct {
	Scenario
	needs    []string
	topology *topology.Spec
	variants *lua.LTable
	matrix   *lua.LTable
}

var (
	kCPUs  = args.Int("number of processors", 1, 64, "a whole number")
	kProse = vm.NewKind("string", "string", func(c *vm.Call, x lua.LValue) (string, error) {
		s, err := args.String.Read(c, x)
		return flow(s), err
	})
)

var headerTable = vm.NewTable("scenario", "", func(h *header) []vm.Argument {
	return append([]vm.Argument{
		kProse.Opt(&h.About, "about", "what fails and why, in prose"),
		args.Strings.Opt(&h.Tags, "tags", "words to select by"),
		args.Strings.Opt(&h.needs, "needs", "what the machine must have: "+strings.Join(need.Names(), ", ")+
			", program:NAME"),
		kMachine.Opt(&h.Machine, "machine",
			"settings of the whole machine while the case runs, which then runs alone: "+
				""+strings.Join(MachineSettings, ", ")),
		kCPUs.Def(&h.CPUs, "cpus", "1",
			"processors that the nodes, their programs and the engine share; what a node sends stays in order on one"),
		args.Bool.Def(&h.Alone, "alone", "false",
			"no other case runs beside it; for a case that measures how fast something is"),
		args.Duration.Def(&h.Timeout, "timeout", "30s", "for one case, set-up and clean-up not counted"),
		args.Size.Opt(&h.Memory, "memory", "what the script of a case may hold, 256MB unless said"),
		bindtopology.KTopology.Need(&h.topology, "topology", "path { … } or graph { … }"),
		args.Table.Opt(&h.variants, "variants", `a list: { "bug", key = value }, …`),
		args.Table.Opt(&h.matrix, "matrix", "lists by name; every combination runs"),
		args.Func.Need(&h.run, "run", "what happens: function(net, v) … end; what it returns is for compare"),
		args.Func.Opt(&h.compare, "compare", "expectations across the variants, once all have passed: "+
			"function(results) … end, where results.NAME is the table that run returned for the variant NAME"),
	}, manualOptions(&h.Manual)...)
})

// MachineSettings are the sysctls that no network namespace has of its own and
// that a scenario may change for as long as it runs.
var MachineSettings = []string{"net.ipv4.tcp_max_orphans", "net.ipv4.tcp_mem"}

var kMachine = vm.NewKind("settings of the machine", "table<string,string|number>", parseMachine)

func parseMachine(_ *vm.Call, x lua.LValue) (map[string]string, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "settings of the machine", `write { ["net.ipv4.tcp_max_orphans"] = 0 }`)
	}
	out := map[string]string{}
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		if !slices.Contains(MachineSettings, k.String()) {
			return nil, &vm.BadValue{Msg: fmt.Sprintf("%q is no setting of the whole machine that may be changed",
				k.String()),
				Word: k.String(), Hint: "use node:sysctl for what every network namespace has of its own"}
		}
		if strings.Trim(v.String(), "0123456789 \t") != "" || v.String() == "" {
			return nil, args.Wrong(v, "a number, or several", "write it as sysctl(8) shows it")
		}
		out[k.String()] = v.String()
	}
	return out, nil
}

const nameLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_"

var scenarioVerb = vm.Verb(vm.Method{Name: "scenario", Doc: "Says what one scenario is. A file may hold several.",
	Example: `scenario "name" { topology = path { host "a", wire {}, host "b" }, run = function(net, v) end }`,
	Phase:   vm.Loading, Then: headerTable.Form()},
	func(name *string) []vm.Argument {
		return []vm.Argument{args.String.Param(name, "name", "letters, digits and -")}
	},
	func(c *vm.Call, name *string) error {
		if *name == "" || strings.Trim(*name, nameLetters) != "" {
			return c.Fail(*name, "use letters, digits, - and _", "scenario name %q is not usable", *name)
		}
		at := *c
		c.Return(c.L.NewFunction(func(l *lua.LState) int {
			t, ok := l.Get(1).(*lua.LTable)
			call := at
			call.L = l
			if !ok {
				call.L.RaiseError("scenario %q: write scenario %q { … }", *name, *name)
			}
			if err := define(&call, *name, t); err != nil {
				c.VM.RaiseErr(l, "scenario", err)
			}
			return 0
		}))
		return nil
	})

// define takes in the table of a scenario.
func define(c *vm.Call, name string, t *lua.LTable) error {
	ld, ok := c.VM.Data.(*loader)
	if !ok {
		return c.Fail("scenario", "a module holds functions; scenarios stand in files of their own",
			"scenario is used in a module")
	}
	if ld.only != "" && name != ld.only {
		return nil
	}
	h := headerTable.Read(c, t)
	s := &h.Scenario
	s.Name, s.File, s.Line, s.Needs = name, c.File, c.Line, h.needs
	if len(s.Machine) > 0 {
		s.Needs, s.Alone = append(s.Needs, need.Root), true
	}
	if s.run.IsG {
		return c.Fail("run", "write run = function(net, v) … end", "run is a function of the library")
	}
	for _, n := range s.Needs {
		if !need.Known(n) {
			return c.Fail(n, "known needs are: "+strings.Join(need.Names(), ", ")+", program:NAME",
				"needs: nothing is known of %q", n)
		}
	}
	if slices.ContainsFunc(ld.found, func(o *Scenario) bool { return o.Name == name }) {
		return c.Fail(name, "give each scenario a name of its own", "two scenarios are called %q", name)
	}
	topo, err := plan.Of(h.topology, reserved()...)
	if err != nil {
		return planError(c, err)
	}
	s.Plan = topo
	s.Needs = append(s.Needs, implied(topo)...)
	if h.variants != nil {
		if s.Variants, err = variants(c, h.variants); err != nil {
			return err
		}
	}
	if h.matrix != nil {
		if s.Matrix, err = matrix(c, h.matrix); err != nil {
			return err
		}
	}
	for _, a := range s.Matrix {
		if a.Name == "name" {
			return c.Fail(a.Name, "give it another name", "name is what the variant is called, and not what a matrix sets")
		}
		for _, v := range s.Variants {
			if slices.ContainsFunc(v.Params, func(p Param) bool { return p.Name == a.Name }) {
				return c.Fail(a.Name, "give one of them another name", "matrix and variant %q both set %q",
					v.Name, a.Name)
			}
		}
	}
	called := map[string]bool{}
	for _, one := range s.Cases() {
		if called[one.ID()] {
			return c.Fail("matrix", "write each value once: a number and its text look alike", "two cases are called %q",
				one.ID())
		}
		called[one.ID()] = true
	}
	ld.found = append(ld.found, s)
	return nil
}

// implied are the needs that a topology has by itself.
func implied(p *plan.Plan) []string {
	var out []string
	for _, t := range p.Tunnels {
		out = append(out, t.Kind)
	}
	if slices.ContainsFunc(p.Nodes, func(n *plan.Node) bool { return n.Kind == topology.Switch }) {
		out = append(out, need.Bridge)
	}
	slices.Sort(out)
	return slices.Compact(out)
}

// planError gives an error of a topology its place in the script.
func planError(c *vm.Call, err error) error {
	var te *topology.Error
	if !errors.As(err, &te) {
		return err
	}
	line := te.Line
	if line == 0 {
		line = c.Line
	}
	return c.VM.At(c.File, line, te.Word, te.Msg, te.Hint)
}
