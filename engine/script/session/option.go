//go:build linux

package session

import (
	"context"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/socket"
	"netrepro/engine/script/args"
	"netrepro/engine/script/vm"
)

// Timeout is the option of every verb that waits: ten seconds unless said.
func Timeout(to *time.Duration) vm.Option {
	return args.Duration.Def(to, "timeout", "10s", "how long to wait")
}

// Background is the option of what starts tasks.
func Background(to *bool) vm.Option {
	return args.Bool.Def(to, "background", "false", "the case does not wait for it to end; what it expects "+
		"after the case has ended is not judged")
}

// Named is the option of what has a name in the trace. It is nil where the script
// does not say.
func Named(to **string) vm.Option {
	return args.String.Maybe(to, "name", "shown in the trace and in messages")
}

// Optional is the option of every fault that fails the case if it never fires. It
// is nil where the script does not say.
func Optional(to **bool) vm.Option {
	return args.Bool.Maybe(to, "optional", "the fault may hit nothing; without this, a fault that hits "+
		"nothing fails the case").
		Shown("false")
}

// Deadline is the context of a verb that waits so long at most.
func Deadline(c *vm.Call, timeout time.Duration) (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.VM.Context(), timeout)
}

// ReturnErr returns nil and the error's name.
func ReturnErr(c *vm.Call, err error) { c.Return(lua.LNil, lua.LString(socket.ErrName(err))) }

// Over reports whether the whole case is over; then a verb must not go on as
// if only it had failed.
func Over(c *vm.Call) error { return context.Cause(c.VM.Context()) }
