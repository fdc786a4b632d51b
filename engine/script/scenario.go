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
	"netrepro/engine/script/vm"
)

// DefaultTimeout bounds a case that does not say.
const DefaultTimeout = 30 * time.Second

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
	Plan     *plan.Plan
	Variants []Variant
	Matrix   []Axis
	File     string
	Line     int

	run *lua.LFunction
}

// loader collects the scenarios of a file.
type loader struct{ found []*Scenario }

// Needs lists what a scenario can say it needs.
var Needs = slices.Concat([]string{"nftables", "conntrack", "root", "bridge", needKernel}, topology.TunnelKinds, programs)

var scenarioOptions = &vm.Method{Name: "scenario", Options: append([]vm.Option{
	args.Opt("about", args.String, "what fails and why, in prose"),
	args.Opt("tags", args.Strings, "words to select by"),
	args.Opt("needs", args.Strings, "what the machine must have: "+strings.Join(Needs, ", ")+", program:NAME"),
	args.Opt("machine", kMachine, "settings of the whole machine while it runs, alone: "+strings.Join(MachineSettings, ", ")),
	args.OptDef("cpus", args.Int("number of processors", 1, 64, "a whole number"), "1",
		"processors that the nodes, their programs and the engine share; what a node sends stays in order on one"),
	args.OptDef("alone", args.Bool, "false", "no other case of the run beside it: it measures how fast something is"),
	args.OptDef("timeout", args.Duration, "30s", "for one case, set-up and clean-up not counted"),
	args.Need("topology", &vm.Kind{Name: "topology", Type: "Topology", Parse: parseTopology}, "path { … } or graph { … }"),
	args.Opt("variants", args.Table, `a list: { "bug", key = value }, …`),
	args.Opt("matrix", args.Table, "lists by name; every combination runs"),
	args.Need("run", args.Func, "what happens: function(net, v) … end"),
}, manualOptions...)}

// MachineSettings are the sysctls that no network namespace has of its own and
// that a scenario may change for as long as it runs.
var MachineSettings = []string{"net.ipv4.tcp_max_orphans", "net.ipv4.tcp_mem"}

var kMachine = &vm.Kind{Name: "settings of the machine", Type: "table<string,string|number>", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "settings of the machine", `write { ["net.ipv4.tcp_max_orphans"] = 0 }`)
	}
	out := map[string]string{}
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		if !slices.Contains(MachineSettings, k.String()) {
			return nil, &vm.BadValue{Msg: fmt.Sprintf("%q is no setting of the whole machine that may be changed", k.String()), Word: k.String(),
				Hint: "use node:sysctl for what every network namespace has of its own"}
		}
		if strings.Trim(v.String(), "0123456789 \t") != "" || v.String() == "" {
			return nil, args.Wrong(v, "a number, or several", "write it as sysctl(8) shows it")
		}
		out[k.String()] = v.String()
	}
	return out, nil
}}

func parseTopology(_ *vm.Call, x lua.LValue) (any, error) {
	if s, ok := vm.As(x, bindtopology.Topology); ok {
		return s, nil
	}
	return nil, args.Wrong(x, "a topology", `write path { host "a", wire {}, host "b" }`)
}

var scenarioVerb = &vm.Method{Name: "scenario", Doc: "Says what one scenario is. A file may hold several.",
	Example: `scenario "name" { topology = path { host "a", wire {}, host "b" }, run = function(net, v) end }`, Phase: vm.Loading,
	Params: []vm.Param{{Name: "name", Kind: args.String, Doc: "letters, digits and -"}}, Then: scenarioOptions,
	Fn: func(c *vm.Call) error {
		name := c.Args["name"].(string)
		if name == "" || strings.Trim(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_") != "" {
			return c.Fail(name, "use letters, digits, - and _", "scenario name %q is not usable", name)
		}
		at := *c
		c.Return(c.L.NewFunction(func(l *lua.LState) int {
			t, ok := l.Get(1).(*lua.LTable)
			call := at
			call.L = l
			if !ok {
				call.L.RaiseError("scenario %q: write scenario %q { … }", name, name)
			}
			if err := define(&call, name, t); err != nil {
				c.VM.Throw(l, err)
			}
			return 0
		}))
		return nil
	}}

// define takes in the table of a scenario.
func define(c *vm.Call, name string, t *lua.LTable) error {
	ld, ok := c.VM.Data.(*loader)
	if !ok {
		return c.Fail("scenario", "a module holds functions; scenarios stand in files of their own", "scenario is used in a module")
	}
	a := c.Table(scenarioOptions, t)
	get := func(k string) any { return a[k] }
	s := &Scenario{Name: name, File: c.File, Line: c.Line, Timeout: DefaultTimeout}
	if about, ok := get("about").(string); ok {
		s.About = flow(about)
	}
	s.Manual = manual(a)
	s.Tags, _ = get("tags").([]string)
	s.Needs, _ = get("needs").([]string)
	if s.Machine, _ = get("machine").(map[string]string); len(s.Machine) > 0 {
		s.Needs = append(s.Needs, "root")
	}
	s.Alone, _ = get("alone").(bool)
	s.Alone = s.Alone || len(s.Machine) > 0
	if s.CPUs, _ = get("cpus").(int); s.CPUs == 0 {
		s.CPUs = 1
	}
	s.run, _ = get("run").(*lua.LFunction)
	if s.run.IsG {
		return c.Fail("run", "write run = function(net, v) … end", "run is a function of the library")
	}
	if d, ok := get("timeout").(time.Duration); ok {
		s.Timeout = d
	}
	for _, n := range s.Needs {
		if !knownNeed(n) {
			return c.Fail(n, "known needs are: "+strings.Join(Needs, ", ")+", program:NAME", "needs: nothing is known of %q", n)
		}
	}
	if slices.ContainsFunc(ld.found, func(o *Scenario) bool { return o.Name == name }) {
		return c.Fail(name, "give each scenario a name of its own", "two scenarios are called %q", name)
	}
	topo, err := plan.Of(get("topology").(*topology.Spec))
	if err != nil {
		return planError(c, err)
	}
	s.Plan = topo
	s.Needs = append(s.Needs, implied(topo)...)
	if vs, ok := get("variants").(*lua.LTable); ok {
		if s.Variants, err = variants(c, vs); err != nil {
			return err
		}
	}
	if m, ok := get("matrix").(*lua.LTable); ok {
		if s.Matrix, err = matrix(c, m); err != nil {
			return err
		}
	}
	for _, a := range s.Matrix {
		for _, v := range s.Variants {
			if a.Name == "name" || slices.ContainsFunc(v.Params, func(p Param) bool { return p.Name == a.Name }) {
				return c.Fail(a.Name, "give one of them another name", "matrix and variant %q both set %q", v.Name, a.Name)
			}
		}
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
		out = append(out, "bridge")
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

func variants(c *vm.Call, t *lua.LTable) ([]Variant, error) {
	items, err := args.List(t, `write variants = { { "bug", outcome = "stalls" }, … }`)
	if err != nil {
		return nil, err
	}
	var out []Variant
	for i, x := range items {
		i++
		vt, ok := x.(*lua.LTable)
		if !ok {
			return nil, c.Fail("variants", `write { "bug", outcome = "stalls" }`, "variant %d is %s", i, vm.Show(x))
		}
		name, ok := vt.RawGetInt(1).(lua.LString)
		if !ok || name == "" || strings.ContainsAny(string(name), "/,= \t\n") {
			return nil, c.Fail("variants", `write { "bug", outcome = "stalls" }`, "variant %d does not begin with a name", i)
		}
		v := Variant{Name: string(name)}
		if slices.ContainsFunc(out, func(o Variant) bool { return o.Name == v.Name }) {
			return nil, c.Fail(v.Name, "give each variant a name of its own", "two variants are called %q", v.Name)
		}
		for k, x := vt.Next(lua.LNil); k != lua.LNil; k, x = vt.Next(k) {
			key, ok := k.(lua.LString)
			if !ok {
				if k != lua.LNumber(1) {
					return nil, c.Fail(v.Name, "write every parameter as name = value", "variant %q: %s has no name", v.Name, vm.Show(x))
				}
				continue
			}
			if key == "name" {
				return nil, c.Fail("name", "the first element is the name", "variant %q: name is taken", v.Name)
			}
			v.Params = append(v.Params, Param{string(key), x})
		}
		out = append(out, v)
	}
	return out, nil
}

func matrix(c *vm.Call, t *lua.LTable) ([]Axis, error) {
	var out []Axis
	for k, x := t.Next(lua.LNil); k != lua.LNil; k, x = t.Next(k) {
		list, ok := x.(*lua.LTable)
		if !ok || list.Len() == 0 {
			return nil, c.Fail(k.String(), `write rcvbuf = { "4KB", "16KB" }`, "matrix: %s is not a list of values", k)
		}
		a := Axis{Name: k.String()}
		for i := 1; i <= list.Len(); i++ {
			switch v := list.RawGetInt(i).(type) {
			case lua.LString, lua.LNumber, lua.LBool:
				a.Values = append(a.Values, v)
			default:
				return nil, c.Fail(a.Name, "a cell is a string, a number, true or false", "matrix: %s[%d] is %s", a.Name, i, vm.Show(v))
			}
		}
		out = append(out, a)
	}
	return out, nil
}

// paramNames lists every parameter a case of s may have, so that a misspelt
// one can be told from one that this variant leaves out.
func (s *Scenario) paramNames() []string {
	names := []string{"name"}
	for _, v := range s.Variants {
		for _, p := range v.Params {
			if !slices.Contains(names, p.Name) {
				names = append(names, p.Name)
			}
		}
	}
	for _, a := range s.Matrix {
		names = append(names, a.Name)
	}
	return names
}

// params is the v that run gets.
var params = &vm.Class{Name: "Variant", What: "v", Doc: "The parameters of the variant and the matrix cell.",
	Index: func(self any, name string) (lua.LValue, bool) {
		c := self.(*Case)
		if name == "name" {
			return lua.LString(c.Variant.Name), true
		}
		for _, p := range append(slices.Clone(c.Variant.Params), c.Cell...) {
			if p.Name == name {
				return p.Value, true
			}
		}
		return lua.LNil, slices.Contains(c.paramNames(), name)
	},
	Names:  func(self any) []string { return self.(*Case).paramNames() },
	String: func(self any) string { return fmt.Sprintf("variant %s", self.(*Case).ID()) },
}
