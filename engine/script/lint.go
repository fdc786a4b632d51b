//go:build linux

package script

import (
	"netrepro/engine/script/diag"
	"netrepro/engine/script/lint"
)

// Lint finds in f what can be known without running it.
func (f *File) Lint() []lint.Finding {
	src, err := diag.Parse(f.Name, f.Text)
	if err != nil {
		return nil // it was loaded
	}
	var of []lint.Scenario
	for _, s := range f.Scenarios {
		known := lint.Scenario{Name: s.Name, Line: s.Line, Plan: s.Plan}
		for _, v := range s.Variants {
			params := map[string]string{}
			for _, p := range v.Params {
				params[p.Name] = p.Value.Type().String() + " " + p.Value.String()
			}
			known.Variants = append(known.Variants, lint.Variant{Name: v.Name, Params: params})
		}
		for _, a := range s.Matrix {
			known.Matrix = append(known.Matrix, a.Name)
		}
		of = append(of, known)
	}
	return lint.Find(src, f.vm, of)
}
