//go:build linux

package reference_test

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/yuin/gopher-lua/ast"

	"netrepro/engine/script/diag"
)

// checker finds names in a script that the stubs do not have, as an editor with
// the Lua language server would: members of objects, keys of options, and words
// where only some are allowed. What it knows no type of, it lets pass.
type checker struct {
	*annotations
	file   string
	scopes []map[string]string // types of locals, innermost last
	found  []string
}

// names are what a file gives names to: members of net and of v.
type names struct{ net, v map[string]string }

// check returns what is wrong in a file.
func check(s *annotations, file, text string, n names) ([]string, error) {
	chunk, err := diag.Parse(file, text)
	if err != nil {
		return nil, err
	}
	own := *s
	own.classes = map[string]*stub{}
	for name, c := range s.classes {
		own.classes[name] = c
	}
	for name, members := range map[string]map[string]string{"Net": n.net, "Variant": n.v} {
		c := newStub()
		for k, typ := range s.classes[name].fields {
			if k != "[string]" {
				c.fields[k] = typ
			}
		}
		for k, typ := range members {
			c.fields[k] = typ
		}
		own.classes[name] = c
	}
	c := &checker{annotations: &own, file: file}
	c.block(chunk.Chunk, nil)
	return c.found, nil
}

func (c *checker) wrong(at ast.PositionHolder, format string, args ...any) {
	c.found = append(c.found, fmt.Sprintf("%s:%d: %s", c.file, at.Line(), fmt.Sprintf(format, args...)))
}

func (c *checker) local(name string) (string, bool) {
	for _, s := range slices.Backward(c.scopes) {
		if typ, ok := s[name]; ok {
			return typ, true
		}
	}
	return "", false
}

func (c *checker) block(stmts []ast.Stmt, locals map[string]string) {
	if locals == nil {
		locals = map[string]string{}
	}
	c.scopes = append(c.scopes, locals)
	for _, s := range stmts {
		c.statement(s, locals)
	}
	c.scopes = c.scopes[:len(c.scopes)-1]
}

func (c *checker) statement(s ast.Stmt, locals map[string]string) {
	switch s := s.(type) {
	case *ast.LocalAssignStmt:
		types := c.list(s.Exprs)
		for i, name := range s.Names {
			locals[name] = ""
			if i < len(types) {
				locals[name] = types[i]
			}
		}
	case *ast.AssignStmt:
		c.list(s.Rhs)
		for _, l := range s.Lhs {
			if id, ok := l.(*ast.IdentExpr); ok {
				for _, scope := range c.scopes {
					if _, is := scope[id.Value]; is {
						scope[id.Value] = "" // it may be either
					}
				}
			}
		}
	case *ast.FuncCallStmt:
		c.typeOf(s.Expr)
	case *ast.DoBlockStmt:
		c.block(s.Stmts, nil)
	case *ast.WhileStmt:
		c.typeOf(s.Condition)
		c.block(s.Stmts, nil)
	case *ast.RepeatStmt:
		c.block(s.Stmts, nil)
	case *ast.IfStmt:
		c.typeOf(s.Condition)
		c.block(s.Then, nil)
		c.block(s.Else, nil)
	case *ast.NumberForStmt:
		c.block(s.Stmts, map[string]string{s.Name: "integer"})
	case *ast.GenericForStmt:
		in := map[string]string{}
		for _, name := range s.Names {
			in[name] = ""
		}
		c.list(s.Exprs)
		if call, ok := s.Exprs[0].(*ast.FuncCallExpr); ok && len(s.Names) == 2 && len(call.Args) == 1 {
			if id, ok := call.Func.(*ast.IdentExpr); ok && id.Value == "ipairs" {
				in[s.Names[1]] = c.element(c.typeOf(call.Args[0]))
			}
		}
		c.block(s.Stmts, in)
	case *ast.FuncDefStmt:
		c.function(s.Func, "")
	case *ast.ReturnStmt:
		c.list(s.Exprs)
	}
}

// list are the types of expressions; the last may be several.
func (c *checker) list(exprs []ast.Expr) []string {
	var out []string
	for i, e := range exprs {
		if call, ok := e.(*ast.FuncCallExpr); ok && i == len(exprs)-1 {
			out = append(out, c.call(call)...)
		} else {
			out = append(out, c.typeOf(e))
		}
	}
	return out
}

// element is the type of the elements of a list.
func (c *checker) element(typ string) string {
	for _, p := range c.parts(typ) {
		if of, ok := strings.CutSuffix(p, "[]"); ok {
			return strings.Trim(of, "()")
		}
		if of, ok := c.field(p, "[integer]"); ok {
			return of
		}
	}
	return ""
}

// typeOf is the type of an expression, empty if it is not known.
func (c *checker) typeOf(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.IdentExpr:
		typ, known := c.local(e.Value)
		if !known && c.classes[e.Value+"lib"] != nil {
			return e.Value + "lib"
		}
		return typ
	case *ast.AttrGetExpr:
		of := c.typeOf(e.Object)
		key, ok := e.Key.(*ast.StringExpr)
		if !ok {
			c.typeOf(e.Key)
			return c.element(of)
		}
		return c.member(e, of, key.Value)
	case *ast.FuncCallExpr:
		if types := c.call(e); len(types) > 0 {
			return types[0]
		}
	case *ast.TableExpr:
		c.fields(e, nil)
	case *ast.FunctionExpr:
		c.function(e, "")
	case *ast.LogicalOpExpr:
		a, b := c.typeOf(e.Lhs), c.typeOf(e.Rhs)
		if e.Operator == "and" {
			return b
		}
		if a == b {
			return a
		}
	case *ast.RelationalOpExpr:
		c.typeOf(e.Lhs)
		c.typeOf(e.Rhs)
	case *ast.ArithmeticOpExpr:
		c.typeOf(e.Lhs)
		c.typeOf(e.Rhs)
	case *ast.StringConcatOpExpr:
		c.typeOf(e.Lhs)
		c.typeOf(e.Rhs)
	case *ast.UnaryMinusOpExpr:
		c.typeOf(e.Expr)
	case *ast.UnaryNotOpExpr:
		c.typeOf(e.Expr)
	case *ast.UnaryLenOpExpr:
		c.typeOf(e.Expr)
	}
	return ""
}

// member is the type of a member, which some part of the type must have.
func (c *checker) member(at ast.PositionHolder, of, name string) string {
	for _, p := range c.parts(of) {
		if typ, ok := c.field(p, name); ok {
			return typ
		}
		if typ, ok := c.field(p, "[string]"); ok {
			return typ
		}
		if c.method(p, name) != nil || c.classes[p] == nil {
			return ""
		}
	}
	c.wrong(at, "%s has no member %q", of, name)
	return ""
}

// call checks a call and returns the types of what it returns.
func (c *checker) call(e *ast.FuncCallExpr) []string {
	var f *function
	switch {
	case e.Method != "":
		of := c.typeOf(e.Receiver)
		known := of != ""
		for _, p := range c.parts(of) {
			known = known && c.classes[p] != nil
			if m := c.method(p, e.Method); m != nil && f == nil {
				f = m
			}
		}
		if known && f == nil {
			c.wrong(e, "%s has no verb %q", of, e.Method)
		}
	default:
		if id, ok := e.Func.(*ast.IdentExpr); ok {
			if _, local := c.local(id.Value); !local {
				f = c.method(globals, id.Value)
			}
		} else if get, ok := e.Func.(*ast.AttrGetExpr); ok {
			if key, ok := get.Key.(*ast.StringExpr); ok {
				f = c.method(c.typeOf(get.Object), key.Value)
			}
		}
		if of := c.typeOf(e.Func); f == nil && strings.HasPrefix(of, "fun(") {
			f = &function{params: []string{strings.TrimSuffix(strings.SplitN(of, ": ", 2)[1], ")")}}
		}
	}
	for i, a := range e.Args {
		want := ""
		if f != nil && i < len(f.params) {
			want = f.params[i]
			if _, table := a.(*ast.TableExpr); table { // it may be a later one, or that of another way to call it
				want = strings.Join(append(slices.Clone(f.params[i:]), f.others...), "|")
			} else if _, handler := a.(*ast.FunctionExpr); !handler && len(f.others) > 0 {
				want = ""
			}
		}
		c.value(a, want)
	}
	if f == nil {
		return nil
	}
	return f.returns
}

// value checks a value where one of a type is wanted.
func (c *checker) value(e ast.Expr, want string) {
	switch e := e.(type) {
	case *ast.TableExpr:
		var of []string
		for _, p := range c.parts(want) {
			p = strings.TrimSuffix(p, "?")
			if list, ok := strings.CutSuffix(p, "[]"); ok {
				of = append(of, "list of "+list)
			} else if p == "any" || p == "table" {
				c.fields(e, nil)
				return
			} else if c.classes[p] != nil || strings.HasPrefix(p, "table<") {
				of = append(of, p)
			}
		}
		c.fields(e, of)
	case *ast.StringExpr:
		var allowed []string
		for _, p := range c.parts(want) {
			if !strings.HasPrefix(p, `"`) {
				return // any text, or something else
			}
			allowed = append(allowed, strings.Trim(p, `"`))
		}
		if !slices.Contains(allowed, e.Value) {
			c.wrong(e, "%q is not one of %s", e.Value, want)
		}
	case *ast.FunctionExpr:
		c.function(e, want)
	default:
		c.typeOf(e)
	}
}

var funParam = regexp.MustCompile(`\w+: (\w+)`)

// function checks the body of a function whose type is wanted to be so.
func (c *checker) function(f *ast.FunctionExpr, want string) {
	locals := map[string]string{}
	types := funParam.FindAllStringSubmatch(strings.TrimPrefix(want, "fun("), -1)
	for i, name := range f.ParList.Names {
		locals[name] = ""
		if i < len(types) && strings.HasPrefix(want, "fun(") {
			locals[name] = types[i][1]
		}
	}
	c.block(f.Stmts, locals)
}

// fields checks the keys of a table that is to be one of some types.
func (c *checker) fields(e *ast.TableExpr, of []string) {
	for _, f := range e.Fields {
		want := ""
		key, named := f.Key.(*ast.StringExpr)
		switch {
		case f.Key == nil:
			for _, t := range of {
				if list, ok := strings.CutPrefix(t, "list of "); ok {
					want = list
				} else if typ, ok := c.field(t, "[integer]"); ok {
					want = typ
				} else if typ, ok := c.field(t, "[1]"); ok {
					want = typ
				}
			}
		case named && len(of) > 0:
			found := false
			for _, t := range of {
				typ, ok := c.field(t, key.Value)
				if strings.HasPrefix(t, "table<") {
					typ, ok = strings.TrimSuffix(t[strings.Index(t, ",")+1:], ">"), true
				}
				if ok {
					found, want = true, typ
				}
			}
			if !found {
				c.wrong(e, "%s has no key %q", strings.Join(of, "|"), key.Value)
			}
		}
		c.value(f.Value, want)
	}
}
