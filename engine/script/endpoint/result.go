//go:build linux

package endpoint

import (
	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/socket"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// ResultFields are those of whatever ends well or not.
var ResultFields = []*vm.Field{
	{Name: "error", Type: "string?", Doc: `What failed and how, as in "handshake timeout"; nil if nothing did.`,
		Get: func(_ *vm.VM, x any) (lua.LValue, error) {
			if r := resultOf(x); !r.OK() {
				return lua.LString(r.Err), nil
			}
			return lua.LNil, nil
		}},
	{Name: "time", Type: "number", Doc: "How long it took, in seconds.",
		Get: func(_ *vm.VM, x any) (lua.LValue, error) { return lua.LNumber(resultOf(x).Took.Seconds()), nil }},
}

func resultOf(x any) socket.Result {
	r, _ := session.ResultOf(x)
	return r
}

// Describe puts how x ended into words.
func Describe(x any) string { return session.Describe(resultOf(x)) }

// Result is the class of how something ended.
var Result = &vm.Class{Name: "Result", Doc: "How something ended.", Fields: ResultFields, String: Describe}

// Room is what connections and results are before rooms of verbs add to them.
func Room() vm.Room { return vm.Room{Classes: []*vm.Class{Conn, address, Result}} }
