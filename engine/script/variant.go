//go:build linux

package script

import (
	"fmt"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/script/args"
	"netrepro/engine/script/vm"
)

func variants(c *vm.Call, t *lua.LTable) ([]Variant, error) {
	items, err := args.List(t, `write variants = { { "bug", outcome = "stalls" }, … }`)
	if err != nil {
		return nil, err
	}
	var out []Variant
	for i, x := range items {
		i++
		vt, ok := x.(*lua.LTable)
		if !ok {
			return nil, c.Fail("variants", `write { "bug", outcome = "stalls" }`, "variant %d is %s", i, vm.Show(x))
		}
		name, ok := vt.RawGetInt(1).(lua.LString)
		if !ok || name == "" || strings.ContainsAny(string(name), "/,= \t\n") {
			return nil, c.Fail("variants", `write { "bug", outcome = "stalls" }`,
				"variant %d does not begin with a name", i)
		}
		v := Variant{Name: string(name)}
		if slices.ContainsFunc(out, func(o Variant) bool { return o.Name == v.Name }) {
			return nil, c.Fail(v.Name, "give each variant a name of its own", "two variants are called %q", v.Name)
		}
		for k, x := vt.Next(lua.LNil); k != lua.LNil; k, x = vt.Next(k) {
			key, ok := k.(lua.LString)
			if !ok {
				if k != lua.LNumber(1) {
					return nil, c.Fail(v.Name, "write every parameter as name = value", "variant %q: %s has no name",
						v.Name, vm.Show(x))
				}
				continue
			}
			if key == "name" {
				return nil, c.Fail("name", "the first element is the name", "variant %q: name is taken", v.Name)
			}
			v.Params = append(v.Params, Param{string(key), x})
		}
		out = append(out, v)
	}
	return out, nil
}

func matrix(c *vm.Call, t *lua.LTable) ([]Axis, error) {
	var out []Axis
	for k, x := t.Next(lua.LNil); k != lua.LNil; k, x = t.Next(k) {
		list, ok := x.(*lua.LTable)
		if !ok || list.Len() == 0 {
			return nil, c.Fail(k.String(), `write rcvbuf = { "4KB", "16KB" }`, "matrix: %s is not a list of values", k)
		}
		a := Axis{Name: k.String()}
		for i := 1; i <= list.Len(); i++ {
			switch v := list.RawGetInt(i).(type) {
			case lua.LString, lua.LNumber, lua.LBool:
				a.Values = append(a.Values, v)
			default:
				return nil, c.Fail(a.Name, "a cell is a string, a number, true or false", "matrix: %s[%d] is %s",
					a.Name, i, vm.Show(v))
			}
		}
		out = append(out, a)
	}
	return out, nil
}

// paramNames lists every parameter a case of s may have, so that a misspelt
// one can be told from one that this variant leaves out.
func (s *Scenario) paramNames() []string {
	names := []string{"name"}
	for _, v := range s.Variants {
		for _, p := range v.Params {
			if !slices.Contains(names, p.Name) {
				names = append(names, p.Name)
			}
		}
	}
	for _, a := range s.Matrix {
		names = append(names, a.Name)
	}
	return names
}

// params is the v that run gets.
var params = &vm.Class{Name: "Variant", What: "v", Doc: "The parameters of the variant and the matrix cell.",
	Index: func(self any, name string) (lua.LValue, bool) {
		c := self.(*Case)
		if name == "name" {
			return lua.LString(c.Variant.Name), true
		}
		for _, p := range append(slices.Clone(c.Variant.Params), c.Cell...) {
			if p.Name == name {
				return p.Value, true
			}
		}
		return lua.LNil, slices.Contains(c.paramNames(), name)
	},
	Names:  func(self any) []string { return self.(*Case).paramNames() },
	String: func(self any) string { return fmt.Sprintf("variant %s", self.(*Case).ID()) },
}
