//go:build linux

// Package prompt evaluates what people type while a case stands still.
//
// It reads no terminal; whoever asks it does. Invariant: what is typed changes nothing of
// the script's own names, and an error in it ends nothing.
package prompt

import (
	"errors"
	"fmt"
	"sort"
	"strings"

	lua "github.com/yuin/gopher-lua"
	"github.com/yuin/gopher-lua/parse"

	"netrepro/engine/script/vm"
)

// Prompt is where texts are evaluated, one after the other.
type Prompt struct {
	vm  *vm.VM
	env *lua.LTable // what was assigned; what else there is, is the script's
}

// chunk is what an error names as its place.
const chunk = "prompt"

// New makes a prompt that knows names, besides all that scripts do. The lock of the
// interpreter must be held.
func New(v *vm.VM, names map[string]lua.LValue) *Prompt {
	p := &Prompt{vm: v, env: v.L.NewTable()}
	meta := v.L.NewTable()
	meta.RawSetString("__index", v.L.NewFunction(func(l *lua.LState) int { // past the check for unknown names
		l.Push(l.G.Global.RawGet(l.Get(2)))
		return 1
	}))
	p.env.Metatable = meta
	for name, x := range names {
		p.env.RawSetString(name, x)
	}
	return p
}

// Eval evaluates an expression or runs statements on l, and returns what came of it, a
// line for each value. The lock must be held.
func (p *Prompt) Eval(l *lua.LState, text string) (string, error) {
	fn, err := p.compile(l, "return "+text)
	if err != nil {
		if fn, err = p.compile(l, text); err != nil {
			return "", err
		}
	}
	top := l.GetTop()
	defer l.SetTop(top)
	if err := p.vm.Protected(l, fn, lua.MultRet); err != nil {
		return "", plain(l, err)
	}
	var out []string
	for i := top + 1; i <= l.GetTop(); i++ {
		out = append(out, show(l, l.Get(i), 0))
	}
	return strings.Join(out, "\n"), nil
}

func (p *Prompt) compile(l *lua.LState, text string) (*lua.LFunction, error) {
	stmts, err := parse.Parse(strings.NewReader(text), chunk)
	if err != nil {
		return nil, fmt.Errorf("read what was typed: %s", strings.TrimSpace(strings.ReplaceAll(err.Error(), "\n", " ")))
	}
	proto, err := lua.Compile(stmts, chunk)
	if err != nil {
		return nil, fmt.Errorf("read what was typed: %w", err)
	}
	fn := l.NewFunctionFromProto(proto)
	fn.Env = p.env
	return fn, nil
}

// plain is the error itself, without where the interpreter was.
func plain(l *lua.LState, err error) error {
	var api *lua.ApiError
	if errors.As(err, &api) && api.Object != nil {
		return errors.New(l.ToStringMeta(api.Object).String())
	}
	return err
}

// deepest is how far tables in tables are shown, most how many elements of one.
const deepest, most = 3, 40

// show writes a value as a script would, as far as it can.
func show(l *lua.LState, x lua.LValue, depth int) string {
	t, ok := x.(*lua.LTable)
	switch s := x.(type) {
	case lua.LString:
		return fmt.Sprintf("%q", string(s))
	}
	if !ok || t.Metatable != lua.LNil && l.GetMetaField(t, "__tostring") != lua.LNil {
		return l.ToStringMeta(x).String()
	}
	if depth == deepest {
		return "{…}"
	}
	var list, named []string
	n := t.Len()
	for i := 1; i <= min(n, most); i++ {
		list = append(list, show(l, t.RawGetInt(i), depth+1))
	}
	t.ForEach(func(k, v lua.LValue) {
		if i, ok := k.(lua.LNumber); ok && float64(i) >= 1 && float64(i) <= float64(n) {
			return
		}
		named = append(named, l.ToStringMeta(k).String()+" = "+show(l, v, depth+1))
	})
	sort.Strings(named) // their order is chance
	all := append(list, named[:min(len(named), most)]...)
	if more := n + len(named) - len(all); more > 0 {
		all = append(all, fmt.Sprintf("… and %d more", more))
	}
	return "{ " + strings.Join(all, ", ") + " }"
}
