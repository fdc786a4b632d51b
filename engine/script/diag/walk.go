package diag

import (
	"strings"

	"github.com/yuin/gopher-lua/ast"
)

// Walk calls f for every expression in the script, outer before inner.
func (s *Source) Walk(f func(ast.Expr)) { walk(s.Chunk, f) }

func walk(stmts []ast.Stmt, f func(ast.Expr)) {
	for _, s := range stmts {
		walkStmt(s, f)
	}
}

// lastLine is the last line of the statement that begins on line, or that line
// is part of: the furthest that anything in it begins, or a text in it reaches.
func (s *Source) lastLine(line int) int {
	last, begin := line, 0
	var look func(stmts []ast.Stmt)
	look = func(stmts []ast.Stmt) {
		for _, st := range stmts {
			var inner []*ast.FunctionExpr
			end := st.Line()
			walkStmt(st, func(e ast.Expr) {
				l := e.Line()
				if text, ok := e.(*ast.StringExpr); ok {
					l += strings.Count(text.Value, "\n")
				}
				if fn, ok := e.(*ast.FunctionExpr); ok {
					inner = append(inner, fn)
				}
				end = max(end, l)
			})
			if st.Line() <= line && line <= max(end, st.LastLine()) && st.Line() >= begin {
				begin, last = st.Line(), max(end, line)
			}
			for _, fn := range inner {
				look(fn.Stmts)
			}
			for _, block := range blocks(st) {
				look(block)
			}
		}
	}
	look(s.Chunk)
	return last
}

// blocks are the statements inside a statement.
func blocks(s ast.Stmt) [][]ast.Stmt {
	switch s := s.(type) {
	case *ast.DoBlockStmt:
		return [][]ast.Stmt{s.Stmts}
	case *ast.WhileStmt:
		return [][]ast.Stmt{s.Stmts}
	case *ast.RepeatStmt:
		return [][]ast.Stmt{s.Stmts}
	case *ast.IfStmt:
		return [][]ast.Stmt{s.Then, s.Else}
	case *ast.NumberForStmt:
		return [][]ast.Stmt{s.Stmts}
	case *ast.GenericForStmt:
		return [][]ast.Stmt{s.Stmts}
	case *ast.FuncDefStmt:
		return [][]ast.Stmt{s.Func.Stmts}
	}
	return nil
}

func walkStmt(s ast.Stmt, f func(ast.Expr)) {
	exprs := func(es ...ast.Expr) {
		for _, e := range es {
			walkExpr(e, f)
		}
	}
	switch s := s.(type) {
	case *ast.AssignStmt:
		exprs(s.Lhs...)
		exprs(s.Rhs...)
	case *ast.LocalAssignStmt:
		exprs(s.Exprs...)
	case *ast.FuncCallStmt:
		exprs(s.Expr)
	case *ast.DoBlockStmt:
		walk(s.Stmts, f)
	case *ast.WhileStmt:
		exprs(s.Condition)
		walk(s.Stmts, f)
	case *ast.RepeatStmt:
		exprs(s.Condition)
		walk(s.Stmts, f)
	case *ast.IfStmt:
		exprs(s.Condition)
		walk(s.Then, f)
		walk(s.Else, f)
	case *ast.NumberForStmt:
		exprs(s.Init, s.Limit)
		if s.Step != nil {
			exprs(s.Step)
		}
		walk(s.Stmts, f)
	case *ast.GenericForStmt:
		exprs(s.Exprs...)
		walk(s.Stmts, f)
	case *ast.FuncDefStmt:
		walk(s.Func.Stmts, f)
	case *ast.ReturnStmt:
		exprs(s.Exprs...)
	}
}

func walkExpr(e ast.Expr, f func(ast.Expr)) {
	if e == nil {
		return
	}
	f(e)
	switch e := e.(type) {
	case *ast.FuncCallExpr:
		walkExpr(e.Func, f)
		walkExpr(e.Receiver, f)
		for _, a := range e.Args {
			walkExpr(a, f)
		}
	case *ast.FunctionExpr:
		walk(e.Stmts, f)
	case *ast.TableExpr:
		for _, fd := range e.Fields {
			walkExpr(fd.Key, f)
			walkExpr(fd.Value, f)
		}
	case *ast.AttrGetExpr:
		walkExpr(e.Object, f)
		walkExpr(e.Key, f)
	case *ast.LogicalOpExpr:
		walkExpr(e.Lhs, f)
		walkExpr(e.Rhs, f)
	case *ast.RelationalOpExpr:
		walkExpr(e.Lhs, f)
		walkExpr(e.Rhs, f)
	case *ast.StringConcatOpExpr:
		walkExpr(e.Lhs, f)
		walkExpr(e.Rhs, f)
	case *ast.ArithmeticOpExpr:
		walkExpr(e.Lhs, f)
		walkExpr(e.Rhs, f)
	case *ast.UnaryMinusOpExpr:
		walkExpr(e.Expr, f)
	case *ast.UnaryNotOpExpr:
		walkExpr(e.Expr, f)
	case *ast.UnaryLenOpExpr:
		walkExpr(e.Expr, f)
	}
}
