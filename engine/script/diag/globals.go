package diag

import (
	"fmt"
	"slices"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/ast"
)

// Globals finds names that a script, or a function in it, reads or assigns
// and nobody declared, before any of it runs. The compiler has already told
// locals from globals: what is left are its GETGLOBAL and SETGLOBAL
// instructions. known are the names that there are, of which has says whether one is, and
// meant says what to write for one that is not.
func (s *Source) Globals(p *lua.FunctionProto, has func(name string) bool, meant func(name string) string) error {
	for i, inst := range p.Code {
		op := int(inst >> 26)
		if op != lua.OP_GETGLOBAL && op != lua.OP_SETGLOBAL {
			continue
		}
		name := p.Constants[inst&0x3ffff].String()
		if op == lua.OP_GETGLOBAL && has(name) {
			continue
		}
		line := 0
		if i < len(p.DbgSourcePositions) {
			line = p.DbgSourcePositions[i]
		}
		if op == lua.OP_SETGLOBAL {
			hint := fmt.Sprintf(`write "local %s"`, name)
			if slices.Contains(headerKeys, name) {
				hint = fmt.Sprintf(`the keys of a scenario stand in its table: scenario "name" { %s = … }`, name)
			}
			return s.At(line, name, fmt.Sprintf("%q is assigned but never declared", name), hint)
		}
		return s.At(line, name, fmt.Sprintf("undefined name %q", name), meant(name))
	}
	for _, f := range p.FunctionPrototypes {
		if err := s.Globals(f, has, meant); err != nil {
			return err
		}
	}
	return nil
}

// headerKeys are keys of a scenario's table that people assign to beside it.
var headerKeys = []string{"about", "tags", "needs", "timeout", "topology", "variants", "matrix", "run", "compare", "symptom"}

// Part reports whether the script makes a node or a wire of a name.
func (s *Source) Part(name string) (is bool) {
	s.Walk(func(e ast.Expr) {
		call, ok := e.(*ast.FuncCallExpr)
		if !ok {
			return
		}
		of, ok := call.Func.(*ast.IdentExpr)
		if !ok || !slices.Contains([]string{"host", "router", "switch", "wire"}, of.Value) || len(call.Args) == 0 {
			return
		}
		said := call.Args[0]
		if t, ok := said.(*ast.TableExpr); ok {
			for _, f := range t.Fields {
				if k, named := f.Key.(*ast.StringExpr); !named && f.Key == nil || named && k.Value == "name" {
					said = f.Value
				}
			}
		}
		text, ok := said.(*ast.StringExpr)
		is = is || ok && text.Value == name
	})
	return is
}
