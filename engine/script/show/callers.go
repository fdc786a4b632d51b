package show

import (
	"fmt"
	"sort"

	lua "github.com/yuin/gopher-lua"
)

// maxCallers is how many places are named that called what failed.
const maxCallers = 12

// maxLevels is how many levels of the stack are looked at: every tail call is one, and a
// loop of them makes millions.
const maxLevels = 1 << 12

// Callers are "file:line" of the Lua code from a level of the stack on, the innermost
// first, each place once in a row. A tail call leaves no place.
func Callers(l *lua.LState, level int) (out []string) {
	bottom, last := bottomOf(l)
	for most := level + maxLevels; level < most && len(out) < maxCallers; level++ {
		d, ok := l.GetStack(level)
		if !ok {
			break
		}
		f, err := l.GetInfo("fSl", d, lua.LNil)
		// The interpreter shows the bottom of the stack for a function that a tail call has left.
		if err != nil || d.CurrentLine <= 0 || f == bottom && level != last {
			continue
		}
		at := fmt.Sprintf("%s:%d", d.Source, d.CurrentLine)
		if len(out) == 0 || out[len(out)-1] != at {
			out = append(out, at)
		}
	}
	return out
}

// bottomOf is the function at the bottom of the stack, and its level.
func bottomOf(l *lua.LState) (lua.LValue, int) {
	there := func(level int) bool {
		_, ok := l.GetStack(level)
		return ok
	}
	if !there(0) {
		return lua.LNil, -1
	}
	beyond := 1
	for there(beyond) {
		beyond *= 2
	}
	last := sort.Search(beyond, func(level int) bool { return !there(level) }) - 1
	d, _ := l.GetStack(last)
	f, err := l.GetInfo("f", d, lua.LNil)
	if err != nil {
		return lua.LNil, -1
	}
	return f, last
}
