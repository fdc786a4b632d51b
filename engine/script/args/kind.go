//go:build linux

// Package args has the kinds of plain arguments: strings, durations, sizes, lists.
package args

import (
	"fmt"
	"math"
	"strconv"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/expect"
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
	return &vm.BadValue{Msg: fmt.Sprintf("%s is not %s", vm.Show(x), what), Word: word, Hint: hint}
}

// maxDuration bounds every time a script writes: longer ones are slips.
const maxDuration = 24 * time.Hour

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
	String = &vm.Kind{Name: "string", Type: "string", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
		s, ok := x.(lua.LString)
		if !ok {
			return nil, Wrong(x, "a string", "put it in quotes")
		}
		return string(s), nil
	}}
	Bool = &vm.Kind{Name: "boolean", Type: "boolean", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
		b, ok := x.(lua.LBool)
		if !ok {
			return nil, Wrong(x, "true or false", "write true or false")
		}
		return bool(b), nil
	}}
	Any  = &vm.Kind{Name: "value", Type: "any", Parse: func(_ *vm.Call, x lua.LValue) (any, error) { return x, nil }}
	Func = &vm.Kind{Name: "function", Type: "function", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
		f, ok := x.(*lua.LFunction)
		if !ok {
			return nil, Wrong(x, "a function", "write function(x) … end")
		}
		return f, nil
	}}
	Table = &vm.Kind{Name: "table", Type: "table", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
		t, ok := x.(*lua.LTable)
		if !ok {
			return nil, Wrong(x, "a table", "write { … }")
		}
		return t, nil
	}}
	Number = &vm.Kind{Name: "number", Type: "number", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
		n, ok := x.(lua.LNumber)
		if !ok {
			return nil, Wrong(x, "a number", "")
		}
		return float64(n), nil
	}}
	Duration = &vm.Kind{Name: "duration", Type: "Duration", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
		if s, ok := x.(lua.LString); ok {
			if d, err := time.ParseDuration(string(s)); err == nil && d >= 0 && d <= maxDuration && !strings.ContainsAny(string(s), "hµ+-") {
				return d, nil
			}
		}
		return nil, Wrong(x, "a duration", `write it like "40ms" or "1.5s"`)
	}}
	Size = &vm.Kind{Name: "size", Type: "Size", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
		if n, ok := parseSize(x); ok {
			return n, nil
		}
		return nil, Wrong(x, "a size", `write it like 4096 or "4KB"`)
	}}
	// Percent is a share, from 0 to 1 once read.
	Percent = &vm.Kind{Name: "percentage", Type: "Percent", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
		if s, ok := x.(lua.LString); ok {
			if p, ok := percent(string(s)); ok {
				return p, nil
			}
		}
		return nil, Wrong(x, "a percentage", `write it like "1%"`)
	}}
	// Rate is in bits a second.
	Rate = &vm.Kind{Name: "rate", Type: "Rate", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
		if s, ok := x.(lua.LString); ok {
			if n, ok := rate(string(s)); ok {
				return n, nil
			}
		}
		return nil, Wrong(x, "a rate", `write it like "10Mbit", which is 10,000,000 bits a second`)
	}}
	Port    = Int("port", 1, 65535, "a port is 1 to 65535")
	Count   = &vm.Kind{Name: "count", Type: "integer|string", Parse: parseCount}
	Strings = &vm.Kind{Name: "list of strings", Type: "string[]", Parse: parseStrings}
)

// Int is an integer between lo and hi.
func Int(name string, lo, hi int, hint string) *vm.Kind {
	return &vm.Kind{Name: name, Type: "integer", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
		n, ok := x.(lua.LNumber)
		if !ok || float64(n) != math.Trunc(float64(n)) || float64(n) < float64(lo) || float64(n) > float64(hi) {
			return nil, Wrong(x, fmt.Sprintf("a whole number from %d to %d", lo, hi), hint)
		}
		return int(n), nil
	}}
}

// Enum is one of a few words.
func Enum(what string, words ...string) *vm.Kind {
	quoted := make([]string, len(words))
	for i, w := range words {
		quoted[i] = strconv.Quote(w)
	}
	return &vm.Kind{Name: what, Type: strings.Join(quoted, "|"), Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
		s, ok := x.(lua.LString)
		for _, w := range words {
			if ok && string(s) == w {
				return w, nil
			}
		}
		hint := diag.DidYouMean(string(s), words)
		if hint == "" {
			hint = "write one of: " + strings.Join(words, ", ")
		}
		return nil, Wrong(x, "a "+what, hint)
	}}
}

var sizeUnits = []struct {
	suffix string
	bytes  float64
}{{"KB", 1 << 10}, {"MB", 1 << 20}, {"GB", 1 << 30}, {"B", 1}}

func parseSize(x lua.LValue) (int, bool) {
	var n float64
	unit := 1.0
	switch x := x.(type) {
	case lua.LNumber:
		n = float64(x)
	case lua.LString:
		text := string(x)
		for _, u := range sizeUnits {
			if rest, ok := strings.CutSuffix(text, u.suffix); ok {
				text, unit = rest, u.bytes
				break
			}
		}
		var err error
		if n, err = strconv.ParseFloat(text, 64); err != nil {
			return 0, false
		}
	default:
		return 0, false
	}
	n *= unit
	if n != math.Trunc(n) || n < 0 || n > 1<<31 || math.IsNaN(n) {
		return 0, false
	}
	return int(n), true
}

func percent(s string) (float64, bool) {
	digits, ok := strings.CutSuffix(s, "%")
	p, err := strconv.ParseFloat(digits, 64)
	return p / 100, ok && err == nil && p >= 0 && p <= 100
}

var rateUnits = []struct {
	suffix string
	bits   float64
}{{"kbit", 1e3}, {"Mbit", 1e6}, {"Gbit", 1e9}, {"bit", 1}}

func rate(s string) (int64, bool) {
	for _, u := range rateUnits {
		if digits, ok := strings.CutSuffix(s, u.suffix); ok {
			n, err := strconv.ParseFloat(digits, 64)
			n *= u.bits
			return int64(n), err == nil && n >= 1 && n <= 1e12
		}
	}
	return 0, false
}

func parseCount(_ *vm.Call, x lua.LValue) (any, error) {
	switch x.(type) {
	case lua.LNumber, lua.LString:
		if c, err := expect.ParseCount(x.String()); err == nil {
			return c, nil
		}
	}
	return nil, Wrong(x, "a count", `write 3 or ">= 3"`)
}

func parseStrings(_ *vm.Call, x lua.LValue) (any, error) {
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

// Opt is an option without a default.
func Opt(name string, k *vm.Kind, doc string) vm.Option {
	return vm.Option{Name: name, Kind: k, Doc: doc}
}

// OptDef is an option with a default.
func OptDef(name string, k *vm.Kind, def, doc string) vm.Option {
	return vm.Option{Name: name, Kind: k, Default: def, Doc: doc}
}

// Need is an option that must be given.
func Need(name string, k *vm.Kind, doc string) vm.Option {
	return vm.Option{Name: name, Kind: k, Required: true, Doc: doc}
}
