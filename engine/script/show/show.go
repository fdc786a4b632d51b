// Package show writes Lua values for messages, as a script would write them.
//
// Invariant: what is written is bounded, however much a value holds.
package show

import (
	"fmt"
	"slices"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"
)

// Shown is an object that is shown in messages in words of its own.
type Shown interface{ Show() string }

// Value writes a Lua value as a script would.
func Value(x lua.LValue) string {
	switch x := x.(type) {
	case lua.LString:
		return fmt.Sprintf("%q", string(x))
	case *lua.LTable:
		return "a table"
	case *lua.LFunction:
		return "a function"
	case *lua.LUserData:
		if o, ok := x.Value.(Shown); ok {
			return o.Show()
		}
	}
	return x.String()
}

// Contents writes a table that was thrown, without what is in tables in it.
func Contents(t *lua.LTable) string {
	var fields []string
	t.ForEach(func(k, x lua.LValue) {
		if _, named := k.(lua.LString); named {
			fields = append(fields, k.String()+" = "+Value(x))
		} else {
			fields = append(fields, Value(x))
		}
	})
	if len(fields) == 0 {
		return "{}"
	}
	slices.Sort(fields)
	return "{ " + strings.Join(fields, ", ") + " }"
}

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
		return Value(x)
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
			named = append(named, "["+Value(k)+"] = "+show(x))
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

// Fields writes a table with what is in it.
func Fields(t *lua.LTable) string { return fields(t, 0) }

// Plain is the plain value that is shown so; quotes may be left out of texts.
func Plain(text string) lua.LValue {
	if s, err := strconv.Unquote(text); err == nil {
		return lua.LString(s)
	}
	if n, err := strconv.ParseFloat(text, 64); err == nil {
		return lua.LNumber(n)
	}
	switch text {
	case "true":
		return lua.LTrue
	case "false":
		return lua.LFalse
	}
	return lua.LString(text)
}
