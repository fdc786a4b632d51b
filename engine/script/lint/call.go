//go:build linux

package lint

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"netrepro/engine/script/foreign"
	"netrepro/engine/script/lint/written"
	"netrepro/engine/script/vm"
)

// overTables are functions of Lua that take nothing but a table.
var overTables = []string{"ipairs", "pairs", "unpack", "next"}

// call goes through a call and returns what it returns.
func (c *checker) call(e *ast.FuncCallExpr, s *scope) thing {
	if e.Method == "" {
		if at, ok := e.Func.(*ast.AttrGetExpr); ok && c.dotted(at, s) {
			for _, a := range e.Args {
				c.expr(a, s)
			}
			return thing{}
		}
		if name, ok := e.Func.(*ast.IdentExpr); ok {
			if _, own := s.Get(name.Value); !own {
				for _, m := range c.vm.Language().Globals {
					if m.Name == name.Value {
						given := c.arguments(m, e, s)
						if m.Name == "expect" || m.Name == "must" {
							return c.expectation(given["subject"], e)
						}
						return thing{class: c.class(m.Returns)}
					}
				}
			}
		}
		c.expr(e.Func, s)
		name, named := e.Func.(*ast.IdentExpr)
		if named {
			_, own := s.Get(name.Value)
			named = !own
		}
		for i, a := range e.Args {
			if t := c.expr(a, s); i == 0 && t.class != nil && named && slices.Contains(overTables, name.Value) {
				msg, word, hint := foreign.Plain("bad argument #1 to " + name.Value + " (table expected, got userdata)")
				c.mistake(c.src.At(e.Line(), word, msg, hint))
			}
		}
		return thing{}
	}
	of := c.expr(e.Receiver, s)
	if known := c.expectationVerbs(); of.expects != nil && of.class == nil && !slices.Contains(known, e.Method) {
		msg, hint := foreign.NoMember("an expectation", "ValueExpectation", e.Method, known)
		c.mistake(c.src.AtMember(e.Line(), e.Method, msg, hint))
	}
	if of.class == nil {
		for _, a := range e.Args {
			c.expr(a, s)
		}
		return thing{}
	}
	m := of.class.Method(e.Method)
	if m == nil {
		if of.class.Index == nil {
			c.unknown(e.Line(), of.class, e.Method)
		}
		for _, a := range e.Args {
			c.expr(a, s)
		}
		return thing{}
	}
	given := c.arguments(m, e, s)
	c.reaches(of, given, e)
	c.crosses(of, given, e)
	c.comparable(of, m, e)
	c.reads(of, m, e)
	back := thing{class: c.class(m.Returns), node: of.node}
	if of.expects != nil && strings.HasSuffix(m.Returns, "Expectation") {
		back.expects = of.expects
	}
	return back
}

// arguments checks the arguments of a verb as far as they are written out, and returns
// what is known of them by name.
func (c *checker) arguments(m *vm.Method, e *ast.FuncCallExpr, s *scope) map[string]thing {
	given := map[string]thing{}
	args := e.Args
	for _, p := range m.Params {
		if len(args) == 0 {
			break
		}
		_, table := args[0].(*ast.TableExpr)
		if table && p.Optional && m.Options != nil {
			continue
		}
		c.shape(m, p.Name, p.Kind, args[0], s)
		c.value(m, p.Name, p.Kind, args[0], "")
		if bad := c.bad(p.Kind, &lua.LTable{}, e.Line()); table && bad != nil && written.PlainType(p.Kind.Type) != "" {
			c.mistake(c.src.AtMember(e.Line(), m.Name, p.Name+": "+bad.Msg, "as in "+m.Example))
		}
		given[p.Name] = c.expr(args[0], s)
		args = args[1:]
	}
	if len(args) > 0 && m.Options != nil {
		if t, ok := args[0].(*ast.TableExpr); ok {
			c.options(m, t, s, given)
			args = args[1:]
		} else if m.First != "" {
			if o := option(m, m.First); o != nil {
				c.value(m, o.Name, o.Kind, args[0], "")
			}
			args = append(args[1:len(args):len(args)], args[0])
			if x := written.Literal(args[0]); x != nil && len(args) > 1 {
				c.notTable(m, x, e)
			}
		} else if x := written.Literal(args[0]); x != nil {
			c.notTable(m, x, e)
		}
	} else if len(args) > 0 && m.Options == nil && m.Then == nil {
		c.mistake(c.src.AtMember(e.Line(), m.Name, fmt.Sprintf("%s takes %d arguments, not %d", c.name(m), len(m.Params),
			len(e.Args)), m.Doc))
	}
	for _, a := range args {
		if t := c.expr(a, s); m.First != "" {
			given[m.First] = t
		}
	}
	return given
}

func (c *checker) notTable(m *vm.Method, x lua.LValue, e *ast.FuncCallExpr) {
	c.mistake(c.src.AtMember(e.Line(), m.Name, fmt.Sprintf("%s takes a table of options, not a %s", c.name(m), x.Type()),
		"as in "+m.Example))
}

func option(m *vm.Method, name string) *vm.Option {
	for i := range m.Options {
		if m.Options[i].Name == name || m.Options[i].Was != "" && m.Options[i].Was == name {
			return &m.Options[i]
		}
	}
	return nil
}

// options checks a table of options.
func (c *checker) options(m *vm.Method, t *ast.TableExpr, s *scope, given map[string]thing) {
	match := map[string]any{}
	defer func() { c.possible(t, match) }()
	for _, f := range t.Fields {
		key, named := f.Key.(*ast.StringExpr)
		var name string
		switch {
		case named:
			name = key.Value
		case f.Key == nil && m.First != "" && m.List == "":
			name = m.First
		default:
			c.expr(f.Value, s)
			continue
		}
		o := option(m, name)
		if o == nil {
			msg, takes, hint := m.Unknown(c.name(m), name)
			e := c.src.At(key.Line(), name, msg, hint)
			e.Takes = takes
			c.mistake(e)
			c.expr(f.Value, s)
			continue
		}
		before := ""
		if named {
			before = name
		}
		inner, table := f.Value.(*ast.TableExpr)
		if table && o.Kind.Table != nil && written.Keyed(inner) && !strings.ContainsAny(o.Kind.Type, "<[") {
			c.options(o.Kind.Table, inner, s, map[string]thing{})
			continue
		}
		c.shape(m, o.Name, o.Kind, f.Value, s)
		c.value(m, o.Name, o.Kind, f.Value, before)
		given[o.Name] = c.expr(f.Value, s)
		c.term(match, o, f.Value, given[o.Name])
	}
}

// value checks a value that is written out. key is what stands before it, empty if
// nothing does.
func (c *checker) value(_ *vm.Method, name string, k *vm.Kind, e ast.Expr, key string) {
	x := written.Literal(e)
	if x == nil {
		return
	}
	bad := c.bad(k, x, e.Line())
	if bad == nil {
		return
	}
	msg := name + ": " + bad.Msg
	line := c.src.KeyLine(e.Line(), name)
	if key != "" {
		c.mistake(c.src.AtValue(line, key, bad.Word, msg, bad.Hint))
		return
	}
	c.mistake(c.src.At(e.Line(), bad.Word, msg, bad.Hint))
}

// bad is what is wrong with a value by itself, nil if nothing is or it depends on more.
func (c *checker) bad(k *vm.Kind, x lua.LValue, line int) (bad *vm.BadValue) {
	defer func() {
		if recover() != nil { // it looked at the running case, which there is not
			bad = nil
		}
	}()
	_, err := k.Parse(&vm.Call{VM: c.vm, L: c.vm.L, File: c.src.Name, Line: line, Args: map[string]any{}}, x)
	if !errors.As(err, &bad) {
		return nil
	}
	return bad
}
