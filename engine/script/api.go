//go:build linux

package script

import (
	"context"
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/script/args"
	"netrepro/engine/script/bind/expect"
	"netrepro/engine/script/bind/fault"
	"netrepro/engine/script/bind/firewall"
	"netrepro/engine/script/bind/kernel"
	"netrepro/engine/script/bind/path"
	"netrepro/engine/script/bind/process"
	"netrepro/engine/script/bind/socket"
	"netrepro/engine/script/bind/topology"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// API is everything a script can say. Bindings, checks, suggestions and
// documentation come from it.
type API struct {
	Globals []*vm.Method
	Tables  map[string][]*vm.Method
	Classes []*vm.Class
}

// Language returns the whole language.
func Language() API {
	return API{Globals: globals, Tables: tables, Classes: slices.Concat([]*vm.Class{netClass, params, session.Host, session.Router, session.Switch, session.Wire, session.Fault, taskClass},
		socket.Classes, expect.Classes, firewall.Classes, fault.Classes, topology.Classes, kernel.Classes, process.Classes, path.Classes)}
}

var globals = append([]*vm.Method{
	scenarioVerb,
	{Name: "step", Doc: "Opens a phase of the case, for the report.", Example: `step "handshake"`, Phase: vm.Running,
		Params: []vm.Param{{Name: "name", Kind: args.String, Doc: "what happens now"}},
		Fn: func(c *vm.Call) error {
			session.Of(c).Event(session.Event{Kind: session.EventStep, Text: c.Args["name"].(string), Where: c.Where()})
			return nil
		}},
	{Name: "sleep", Doc: "Lets time pass. Wait for an event wherever there is one.", Example: `sleep "300ms"`, Phase: vm.Running,
		Params: []vm.Param{{Name: "time", Kind: args.Duration, Doc: "how long"}}, Fn: sleep},
	expect.Subject("expect", "Says what is expected of a trace, a result or a value. A failure is recorded and the case goes on.", false),
	expect.Subject("must", "As expect, but a failure ends the case.", true),
	{Name: "task", Doc: "Runs a function beside the rest. An error in it ends the case, and the case ends when it has.", Example: `local t = task(function() conn:read_all() end)`,
		Returns: "Task", Phase: vm.Running, Params: []vm.Param{{Name: "body", Kind: args.Func, Doc: "what to run"}}, Options: []vm.Option{session.OptBackground},
		Fn: func(c *vm.Call) error {
			done := make(chan struct{})
			t := vm.Task{What: "task", File: c.File, Line: c.Line, Background: vm.ArgOr(c, "background", false)}
			c.VM.Spawn(t, c.Args["body"].(*lua.LFunction), func(error) { close(done) })
			c.Return(c.VM.New(taskClass, done))
			return nil
		}},
	{Name: "wait", Doc: "Waits for a task to end.", Example: `wait(t)`, Phase: vm.Running,
		Params: []vm.Param{{Name: "task", Kind: &vm.Kind{Name: "task", Type: "Task", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
			if t, ok := vm.As(x, taskClass); ok {
				return t, nil
			}
			return nil, args.Wrong(x, "a task", "give what task returned")
		}}, Doc: "what task returned"}}, Fn: func(c *vm.Call) error { return await(c, c.Args["task"].(chan struct{})) }},
	{Name: "hex", Doc: "Bytes from hexadecimal digits; spaces do not matter.", Example: `hex "16 03 01"`, Returns: "string",
		Params: []vm.Param{{Name: "digits", Kind: args.String, Doc: "two digits a byte"}},
		Fn: func(c *vm.Call) error {
			text := c.Args["digits"].(string)
			b, err := hex.DecodeString(strings.Join(strings.Fields(text), ""))
			if err != nil {
				return c.Fail(text, `write hex "16 03 01"`, "%q is not hexadecimal", text)
			}
			c.Return(lua.LString(b))
			return nil
		}},
}, topology.Verbs...)

var tables = map[string][]*vm.Method{"time": {
	{Name: "now", Doc: "Seconds since the case began.", Example: `time.now()`, Returns: "number", Phase: vm.Running,
		Fn: func(c *vm.Call) error {
			c.Return(lua.LNumber(time.Since(session.Of(c).Started).Seconds()))
			return nil
		}},
}}

func sleep(c *vm.Call) error {
	d := c.Args["time"].(time.Duration)
	c.VM.Block(func() {
		t := time.NewTimer(d)
		defer t.Stop()
		select {
		case <-t.C:
		case <-c.VM.Context().Done():
		}
	})
	return session.Over(c)
}

var taskClass = &vm.Class{Name: "Task", Doc: "A function that runs beside the rest.",
	Methods: []*vm.Method{{Name: "wait", Doc: "Waits for it to end.", Example: `t:wait()`, Phase: vm.Running, Fn: func(c *vm.Call) error { return await(c, c.Self.(chan struct{})) }}}}

func await(c *vm.Call, done chan struct{}) error {
	c.VM.Block(func() {
		select {
		case <-done:
		case <-c.VM.Context().Done():
		}
	})
	if err := session.Over(c); err != nil {
		return fmt.Errorf("wait: %w", context.Cause(c.VM.Context()))
	}
	return nil
}

func init() { // the classes are the rooms' below, their verbs those of several
	session.Host.Methods = slices.Concat(socket.Verbs, firewall.Verbs, kernel.Verbs, process.Verbs, path.Verbs, fault.NodeVerbs)
	session.Router.Methods = slices.Concat(socket.Verbs, firewall.Verbs, kernel.Verbs, process.Verbs, path.Verbs, fault.NodeVerbs)
	session.Host.Fields = slices.Concat(session.Host.Fields, kernel.Fields)
	session.Router.Fields = slices.Concat(session.Router.Fields, kernel.Fields)
	session.Switch.Methods = firewall.SwitchVerbs
	session.Wire.Methods = fault.Verbs
	session.Fault.Methods = fault.FaultVerbs
	session.Fault.Fields = append(session.Fault.Fields, fault.FaultFields...)
}
