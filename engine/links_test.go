package engine

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
)

// link is a link of a doc comment: to a name of the package, to one of another, or to
// a method or field.
var link = regexp.MustCompile(`\[\*?((?:[a-z][a-z0-9]*\.)?[A-Z]\w*(?:\.[A-Z]\w*)?)\]`)

// declared are the exported names of a package: types, functions, values, and the
// methods and fields of types as "Type.Name".
type declared map[string]bool

func (d declared) take(f *ast.File) {
	for _, decl := range f.Decls {
		switch decl := decl.(type) {
		case *ast.FuncDecl:
			name := decl.Name.Name
			if decl.Recv != nil {
				t := decl.Recv.List[0].Type
				if p, ok := t.(*ast.StarExpr); ok {
					t = p.X
				}
				if i, ok := t.(*ast.IndexExpr); ok {
					t = i.X
				}
				if id, ok := t.(*ast.Ident); ok {
					name = id.Name + "." + name
				}
			}
			d[name] = true
		case *ast.GenDecl:
			for _, spec := range decl.Specs {
				d.spec(spec)
			}
		}
	}
}

func (d declared) spec(spec ast.Spec) {
	switch spec := spec.(type) {
	case *ast.ValueSpec:
		for _, n := range spec.Names {
			d[n.Name] = true
		}
	case *ast.TypeSpec:
		d[spec.Name.Name] = true
		var list *ast.FieldList
		switch t := spec.Type.(type) {
		case *ast.StructType:
			list = t.Fields
		case *ast.InterfaceType:
			list = t.Methods
		default:
			return
		}
		for _, f := range list.List {
			for _, n := range f.Names {
				d[spec.Name.Name+"."+n.Name] = true
			}
		}
	}
}

// TestLinks has every link of a doc comment lead to a name that there is.
func TestLinks(t *testing.T) {
	names, files := map[string]declared{}, map[string][]*ast.File{}
	fset := token.NewFileSet()
	err := filepath.WalkDir(".", func(path string, _ fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
			return err
		}
		f, err := parser.ParseFile(fset, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		dir := filepath.ToSlash(filepath.Dir(path))
		if names[dir] == nil {
			names[dir] = declared{}
		}
		names[dir].take(f)
		files[dir] = append(files[dir], f)
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	text := map[string]bool{"DF": true, "ADDRESS": true} // what tcpdump and nft write in brackets
	checked := 0
	for dir, fs := range files {
		for _, f := range fs {
			for _, c := range f.Comments {
				for _, m := range link.FindAllStringSubmatch(c.Text(), -1) {
					checked++
					if !text[m[1]] && !leads(names, dir, f, m[1]) {
						t.Errorf("%s: [%s] leads to nothing", fset.Position(c.Pos()), m[1])
					}
				}
			}
		}
	}
	if checked < 100 {
		t.Errorf("%d links were checked", checked)
	}
}

// leads reports whether a link in a file leads to a name. One to a package outside of
// the engine is believed if the file imports that.
func leads(names map[string]declared, dir string, f *ast.File, to string) bool {
	pkg, rest, qualified := strings.Cut(to, ".")
	if !qualified || strings.ToLower(pkg[:1]) != pkg[:1] {
		return names[dir][to]
	}
	i := slices.IndexFunc(f.Imports, func(i *ast.ImportSpec) bool {
		path, err := strconv.Unquote(i.Path.Value)
		return err == nil && (i.Name != nil && i.Name.Name == pkg || i.Name == nil && filepath.Base(path) == pkg)
	})
	if i >= 0 {
		path, err := strconv.Unquote(f.Imports[i].Path.Value)
		room, ours := strings.CutPrefix(path, "netrepro/engine/")
		return err == nil && (!ours || names[room][rest])
	}
	for room, d := range names { // of a package that another file imports
		if filepath.Base(room) == pkg && d[rest] {
			return true
		}
	}
	return false
}
