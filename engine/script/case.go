//go:build linux

package script

import (
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// Variant is one set of parameters.
type Variant struct {
	Name   string // empty if the scenario has no variants
	Params []Param
}

// Axis is one dimension of a matrix.
type Axis struct {
	Name   string
	Values []lua.LValue
}

// Param is a parameter of a case.
type Param struct {
	Name  string
	Value lua.LValue
}

// Case is a scenario with one variant and one cell of its matrix.
type Case struct {
	*Scenario
	Variant Variant
	Cell    []Param
}

// ID names the case: "scenario/variant,axis=value".
func (c *Case) ID() string {
	var parts []string
	if c.Variant.Name != "" {
		parts = append(parts, c.Variant.Name)
	}
	for _, p := range c.Cell {
		parts = append(parts, p.Name+"="+p.Value.String())
	}
	if len(parts) == 0 {
		return c.Name
	}
	return c.Name + "/" + strings.Join(parts, ",")
}

// Reproduces reports whether the case is meant to show the failure: its
// variant's name begins with "bug".
func (c *Case) Reproduces() bool { return strings.HasPrefix(c.Variant.Name, "bug") }

// outcome is the parameter by which a script tells what it expects.
const outcome = "outcome"

// Outcome is what the case says should happen, empty if it does not.
func (c *Case) Outcome() string {
	if i := slices.IndexFunc(c.Variant.Params, func(p Param) bool { return p.Name == outcome }); i >= 0 {
		return c.Variant.Params[i].Value.String()
	}
	return ""
}

// Cured is the case with everything but its outcome as another variant has it:
// it expects the failure where the cure is applied, and must fail. It is nil
// if there is no such variant.
func (c *Case) Cured(variant string) *Case {
	i := slices.IndexFunc(c.Variants, func(v Variant) bool { return v.Name == variant })
	if i < 0 {
		return nil
	}
	isOutcome := func(p Param) bool { return p.Name == outcome }
	v := Variant{Name: c.Variant.Name}
	for _, p := range c.Variants[i].Params {
		if !isOutcome(p) {
			v.Params = append(v.Params, p)
		}
	}
	for _, p := range c.Variant.Params {
		if isOutcome(p) {
			v.Params = append(v.Params, p)
		}
	}
	return &Case{Scenario: c.Scenario, Variant: v, Cell: c.Cell}
}

// SameAs reports whether another variant has the same parameters but for its outcome.
func (c *Case) SameAs(variant string) bool {
	cured := c.Cured(variant)
	if cured == nil || len(cured.Variant.Params) != len(c.Variant.Params) {
		return false
	}
	for _, p := range cured.Variant.Params {
		if !slices.ContainsFunc(c.Variant.Params, func(o Param) bool {
			return o.Name == p.Name && o.Value.Type() == p.Value.Type() && o.Value.String() == p.Value.String()
		}) {
			return false
		}
	}
	return true
}

// Cases lists the cases of s: variants times the cells of the matrix.
func (s *Scenario) Cases() []*Case {
	variants := s.Variants
	if len(variants) == 0 {
		variants = []Variant{{}}
	}
	var out []*Case
	for _, v := range variants {
		for _, cell := range cells(s.Matrix) {
			out = append(out, &Case{Scenario: s, Variant: v, Cell: cell})
		}
	}
	return out
}

func cells(axes []Axis) [][]Param {
	out := [][]Param{nil}
	for _, a := range axes {
		var next [][]Param
		for _, cell := range out {
			for _, x := range a.Values {
				next = append(next, append(slices.Clone(cell), Param{a.Name, x}))
			}
		}
		out = next
	}
	return out
}

// flow makes one line of prose that was written over several.
func flow(s string) string { return strings.Join(strings.Fields(s), " ") }
