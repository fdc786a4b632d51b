package diag

import "github.com/yuin/gopher-lua/ast"

// Walk calls f for every expression in the script, outer before inner.
func (s *Source) Walk(f func(ast.Expr)) { walk(s.Chunk, f) }

func walk(stmts []ast.Stmt, f func(ast.Expr)) {
	for _, s := range stmts {
		walkStmt(s, f)
	}
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
