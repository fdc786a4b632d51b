//go:build linux

package play

import (
	"errors"
	"fmt"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/script/vm"
)

// plain is a table of numbers, texts and truth values that a script returned, for those
// who are elsewhere.
func plain(x lua.LValue) (map[string]any, error) {
	if x == lua.LNil {
		return map[string]any{}, nil
	}
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, fmt.Errorf("run returned %s: what is compared is a table of values by name", vm.Show(x))
	}
	out := map[string]any{}
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		name, ok := k.(lua.LString)
		if !ok {
			return nil, errors.New("run returned a list: what is compared is a table of values by name")
		}
		switch v := v.(type) {
		case lua.LNumber:
			out[string(name)] = float64(v)
		case lua.LString:
			out[string(name)] = string(v)
		case lua.LBool:
			out[string(name)] = bool(v)
		default:
			return nil, fmt.Errorf("run returned %s = %s: only numbers, strings, true and false can be compared", name,
				vm.Show(v))
		}
	}
	return out, nil
}
