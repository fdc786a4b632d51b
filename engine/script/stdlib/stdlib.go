// Package stdlib has the functions of Lua's library that scripts get in place of the
// interpreter's: those that a slip could take the machine's memory with, and those that
// the interpreter has otherwise than Lua.
//
// Invariant: none of them reaches out of the interpreter.
package stdlib

import (
	"fmt"
	"strings"

	"netrepro/engine/pattern"

	lua "github.com/yuin/gopher-lua"
)

// maxString bounds what a script can make in one go.
const maxString = 256 << 20

// Rep is string.rep with a bound: a slip must not take the machine's memory.
func Rep(l *lua.LState) int {
	s, n := l.CheckString(1), float64(l.CheckNumber(2))
	if n*float64(len(s)) > maxString {
		l.RaiseError("string.rep: more than %d MB", maxString>>20)
	}
	l.Push(lua.LString(strings.Repeat(s, max(int(n), 0))))
	return 1
}

// Bound has table.concat make no more than a string may be.
func Bound(l *lua.LState, t *lua.LTable) {
	concat, ok := t.RawGetString("concat").(*lua.LFunction)
	if !ok {
		return
	}
	t.RawSetString("concat", l.NewFunction(func(l *lua.LState) int {
		list := l.CheckTable(1)
		n := 0
		for i := 1; i <= list.Len() && n <= maxString; i++ {
			if s, ok := list.RawGetInt(i).(lua.LString); ok {
				n += len(s) + len(l.OptString(2, ""))
			}
		}
		if n > maxString {
			l.RaiseError("table.concat: more than %d MB", maxString>>20)
		}
		return concat.GFunction(l)
	}))
}

var verb = pattern.New(`%[-+ #0]*\d*(?:\.\d+)?[a-zA-Z%]`)

// Format is string.format as Lua has it: every verb needs its argument, and
// "%s" prints objects as tostring does.
func Format(l *lua.LState) int {
	n := 1
	out := verb.ReplaceAllStringFunc(l.CheckString(1), func(f string) string {
		c := f[len(f)-1]
		if c == '%' {
			return "%"
		}
		n++
		if n > l.GetTop() {
			l.RaiseError("string.format: %s has no argument", f)
		}
		switch c {
		case 'd', 'i':
			return fmt.Sprintf(f[:len(f)-1]+"d", int64(l.CheckNumber(n)))
		case 'c':
			return string([]byte{byte(int64(l.CheckNumber(n)))})
		case 'o', 'u', 'x', 'X':
			return fmt.Sprintf(strings.Replace(f, "u", "d", 1), int64(l.CheckNumber(n)))
		case 'e', 'E', 'f', 'g', 'G':
			return fmt.Sprintf(f, float64(l.CheckNumber(n)))
		case 'q':
			return fmt.Sprintf("%q", l.CheckString(n))
		case 's':
			return fmt.Sprintf(f, l.ToStringMeta(l.Get(n)).String())
		}
		l.RaiseError("string.format: %s is not a format Lua has", f)
		return ""
	})
	l.Push(lua.LString(out))
	return 1
}
