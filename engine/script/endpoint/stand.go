//go:build linux

package endpoint

import (
	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
	"netrepro/engine/trace"
)

// stood makes a field of a connection that the packets of both its sides tell.
func stood(name, doc string, get func(mine, other trace.Stand) uint32) *vm.Field {
	return &vm.Field{Name: name, Type: "integer?", Doc: doc, Get: func(v *vm.VM, x any) (lua.LValue, error) {
		c := x.(*Connection)
		run := session.OfVM(v)
		mine, other, ok := run.Lab.Trace.Stands(&trace.Ends{A: c.Local(), B: c.Remote()}, c.Local(), nil)
		if !ok || other.Last == nil {
			return lua.LNil, nil
		}
		return lua.LNumber(get(mine, other)), nil
	}}
}

// stands are where a connection stands, as far as the trace has seen: numbers
// are relative, the names those of RFC 9293, section 3.3.1.
var stands = []*vm.Field{
	stood("snd_next", "Relative number of the next byte this side will send, as the trace has seen it; "+
		"nil before the other side has sent.",
		func(mine, _ trace.Stand) uint32 { return mine.Relative(mine.Next) }),
	stood("snd_una", "Relative number of the first byte it sent that is not acknowledged.",
		func(mine, other trace.Stand) uint32 { return mine.Relative(other.Acked) }),
	stood("rcv_next", "Relative number of the next byte it expects, as it has acknowledged.",
		func(mine, other trace.Stand) uint32 { return other.Relative(mine.Acked) }),
	stood("snd_wnd", "Bytes the other side takes beyond snd_una.",
		func(_, other trace.Stand) uint32 { return other.Window }),
	stood("rcv_wnd", "Bytes it takes beyond rcv_next.", func(mine, _ trace.Stand) uint32 { return mine.Window }),
}
