//go:build linux

// Package args has the kinds of plain arguments: strings, durations, sizes, lists.
package args

import (
	"fmt"
	"math"
	"strconv"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/match/value"
	"netrepro/engine/script/diag"
	"netrepro/engine/script/vm"
)

// Wrong is the error of a value that is not what it should be.
func Wrong(x lua.LValue, what, hint string) error {
	word := ""
	if s, ok := x.(lua.LString); ok {
		word = string(s)
	} else if _, ok := x.(lua.LNumber); ok {
		word = x.String()
	}
	if strings.Contains(what, "number") || strings.Contains(what, "length") || what == "a count" {
		if d, ok := value.ParseDuration(word); ok {
			hint = fmt.Sprintf("times are numbers of seconds here: write %g", d.Seconds())
		}
		if _, err := strconv.ParseFloat(word, 64); err == nil && x.Type() == lua.LTString {
			hint = fmt.Sprintf("write %s without quotes", word)
		}
	}
	return &vm.BadValue{Msg: fmt.Sprintf("%s is not %s", vm.Show(x), what), Word: word, Hint: hint}
}

// List returns the elements of a list, refusing keys that are not its own.
func List(t *lua.LTable, hint string) ([]lua.LValue, error) {
	out := make([]lua.LValue, t.Len())
	for i := range out {
		out[i] = t.RawGetInt(i + 1)
	}
	for k, _ := t.Next(lua.LNil); k != lua.LNil; k, _ = t.Next(k) {
		if n, ok := k.(lua.LNumber); !ok || n < 1 || int(n) > len(out) {
			return nil, &vm.BadValue{Msg: fmt.Sprintf("a list has no key %s", vm.Show(k)), Word: k.String(), Hint: hint}
		}
	}
	return out, nil
}

// Kinds of plain arguments.
var (
	String = vm.NewKind("string", "string", func(_ *vm.Call, x lua.LValue) (string, error) {
		s, ok := x.(lua.LString)
		if !ok {
			return "", Wrong(x, "a string", "put it in quotes")
		}
		return string(s), nil
	})
	Bool = vm.NewKind("boolean", "boolean", func(_ *vm.Call, x lua.LValue) (bool, error) {
		b, ok := x.(lua.LBool)
		if !ok {
			return false, Wrong(x, "true or false", "write true or false")
		}
		return bool(b), nil
	})
	Any  = vm.NewKind("value", "any", func(_ *vm.Call, x lua.LValue) (lua.LValue, error) { return x, nil })
	Func = vm.NewKind("function", "function", func(_ *vm.Call, x lua.LValue) (*lua.LFunction, error) {
		f, ok := x.(*lua.LFunction)
		if !ok {
			return nil, Wrong(x, "a function", "write function(x) … end")
		}
		return f, nil
	})
	Table = vm.NewKind("table", "table", func(_ *vm.Call, x lua.LValue) (*lua.LTable, error) {
		t, ok := x.(*lua.LTable)
		if !ok {
			return nil, Wrong(x, "a table", "write { … }")
		}
		return t, nil
	})
	Number = vm.NewKind("number", "number", func(_ *vm.Call, x lua.LValue) (float64, error) {
		n, ok := x.(lua.LNumber)
		if !ok {
			return 0, Wrong(x, "a number", "")
		}
		return float64(n), nil
	})
	Port    = Int("port", 1, 65535, "a port is 1 to 65535")
	Backlog = Int("backlog", 1, 65535, "a whole number")
	Strings = vm.NewKind("list of strings", "string[]", parseStrings)
	// IPVersion is 4 or 6.
	IPVersion = Int("IP version", 4, 6, "write 4 or 6")
)

// Int is an integer between lo and hi.
func Int(name string, lo, hi int, hint string) vm.KindOf[int] {
	return vm.NewKind(name, "integer", func(_ *vm.Call, x lua.LValue) (int, error) {
		n, ok := x.(lua.LNumber)
		f := float64(n)
		if !ok || f != math.Trunc(f) || f < float64(lo) || f > float64(hi) {
			return 0, Wrong(x, fmt.Sprintf("a whole number from %d to %d", lo, hi), hint)
		}
		return int(n), nil
	})
}

// Enum is one of a few words.
func Enum(what string, words ...string) vm.KindOf[string] { return EnumOf(what, words) }

// EnumOf is one of a few words that have a Go type of their own.
func EnumOf[T ~string](what string, words []T) vm.KindOf[T] {
	quoted, plain := make([]string, len(words)), make([]string, len(words))
	for i, w := range words {
		plain[i], quoted[i] = string(w), strconv.Quote(string(w))
	}
	return vm.NewKind(what, strings.Join(quoted, "|"), func(_ *vm.Call, x lua.LValue) (T, error) {
		s, ok := x.(lua.LString)
		for _, w := range words {
			if ok && string(s) == string(w) {
				return w, nil
			}
		}
		hint := diag.DidYouMean(string(s), plain)
		if hint == "" {
			hint = "write one of: " + strings.Join(plain, ", ")
		}
		return "", Wrong(x, article(what)+what, hint)
	})
}

// TableOf is a table of options that a struct holds.
func TableOf[T any](what, typ, hint string, form *vm.Table[T]) vm.KindOf[T] {
	return vm.NewKind(what, typ, func(c *vm.Call, x lua.LValue) (T, error) {
		t, ok := x.(*lua.LTable)
		if !ok {
			var none T
			return none, Wrong(x, article(what)+what, hint)
		}
		return form.Read(c, t), nil
	}).Of(form.Form())
}

// article is "a " or "an ", as the first letter of what wants.
func article(what string) string {
	if strings.ContainsAny(what[:1], "aeiouIM") { // an ICMP message, an MD5 key
		return "an "
	}
	return "a "
}

func parseStrings(_ *vm.Call, x lua.LValue) ([]string, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, Wrong(x, "a list of strings", `write { "a", "b" }`)
	}
	items, err := List(t, `write { "a", "b" }`)
	if err != nil {
		return nil, err
	}
	out := []string{}
	for _, x := range items {
		s, ok := x.(lua.LString)
		if !ok {
			return nil, Wrong(x, "a string", `write { "a", "b" }`)
		}
		out = append(out, string(s))
	}
	return out, nil
}
