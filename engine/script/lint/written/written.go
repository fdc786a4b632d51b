//go:build linux

// Package written reads values that stand in a script as they are.
package written

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"

	"netrepro/engine/script/diag"
)

// First is the first of several expressions, nil if there is none.
func First(es []ast.Expr) ast.Expr {
	if len(es) == 0 {
		return nil
	}
	return es[0]
}

// Text is a short expression as it is written, empty if it is not short.
func Text(e ast.Expr) string {
	switch e := e.(type) {
	case *ast.IdentExpr:
		return e.Value
	case *ast.NumberExpr:
		return e.Value
	case *ast.StringExpr:
		return fmt.Sprintf("%q", e.Value)
	case *ast.TrueExpr:
		return "true"
	case *ast.FalseExpr:
		return "false"
	case *ast.NilExpr:
		return "nil"
	case *ast.AttrGetExpr:
		if key, ok := e.Key.(*ast.StringExpr); ok && Text(e.Object) != "" {
			return Text(e.Object) + "." + key.Value
		}
	case *ast.UnaryLenOpExpr:
		if of := Text(e.Expr); of != "" {
			return "#" + of
		}
	}
	return ""
}

// PlainType is the type of a plain value, empty for all else.
func PlainType(typ string) string {
	switch {
	case typ == "integer" || typ == "number":
		return "number"
	case typ == "string" || strings.HasPrefix(typ, `"`):
		return "string"
	case typ == "boolean":
		return "boolean"
	}
	return ""
}

// Keyed reports whether all elements of a table have names.
func Keyed(t *ast.TableExpr) bool {
	return len(t.Fields) > 0 && !slices.ContainsFunc(t.Fields, func(f *ast.Field) bool {
		_, named := f.Key.(*ast.StringExpr)
		return !named
	})
}

// Literal is the value of an expression that is written out, nil if it is not.
func Literal(e ast.Expr) lua.LValue {
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
		if n, ok := Literal(e.Expr).(lua.LNumber); ok {
			return -n
		}
	}
	return nil
}

// Calls reports whether a script calls one of these names.
func Calls(src *diag.Source, names ...string) (found bool) {
	src.Walk(func(e ast.Expr) {
		if call, ok := e.(*ast.FuncCallExpr); ok {
			name, ok := call.Func.(*ast.IdentExpr)
			found = found || ok && slices.Contains(names, name.Value)
		}
	})
	return found
}

// Number reports whether Lua reads a text as a number.
func Number(text string) bool {
	text = strings.TrimSpace(text)
	_, err := strconv.ParseFloat(text, 64)
	if strings.HasPrefix(strings.ToLower(text), "0x") {
		_, err = strconv.ParseUint(text[2:], 16, 64)
	}
	return err == nil
}
