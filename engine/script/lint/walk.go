//go:build linux

package lint

import (
	"slices"
	"strings"

	"github.com/yuin/gopher-lua/ast"

	"netrepro/engine/lab/topology"
	"netrepro/engine/lab/topology/plan"
	"netrepro/engine/script/lint/written"
	"netrepro/engine/script/vm"
)

// thing is what is known of a value; the zero value is nothing.
type thing struct {
	net, variant bool
	class        *vm.Class
	node         *plan.Node // it is this node, or is on it
	wire         *plan.Wire
	typ          string            // of a plain value: "number", "string" or "boolean"
	expects      *ast.FuncCallExpr // the call of expect or must, if that is what it is
}

// scope is the names of a block, and what is known of each.
type scope = written.Scope[thing]

func (c *checker) block(stmts []ast.Stmt, s *scope) {
	for _, st := range stmts {
		c.stmt(st, s)
	}
}

func (c *checker) stmt(st ast.Stmt, s *scope) {
	each := func(es ...ast.Expr) {
		for _, e := range es {
			if e != nil {
				c.expr(e, s)
			}
		}
	}
	switch st := st.(type) {
	case *ast.LocalAssignStmt:
		for i, name := range st.Names {
			t := thing{}
			if i < len(st.Exprs) {
				t = c.expr(st.Exprs[i], s)
			}
			defer func() { s.Names[name] = t }() // not before all are read
		}
		for _, e := range st.Exprs[min(len(st.Names), len(st.Exprs)):] {
			each(e)
		}
	case *ast.AssignStmt:
		each(st.Rhs...)
		for _, l := range st.Lhs {
			if name, ok := l.(*ast.IdentExpr); ok {
				s.Forget(name.Value)
			} else {
				each(l)
			}
		}
	case *ast.FuncCallStmt:
		if t := c.expr(st.Expr, s); t.expects != nil && (st.Expr == t.expects || t.class == c.class("Expectation")) {
			c.unsaid(t, st.Expr)
		}
	case *ast.DoBlockStmt:
		c.block(st.Stmts, s.Inner())
	case *ast.WhileStmt:
		each(st.Condition)
		c.block(st.Stmts, s.Inner())
	case *ast.RepeatStmt:
		in := s.Inner()
		c.block(st.Stmts, in)
		c.expr(st.Condition, in)
	case *ast.IfStmt:
		each(st.Condition)
		c.block(st.Then, s.Inner())
		c.block(st.Else, s.Inner())
	case *ast.NumberForStmt:
		each(st.Init, st.Limit)
		if st.Step != nil {
			each(st.Step)
		}
		c.body(st.Stmts, []string{st.Name}, s)
	case *ast.GenericForStmt:
		each(st.Exprs...)
		c.body(st.Stmts, st.Names, s)
	case *ast.FuncDefStmt:
		if name, ok := st.Name.Func.(*ast.IdentExpr); ok {
			s.Names[name.Value] = thing{}
		}
		c.body(st.Func.Stmts, st.Func.ParList.Names, s)
	case *ast.ReturnStmt:
		each(st.Exprs...)
	}
}

// body goes through a block that has names of its own, of which nothing is known.
func (c *checker) body(stmts []ast.Stmt, names []string, s *scope) {
	in := s.Inner()
	for _, n := range names {
		in.Names[n] = thing{}
	}
	c.block(stmts, in)
}

// expr goes through an expression and returns what its value is.
func (c *checker) expr(e ast.Expr, s *scope) thing {
	switch e := e.(type) {
	case *ast.IdentExpr:
		t, _ := s.Get(e.Value)
		if t.variant {
			c.loose = true // given to somebody else, unless a member is read: see below
		}
		return t
	case *ast.AttrGetExpr:
		return c.member(e, s)
	case *ast.FuncCallExpr:
		return c.call(e, s)
	case *ast.FunctionExpr:
		c.body(e.Stmts, e.ParList.Names, s)
	case *ast.TableExpr:
		for _, f := range e.Fields {
			if f.Key != nil {
				c.expr(f.Key, s)
			}
			c.expr(f.Value, s)
		}
	case *ast.LogicalOpExpr:
		c.expr(e.Lhs, s)
		c.expr(e.Rhs, s)
	case *ast.RelationalOpExpr:
		c.expr(e.Lhs, s)
		c.expr(e.Rhs, s)
		return thing{typ: "boolean"}
	case *ast.StringConcatOpExpr:
		c.expr(e.Lhs, s)
		c.expr(e.Rhs, s)
		return thing{typ: "string"}
	case *ast.ArithmeticOpExpr:
		for _, x := range []ast.Expr{e.Lhs, e.Rhs} {
			if t, ok := x.(*ast.StringExpr); ok && !written.Number(t.Value) {
				c.mistake(c.src.At(e.Line(), written.Text(x), written.Text(x)+" is not a number", "texts are put together by .."))
			}
			c.expr(x, s)
		}
	case *ast.UnaryMinusOpExpr:
		c.expr(e.Expr, s)
	case *ast.UnaryNotOpExpr:
		c.expr(e.Expr, s)
	case *ast.UnaryLenOpExpr:
		if t := c.expr(e.Expr, s); t.class != nil && t.class.Len == nil {
			c.mistake(c.src.At(e.Line(), "#", t.class.Name+" has no length", c.vm.Language().Counted(t.class)))
		}
		return thing{typ: "number"}
	}
	return thing{}
}

// member is what object.name is.
func (c *checker) member(e *ast.AttrGetExpr, s *scope) thing {
	key, named := e.Key.(*ast.StringExpr)
	if name, ok := e.Object.(*ast.IdentExpr); ok && named {
		t, own := s.Get(name.Value)
		if t.variant {
			c.parameter(e, key.Value)
			return thing{}
		}
		if verbs := c.vm.Language().Tables[name.Value]; verbs != nil && !own {
			c.function(e, name.Value, key.Value, verbs)
		}
	}
	of := c.expr(e.Object, s)
	if !named {
		c.expr(e.Key, s)
		return thing{}
	}
	switch {
	case of.net:
		return c.part(e, key.Value)
	case of.class == nil:
		return thing{}
	}
	for _, f := range of.class.Fields {
		if f.Name == key.Value || f.Was == key.Value {
			return thing{class: c.class(f.Type), node: of.node, typ: written.PlainType(f.Type)}
		}
	}
	if of.class.Index == nil && of.class.Method(key.Value) == nil {
		c.unknown(e.Line(), of.class, key.Value)
	}
	return thing{}
}

// part is a part of the topology: net.name.
func (c *checker) part(e ast.Expr, name string) thing {
	if n := c.of.Plan.Node(name); n != nil {
		kind := map[topology.Kind]string{topology.Router: "Router", topology.Switch: "Switch"}[n.Kind]
		if kind == "" {
			kind = "Host"
		}
		return thing{class: c.class(kind), node: n}
	}
	for _, w := range c.of.Plan.Wires {
		if w.Name == name {
			return thing{class: c.class("Wire"), wire: w}
		}
	}
	net := c.class("Net")
	var names []string
	for _, n := range c.of.Plan.Nodes {
		names = append(names, n.Name)
	}
	for _, w := range c.of.Plan.Wires {
		names = append(names, w.Name)
	}
	for _, f := range net.Fields {
		if f.Name == name {
			return thing{class: c.class(f.Type)}
		}
		names = append(names, f.Name)
	}
	msg, hint := net.Unknown(name, names)
	c.mistake(c.src.AtMember(e.Line(), name, msg, hint))
	return thing{}
}

// class is the class that a type names, nil if it is no class or several.
func (c *checker) class(typ string) *vm.Class {
	typ, _, _ = strings.Cut(typ, ",")
	typ = strings.TrimSuffix(strings.TrimSpace(typ), "?")
	for _, k := range c.vm.Language().Classes {
		if k.Name == typ {
			return k
		}
	}
	return nil
}

// unknown says that a class has no such member.
func (c *checker) unknown(line int, of *vm.Class, name string) {
	var names []string
	for _, m := range of.Methods {
		names = append(names, m.Name)
	}
	for _, f := range of.Fields {
		names = append(names, f.Name)
	}
	msg, hint := of.Unknown(name, names)
	c.mistake(c.src.AtMember(line, name, msg, hint))
}

// name is what a verb is called in the reference.
func (c *checker) name(m *vm.Method) string {
	for _, k := range c.vm.Language().Classes {
		if slices.Contains(k.Methods, m) {
			return k.Name + ":" + m.Name
		}
	}
	return m.Name
}
