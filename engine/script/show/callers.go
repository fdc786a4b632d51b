package show

import (
	"fmt"

	lua "github.com/yuin/gopher-lua"
)

// maxCallers is how many places are named that called what failed.
const maxCallers = 12

// Callers are "file:line" of the Lua code from a level of the stack on, the innermost
// first, each place once in a row.
func Callers(l *lua.LState, level int) (out []string) {
	for ; len(out) < maxCallers; level++ {
		d, ok := l.GetStack(level)
		if !ok {
			break
		}
		if _, err := l.GetInfo("Sl", d, lua.LNil); err != nil || d.CurrentLine <= 0 {
			continue
		}
		at := fmt.Sprintf("%s:%d", d.Source, d.CurrentLine)
		if len(out) == 0 || out[len(out)-1] != at {
			out = append(out, at)
		}
	}
	return out
}
