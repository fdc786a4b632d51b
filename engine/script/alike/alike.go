// Package alike compares values of scripts.
package alike

import (
	"slices"

	lua "github.com/yuin/gopher-lua"
)

// Same reports whether two values are one, or mean the same: tables by what they have.
func Same(a, b lua.LValue) bool {
	ta, isTable := a.(*lua.LTable)
	if tb, other := b.(*lua.LTable); isTable && other {
		return members(ta, tb, nil)
	}
	return a.Type() == b.Type() && (a == b || a.String() == b.String() && a.Type() != lua.LTUserData)
}

// members reports whether tables have the same members. What is compared already, further out, is taken
// to be alike: a table may be in itself.
func members(a, b *lua.LTable, within [][2]*lua.LTable) bool {
	if a == b || slices.Contains(within, [2]*lua.LTable{a, b}) {
		return true
	}
	within = append(within, [2]*lua.LTable{a, b})
	n, ok := 0, true
	a.ForEach(func(k, x lua.LValue) {
		n++
		y := b.RawGet(k)
		tx, isTable := x.(*lua.LTable)
		if ty, other := y.(*lua.LTable); ok && isTable && other {
			ok = members(tx, ty, within)
			return
		}
		ok = ok && Same(x, y)
	})
	b.ForEach(func(lua.LValue, lua.LValue) { n-- })
	return ok && n == 0
}
