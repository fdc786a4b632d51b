package main

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// TestNoClockInVerdicts finds tests whose verdict depends on how fast the machine
// is: comparisons of what a clock says.
func TestNoClockInVerdicts(t *testing.T) {
	for _, dir := range []string{"../../cmd", "../../engine", "../../lualib", "../../scenarios"} {
		err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			if err != nil || !strings.HasSuffix(path, "_test.go") {
				return err
			}
			fset := token.NewFileSet()
			f, err := parser.ParseFile(fset, path, nil, 0)
			if err != nil {
				return err
			}
			for _, at := range clocked(f) {
				t.Errorf("%s: a clock is compared: wait for the event, or give what is tested a clock of its own",
					fset.Position(at))
			}
			return nil
		})
		if err != nil {
			t.Fatal(err)
		}
	}
}

// clocked are the comparisons in f of which one side comes from the machine's
// clock: a time since another, or the difference of two.
func clocked(f *ast.File) (out []token.Pos) {
	for _, decl := range f.Decls {
		fn, ok := decl.(*ast.FuncDecl)
		if !ok || fn.Body == nil {
			continue
		}
		spans := map[string]bool{} // variables that hold such a time
		from := func(e ast.Node) bool {
			found := false
			ast.Inspect(e, func(n ast.Node) bool {
				switch n := n.(type) {
				case *ast.CallExpr:
					if s, ok := n.Fun.(*ast.SelectorExpr); ok {
						x, _ := s.X.(*ast.Ident)
						found = found || x != nil && x.Name == "time" &&
							(s.Sel.Name == "Since" || s.Sel.Name == "Until") || s.Sel.Name == "Sub" && now(n)
					}
				case *ast.Ident:
					found = found || spans[n.Name]
				}
				return !found
			})
			return found
		}
		ast.Inspect(fn.Body, func(n ast.Node) bool {
			switch n := n.(type) {
			case *ast.AssignStmt:
				for i, l := range n.Lhs {
					if id, ok := l.(*ast.Ident); ok && len(n.Rhs) == len(n.Lhs) && from(n.Rhs[i]) {
						spans[id.Name] = true
					}
				}
			case *ast.BinaryExpr:
				compares := []token.Token{token.LSS, token.GTR, token.LEQ, token.GEQ, token.EQL, token.NEQ}
				if slices.Contains(compares, n.Op) && (from(n.X) || from(n.Y)) {
					out = append(out, n.Pos())
				}
			}
			return true
		})
	}
	return out
}

// now reports whether time.Now is called in e.
func now(e ast.Node) (found bool) {
	ast.Inspect(e, func(n ast.Node) bool {
		if s, ok := n.(*ast.SelectorExpr); ok {
			x, _ := s.X.(*ast.Ident)
			found = found || x != nil && x.Name == "time" && s.Sel.Name == "Now"
		}
		return !found
	})
	return found
}

// TestClocked has the search find what it is for.
func TestClocked(t *testing.T) {
	for body, want := range map[string]int{
		`if time.Since(began) > limit {}`:                            1,
		`took := time.Since(began); if x := 3; took < limit && x {}`: 1,
		`d := time.Now().Sub(began); _ = d >= 250`:                   1,
		`log(time.Since(began)); if n > 3 {}`:                        0,
		`deadline := time.Now().Add(9); use(deadline)`:               0,
		`if clock() > limit {}`:                                      0,
	} {
		f, err := parser.ParseFile(token.NewFileSet(), "", fmt.Sprintf("package p\nfunc f() { %s }", body), 0)
		if err != nil {
			t.Fatal(err)
		}
		if got := clocked(f); len(got) != want {
			t.Errorf("%s: %d comparisons found, want %d", body, len(got), want)
		}
	}
}
