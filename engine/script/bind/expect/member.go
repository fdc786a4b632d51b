//go:build linux

package expect

import (
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/script/diag"
	"netrepro/engine/script/vm"
)

// maxShown is how much of a value a message shows.
const maxShown = 60

func shown(x lua.LValue) string {
	s := vm.Show(x)
	if u, ok := x.(*lua.LUserData); ok {
		if o, ok := u.Value.(*vm.Object); ok && o.Class.String != nil {
			s = o.Class.String(o.Value)
		}
	}
	if len(s) > maxShown {
		s = fmt.Sprintf("%s… (%d bytes)", strings.ToValidUTF8(s[:maxShown], ""), len(x.String()))
	}
	return s
}

// member reads a member of a table or of an object of ours.
func member(c *vm.Call, x, key lua.LValue) (lua.LValue, error) {
	switch x := x.(type) {
	case *lua.LTable:
		return x.RawGet(key), nil
	case *lua.LUserData:
		o, ok := x.Value.(*vm.Object)
		if !ok {
			break
		}
		var names []string
		for _, f := range c.VM.Language().Whole(o.Class).Fields {
			if names = append(names, f.Name); f.Name == key.String() {
				return f.Get(c.VM, o.Value)
			}
		}
		hint := diag.DidYouMean(key.String(), names)
		if hint == "" {
			hint = "it has: " + strings.Join(names, ", ")
		}
		return nil, c.Fail(key.String(), hint, "a %s has no %q", o.Class.Name, key.String())
	}
	return lua.LNil, nil
}
