//go:build linux

package lint

import (
	"fmt"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"netrepro/engine/expect/reads"
	"netrepro/engine/match"
	"netrepro/engine/match/possible"
	"netrepro/engine/match/value"
	"netrepro/engine/script/diag"
	"netrepro/engine/script/lint/written"
	"netrepro/engine/script/matching"
	"netrepro/engine/script/show"
	"netrepro/engine/script/vm"
)

// expectationClasses are those that expect may return.
var expectationClasses = []string{"Expectation", "ResultExpectation", "ValueExpectation"}

// expectation is what expect returns of a subject; its class is nil if that is not known.
func (c *checker) expectation(subject thing, e *ast.FuncCallExpr) thing {
	out := thing{expects: e}
	if a := written.First(e.Args); a != nil {
		if x := written.Literal(a); x != nil && subject.typ == "" {
			subject.typ = x.Type().String()
		}
		c.types[a] = subject.typ
	}
	switch {
	case subject.class != nil && subject.class == c.class("Trace"):
		out.class = c.class("Expectation")
	case subject.typ != "":
		out.class = c.class("ValueExpectation")
	}
	return out
}

// expectationVerbs are the verbs of expectations on results and values.
func (c *checker) expectationVerbs() (out []string) {
	for _, name := range expectationClasses {
		for _, m := range c.class(name).Methods {
			out = append(out, m.Name)
		}
	}
	return out
}

// unsaid says that an expectation has no verb that judges.
func (c *checker) unsaid(t thing, whole ast.Expr) {
	hint := "follow it by a verb: expect(x):equals(1)"
	if r, ok := written.First(t.expects.Args).(*ast.RelationalOpExpr); ok && whole == t.expects {
		verb := map[string]string{"==": "equals", "~=": "differs_from", "<": "less_than", ">": "more_than", "<=": "at_most",
			">=": "at_least"}[r.Operator]
		if left, right := written.Text(r.Lhs), written.Text(r.Rhs); left != "" && right != "" {
			hint = fmt.Sprintf("write expect(%s):%s(%s)", left, verb, right)
		}
	}
	if t.class != nil && t.class.Name == "Expectation" {
		hint = `follow it by a verb: expect(net.trace):includes { tcp = "syn" }`
	}
	name, _ := t.expects.Func.(*ast.IdentExpr)
	c.mistake(c.src.At(t.expects.Line(), name.Value, "what is expected is not said here", hint))
}

// comparable says of a value that it is compared with one of another type.
func (c *checker) comparable(of thing, m *vm.Method, e *ast.FuncCallExpr) {
	if of.expects == nil || m.Name != "equals" && m.Name != "differs_from" || len(e.Args) != 1 {
		return
	}
	is, want := c.types[written.First(of.expects.Args)], written.Literal(e.Args[0])
	if is == "" || want == nil || want.Type().String() == is {
		return
	}
	hint := "compare it with a " + is
	if n, ok := want.(lua.LString); ok && is == "number" {
		if x := show.Plain(string(n)); x.Type() == lua.LTNumber {
			hint = fmt.Sprintf("write %s(%s)", m.Name, n)
		}
	}
	c.mistake(c.src.At(e.Line(), strings.Trim(written.Text(e.Args[0]), `"`), fmt.Sprintf("a %s is never %s, which is a %s", is,
		vm.Show(want), want.Type()), hint))
}

// reads says what is wrong with an exchange that is written out.
func (c *checker) reads(of thing, m *vm.Method, e *ast.FuncCallExpr) {
	said, ok := written.First(e.Args).(*ast.StringExpr)
	if of.expects == nil || m.Name != "reads" || !ok {
		return
	}
	_, err := reads.Parse(said.Value, func(name string) (*value.Party, error) {
		if n := c.of.Plan.Node(name); n == nil {
			return nil, fmt.Errorf("%q is not a node of this topology", name)
		}
		return &value.Party{Name: name}, nil
	})
	if err == nil {
		return
	}
	var n int
	lines := strings.Split(said.Value, "\n")
	if _, serr := fmt.Sscanf(err.Error(), "line %d:", &n); serr != nil || n < 1 || n > len(lines) {
		return
	}
	_, msg, _ := strings.Cut(err.Error(), ": ")
	c.mistake(c.src.At(e.Line(), strings.TrimSpace(lines[n-1]), "reads: "+msg, "a line is SRC > DST FLAGS and what else is known"))
}

// dotted says of a verb that it is called with a dot, and reports whether it is.
func (c *checker) dotted(at *ast.AttrGetExpr, s *scope) bool {
	key, ok := at.Key.(*ast.StringExpr)
	if !ok {
		return false
	}
	of := c.expr(at.Object, s)
	is := of.class != nil && of.class.Method(key.Value) != nil ||
		of.expects != nil && of.class == nil && slices.Contains(c.expectationVerbs(), key.Value)
	if !is {
		return false
	}
	before := written.Text(at.Object)
	if of.expects != nil {
		before = "expect(…)"
	} else if before == "" {
		before = "…"
	}
	c.mistake(c.src.AtMember(at.Line(), key.Value, key.Value+" is called with a dot", fmt.Sprintf("write a colon: %s:%s", before,
		key.Value)))
	return true
}

// parameter notes that a parameter of variants is read, and says if there is none.
func (c *checker) parameter(e ast.Expr, name string) {
	c.read[name] = true
	known := append([]string{"name"}, c.of.Matrix...)
	for _, v := range c.of.Variants {
		for p := range v.Params {
			known = append(known, p)
		}
	}
	if slices.Contains(known, name) {
		return
	}
	known = slices.Compact(slices.Sorted(slices.Values(known)))
	c.mistake(c.src.AtMember(e.Line(), name, fmt.Sprintf("v has no %q (it has: %s)", name, strings.Join(known, ", ")),
		diag.DidYouMean(name, known)))
}

// function says of a table of functions that it has none of the name.
func (c *checker) function(e ast.Expr, table, name string, verbs []*vm.Method) {
	var known []string
	for _, m := range verbs {
		known = append(known, m.Name)
	}
	if slices.Contains(known, name) {
		return
	}
	hint := diag.DidYouMean(name, known)
	if slices.ContainsFunc(c.vm.Language().Globals, func(m *vm.Method) bool { return m.Name == name }) {
		hint = fmt.Sprintf("write %s, without %s", name, table)
	}
	c.mistake(c.src.AtMember(e.Line(), name, fmt.Sprintf("%s has no %q (it has: %s)", table, name, strings.Join(known, ", ")),
		hint))
}

// shape says of an argument that it is a table of another form, or what a function returns
// where a function is wanted.
func (c *checker) shape(m *vm.Method, name string, k *vm.Kind, e ast.Expr, s *scope) {
	switch e := e.(type) {
	case *ast.TableExpr:
		if k.Table == nil || !strings.HasSuffix(k.Type, "[]") {
			return
		}
		if written.Keyed(e) {
			c.mistake(c.src.AtMember(e.Line(), m.Name, name+": a table is not a "+k.Name, "write { { … }, { … } }, a list of tables"))
			return
		}
		for _, f := range e.Fields {
			if row, ok := f.Value.(*ast.TableExpr); ok && f.Key == nil {
				c.options(k.Table, row, s, map[string]thing{})
			}
		}
	case *ast.FuncCallExpr:
		if strings.HasPrefix(k.Type, "fun") && e.Method != "" {
			c.mistake(c.src.AtMember(e.Line(), e.Method, fmt.Sprintf("%s takes a function, and this is what one returns", m.Name),
				fmt.Sprintf("write %s(function() … end)", m.Name)))
		}
	}
}

// term notes a value of a key of matches, as far as it is written out.
func (c *checker) term(to map[string]any, o *vm.Option, e ast.Expr, given thing) {
	k := match.KeyNamed(o.Name)
	if k == nil || k.Doc != o.Doc || k.Kind == value.KindFunc {
		return
	}
	if k.Kind == value.KindParty {
		if given.node != nil {
			to[o.Name] = &value.Party{Name: given.node.Name}
		}
		return
	}
	x := written.Literal(e)
	if x == nil || c.bad(o.Kind, x, e.Line()) != nil {
		return
	}
	defer func() { _ = recover() }() // it looked at the running case, which there is not
	if v, err := o.Kind.Parse(&vm.Call{VM: c.vm, L: c.vm.L, File: c.src.Name, Line: e.Line()}, x); err == nil {
		to[o.Name] = v
	}
}

// possible says of a match that no packet can satisfy it.
func (c *checker) possible(t *ast.TableExpr, values map[string]any) {
	m := match.Of(values)
	word, err := possible.Check(&m)
	if err == nil {
		return
	}
	line := t.Line()
	for _, f := range t.Fields {
		if key, ok := f.Key.(*ast.StringExpr); ok && key.Value == word {
			line = key.Line()
		}
	}
	c.mistake(c.src.At(line, word, err.Error(), matching.NeverHint))
}

// judges warns of a scenario in which nothing is expected.
func (c *checker) judges(run *ast.FunctionExpr) {
	if !written.Calls(c.src, "expect", "must", "require") {
		c.warn(c.src.At(run.Line(), "run", "nothing is expected in "+c.of.Name+": it passes whatever happens",
			`say what must hold: expect(net.trace):includes { tcp = "syn" }`))
	}
}
