//go:build linux

package endpoint

import (
	"fmt"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/script/args"
	"netrepro/engine/script/vm"
)

// KHeaders are header fields of HTTP: names and texts of one line.
var KHeaders = vm.NewKind("table of texts", "table<string,string>",
	func(_ *vm.Call, x lua.LValue) ([][2]string, error) {
		t, ok := x.(*lua.LTable)
		if !ok {
			return nil, args.Wrong(x, "a table of texts", `write { name = "value" }`)
		}
		var out [][2]string
		for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
			name, ok := k.(lua.LString)
			if !ok || strings.ContainsAny(string(name)+v.String(), "\r\n") {
				return nil, args.Wrong(k, "a name with a text of one line", `write { name = "value" }`)
			}
			out = append(out, [2]string{string(name), v.String()})
		}
		return out, nil
	})

// Filler is so many bytes that say where they are.
func Filler(n int) []byte {
	b := make([]byte, 0, n+16)
	for len(b) < n {
		b = fmt.Appendf(b, "%015d\n", len(b))
	}
	return b[:n]
}
