//go:build linux

// Package lint finds in a script, without running it, what can be known: verbs, keys and
// values that there are not, and what cannot work in the topology of a scenario.
//
// It follows what net and its parts are given to, in one pass; what it does not know the
// kind of, it says nothing about.
//
// Invariant: a mistake that it finds would be one when the script runs there. A warning may
// be meant.
package lint

import (
	"slices"

	"github.com/yuin/gopher-lua/ast"

	"netrepro/engine/lab/topology/plan"
	"netrepro/engine/script/diag"
	"netrepro/engine/script/lint/ways"
	"netrepro/engine/script/vm"
)

// Finding is something in a script.
type Finding struct {
	*diag.Error
	Warning bool // it may be meant
}

// Scenario is what is known of a scenario of the script.
type Scenario struct {
	Name     string
	Line     int
	Plan     *plan.Plan
	Variants []Variant
	Matrix   []string // the names of its axes
}

// Variant is a variant with its parameters, written as text.
type Variant struct {
	Name   string
	Params map[string]string
}

// Find finds what there is in a script that speaks the language of v, which loaded it.
func Find(src *diag.Source, v *vm.VM, scenarios []Scenario) []Finding {
	c := &checker{src: src, vm: v, seen: map[string]bool{}, types: map[ast.Expr]string{}}
	bodies := functions(src.Chunk)
	for name, run := range runs(src, bodies) {
		for _, s := range scenarios {
			if s.Name == name {
				c.scenario(s, run)
			}
		}
	}
	slices.SortStableFunc(c.found, func(a, b Finding) int { return a.Line - b.Line })
	return c.found
}

// checker goes through the run of one scenario after the other.
type checker struct {
	src   *diag.Source
	vm    *vm.VM
	of    Scenario
	found []Finding
	seen  map[string]bool // what was said
	read  map[string]bool // parameters of variants that are read
	loose bool            // the parameters are given to something else
	types map[ast.Expr]string
}

// functions are the functions of a file's top level by their names.
func functions(chunk []ast.Stmt) map[string]*ast.FunctionExpr {
	out := map[string]*ast.FunctionExpr{}
	for _, s := range chunk {
		switch s := s.(type) {
		case *ast.LocalAssignStmt:
			for i, name := range s.Names {
				if i < len(s.Exprs) {
					if f, ok := s.Exprs[i].(*ast.FunctionExpr); ok {
						out[name] = f
					}
				}
			}
		case *ast.FuncDefStmt:
			if name, ok := s.Name.Func.(*ast.IdentExpr); ok {
				out[name.Value] = s.Func
			}
		}
	}
	return out
}

// runs are the functions that scenarios run, by the scenario's name.
func runs(src *diag.Source, bodies map[string]*ast.FunctionExpr) map[string]*ast.FunctionExpr {
	out := map[string]*ast.FunctionExpr{}
	src.Walk(func(e ast.Expr) {
		outer, ok := e.(*ast.FuncCallExpr)
		if !ok || len(outer.Args) != 1 {
			return
		}
		inner, ok := outer.Func.(*ast.FuncCallExpr)
		if !ok || len(inner.Args) != 1 {
			return
		}
		verb, isName := inner.Func.(*ast.IdentExpr)
		name, isText := inner.Args[0].(*ast.StringExpr)
		header, isTable := outer.Args[0].(*ast.TableExpr)
		if !isName || verb.Value != "scenario" || !isText || !isTable {
			return
		}
		for _, f := range header.Fields {
			key, ok := f.Key.(*ast.StringExpr)
			if !ok || key.Value != "run" {
				continue
			}
			switch run := f.Value.(type) {
			case *ast.FunctionExpr:
				out[name.Value] = run
			case *ast.IdentExpr:
				if body := bodies[run.Value]; body != nil {
					out[name.Value] = body
				}
			}
		}
	})
	return out
}

func (c *checker) scenario(s Scenario, run *ast.FunctionExpr) {
	c.of, c.read, c.loose = s, map[string]bool{}, false
	top := &scope{Names: map[string]thing{}}
	if names := run.ParList.Names; len(names) > 0 {
		top.Names[names[0]] = thing{net: true}
		if len(names) > 1 {
			top.Names[names[1]] = thing{variant: true}
		}
	}
	c.block(run.Stmts, top)
	c.variants()
	c.judges(run)
	for _, o := range ways.Overlaps(s.Plan) {
		c.warn(c.src.At(s.Line, o.Prefix.String(), o.String(), "give wires prefixes that do not overlap, or the node a route"))
	}
}

// mistake notes an error, and warn what may be meant; each place once.
func (c *checker) mistake(e *diag.Error) { c.note(Finding{e, false}) }
func (c *checker) warn(e *diag.Error)    { c.note(Finding{e, true}) }

func (c *checker) note(f Finding) {
	if key := f.Error.Error(); !c.seen[key] {
		c.seen[key] = true
		c.found = append(c.found, f)
	}
}

// variants warns of variants and parameters that make no difference.
func (c *checker) variants() {
	vs := c.of.Variants
	if len(vs) < 2 || c.loose {
		return
	}
	unread := map[string]bool{}
	for _, v := range vs {
		for name := range v.Params {
			if !c.read[name] && name != "outcome" { // which says what a proof keeps
				unread[name] = true
			}
		}
	}
	var names []string
	for name := range unread {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		c.warn(c.src.At(c.of.Line, name, "nothing reads v."+name+": the variants of "+c.of.Name+
			" do not differ by it", "read it in run, or leave it out"))
	}
	for i, v := range vs {
		for _, w := range vs[:i] {
			if !c.read["name"] && alike(v, w, unread) {
				c.warn(c.src.At(c.of.Line, v.Name, "variants "+w.Name+" and "+v.Name+" do the same", "give them parameters "+
					"that run reads"))
			}
		}
	}
}

// alike reports whether two variants differ in nothing but what nobody reads.
func alike(a, b Variant, unread map[string]bool) bool {
	for _, pair := range [][2]Variant{{a, b}, {b, a}} {
		for name, value := range pair[0].Params {
			if other, ok := pair[1].Params[name]; !unread[name] && (!ok || other != value) {
				return false
			}
		}
	}
	return true
}
