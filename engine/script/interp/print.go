package interp

import (
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// What print shows of a table: tables in it down to a depth, and so many elements.
const maxDepth, maxFields = 4, 50

// fields writes a table as a script would, its list first and then its names in order.
func fields(t *lua.LTable, depth int) string {
	if depth == maxDepth {
		return "{ … }"
	}
	show := func(x lua.LValue) string {
		if inner, ok := x.(*lua.LTable); ok {
			return fields(inner, depth+1)
		}
		return Show(x)
	}
	var list, named []string
	n := 0
	t.ForEach(func(k, x lua.LValue) {
		if n++; n > maxFields {
			return
		}
		switch k := k.(type) {
		case lua.LNumber:
			if i := int(k); lua.LNumber(i) == k && i >= 1 && i <= t.Len() {
				list = append(list, show(x))
				return
			}
			named = append(named, "["+k.String()+"] = "+show(x))
		case lua.LString:
			named = append(named, string(k)+" = "+show(x))
		default:
			named = append(named, "["+Show(k)+"] = "+show(x))
		}
	})
	slices.Sort(named)
	all := append(list, named...)
	if n > maxFields {
		all = append(all, "…")
	}
	if len(all) == 0 {
		return "{}"
	}
	return "{ " + strings.Join(all, ", ") + " }"
}
