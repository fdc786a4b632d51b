//go:build linux

package lint

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"netrepro/engine/script/vm"
)

// call goes through a call and returns what it returns.
func (c *checker) call(e *ast.FuncCallExpr, s *scope) thing {
	if e.Method == "" {
		if name, ok := e.Func.(*ast.IdentExpr); ok {
			if _, own := s.get(name.Value); !own {
				for _, m := range c.vm.Language().Globals {
					if m.Name == name.Value {
						if given := c.arguments(m, e, s)["subject"]; given.class == c.class("Trace") && given.class != nil {
							return thing{class: c.class("Expectation")} // of several
						}
						return thing{class: c.class(m.Returns)}
					}
				}
			}
		}
		c.expr(e.Func, s)
		for _, a := range e.Args {
			c.expr(a, s)
		}
		return thing{}
	}
	of := c.expr(e.Receiver, s)
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
	return thing{class: c.class(m.Returns), node: of.node}
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
		c.value(m, p.Name, p.Kind, args[0], "")
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
		}
	}
	for _, a := range args {
		if t := c.expr(a, s); m.First != "" {
			given[m.First] = t
		}
	}
	return given
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
		written := ""
		if named {
			written = name
		}
		inner, table := f.Value.(*ast.TableExpr)
		if table && o.Kind.Table != nil && keyed(inner) && !strings.ContainsAny(o.Kind.Type, "<[") {
			c.options(o.Kind.Table, inner, s, map[string]thing{})
			continue
		}
		c.value(m, o.Name, o.Kind, f.Value, written)
		given[o.Name] = c.expr(f.Value, s)
	}
}

// keyed reports whether all elements of a table have names.
func keyed(t *ast.TableExpr) bool {
	return len(t.Fields) > 0 && !slices.ContainsFunc(t.Fields, func(f *ast.Field) bool {
		_, named := f.Key.(*ast.StringExpr)
		return !named
	})
}

// value checks a value that is written out. key is what stands before it, empty if
// nothing does.
func (c *checker) value(_ *vm.Method, name string, k *vm.Kind, e ast.Expr, key string) {
	x := literal(e)
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

// literal is the value of an expression that is written out, nil if it is not.
func literal(e ast.Expr) lua.LValue {
	switch e := e.(type) {
	case *ast.StringExpr:
		return lua.LString(e.Value)
	case *ast.NumberExpr:
		if n, err := strconv.ParseFloat(e.Value, 64); err == nil {
			return lua.LNumber(n)
		}
		if n, err := strconv.ParseInt(e.Value, 0, 64); err == nil {
			return lua.LNumber(n)
		}
	case *ast.TrueExpr:
		return lua.LTrue
	case *ast.FalseExpr:
		return lua.LFalse
	case *ast.UnaryMinusOpExpr:
		if n, ok := literal(e.Expr).(lua.LNumber); ok {
			return -n
		}
	}
	return nil
}
