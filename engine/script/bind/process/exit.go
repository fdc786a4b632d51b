//go:build linux

package process

import (
	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/process"
	"netrepro/engine/script/vm"
)

// exit is how a program ended, as scripts see it.
type exit struct {
	process.Exit
	p       *proc
	timeout bool
}

var exitClass = &vm.Class{Name: "Exit", Doc: "How a program ended, and what it wrote.",
	Fields: []*vm.Field{
		vm.NumberOf("code", "integer", "Exit code; -1 if a signal ended it.", func(e *exit) int { return e.Code }),
		vm.FieldOf("signal", "string?", "The signal that ended it.", func(e *exit) lua.LValue {
			if e.Signal == "" {
				return lua.LNil
			}
			return lua.LString(e.Signal)
		}),
		vm.FieldOf("timeout", "boolean", "It did not end in time and was ended.",
			func(e *exit) lua.LValue { return lua.LBool(e.timeout) }),
		vm.FieldOf("output", "string", "What it wrote to its standard output; its first megabyte.",
			func(e *exit) lua.LValue { return lua.LString(e.p.Output()) }),
		vm.FieldOf("errors", "string", "What it wrote to its standard error; its first megabyte.",
			func(e *exit) lua.LValue { return lua.LString(e.p.Errors()) }),
		vm.FieldOf("dropped", "integer", "Bytes of both that were not kept.",
			func(e *exit) lua.LValue { return lua.LNumber(e.p.Dropped()) }),
		vm.FieldOf("dir", "string", "Its directory.", func(e *exit) lua.LValue { return lua.LString(e.p.Dir) }),
		vm.FieldOf("time", "number", "How long it ran, in seconds.",
			func(e *exit) lua.LValue { return lua.LNumber(e.Took.Seconds()) }),
	},
	String: func(x any) string {
		e := x.(*exit)
		if e.timeout {
			return e.p.Name + " did not end in time"
		}
		return e.p.Name + ": " + e.String()
	}}
