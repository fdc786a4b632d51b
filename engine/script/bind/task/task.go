//go:build linux

// Package task has the verbs of a script's own course: tasks, time, and the phases
// of a case.
package task

import (
	"context"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// Room is what this room adds to the language.
func Room() vm.Room {
	return vm.Room{
		Globals: []*vm.Method{stepVerb, pauseVerb, sleepVerb, taskVerb, waitVerb, hexVerb},
		Tables:  map[string][]*vm.Method{"time": {nowVerb}},
		Classes: []*vm.Class{taskClass},
	}
}

var stepVerb = vm.Verb(vm.Method{Name: "step", Doc: "Opens a phase of the case, for the report.",
	Example: `step "handshake"`, Phase: vm.Running},
	func(name *string) []vm.Argument {
		return []vm.Argument{args.String.Param(name, "name", "what happens now")}
	},
	func(c *vm.Call, name *string) error {
		r := session.Of(c)
		r.Event(session.Event{Kind: session.EventStep, Text: *name, Where: c.Where()})
		r.Stand(c, session.StopStep, *name)
		return session.Over(c)
	})

var pauseVerb = vm.Verb(vm.Method{Name: "pause", Doc: "Stands still for somebody who looks into the case: with " +
	"netrepro shell, or run --step. Otherwise it says that nobody does, and goes on.",
	Example: `pause "the connection is half open"`, Phase: vm.Running},
	func(why *string) []vm.Argument {
		return []vm.Argument{args.String.OptParam(why, "why", "what there is to see")}
	},
	func(c *vm.Call, why *string) error {
		r := session.Of(c)
		if !r.Stand(c, session.StopPause, *why) {
			r.Event(session.Event{Kind: session.EventLog, Where: c.Where(),
				Text: "pause: nobody looks: run it with netrepro shell, or with --step"})
		}
		return session.Over(c)
	})

var sleepVerb = vm.Verb(vm.Method{Name: "sleep", Doc: "Lets time pass. Wait for an event wherever there is one.",
	Example: `sleep "300ms"`, Phase: vm.Running},
	func(d *time.Duration) []vm.Argument { return []vm.Argument{args.Duration.Param(d, "time", "how long")} },
	func(c *vm.Call, d *time.Duration) error {
		c.VM.Block(func() {
			t := time.NewTimer(*d)
			defer t.Stop()
			select {
			case <-t.C:
			case <-c.VM.Context().Done():
			}
		})
		return session.Over(c)
	})

// body are the arguments of task.
type body struct {
	fn         *lua.LFunction
	background bool
}

var taskVerb = vm.Verb(vm.Method{Name: "task", Doc: "Runs a function beside the rest. An error in it ends the case, " +
	"and the case ends when it has.",
	Example: `local t = task(function() conn:read_all() end)`, Returns: "Task", Phase: vm.Running},
	func(a *body) []vm.Argument {
		return []vm.Argument{args.Func.Param(&a.fn, "body", "what to run"), session.Background(&a.background)}
	},
	func(c *vm.Call, a *body) error {
		done := make(chan struct{})
		t := vm.Task{What: "task", File: c.File, Line: c.Line, Background: a.background}
		c.VM.Spawn(t, a.fn, func(error) { close(done) })
		c.Return(c.VM.New(taskClass, done))
		return nil
	})

var kTask = vm.NewKind("task", "Task", func(_ *vm.Call, x lua.LValue) (chan struct{}, error) {
	if t, ok := vm.As(x, taskClass); ok {
		return t.(chan struct{}), nil
	}
	hint := "give what task returned"
	if s, ok := x.(lua.LString); ok {
		hint = fmt.Sprintf("give what task returned; to let time pass write sleep %q", string(s))
	}
	return nil, args.Wrong(x, "a task", hint)
})

var waitVerb = vm.Verb(vm.Method{Name: "wait", Doc: "Waits for a task to end.", Example: `wait(t)`, Phase: vm.Running},
	func(t *chan struct{}) []vm.Argument {
		return []vm.Argument{kTask.Param(t, "task", "what task returned")}
	},
	func(c *vm.Call, t *chan struct{}) error { return await(c, *t) })

var taskClass = &vm.Class{Name: "Task", Doc: "A function that runs beside the rest.",
	Methods: []*vm.Method{{Name: "wait", Doc: "Waits for it to end.", Example: `t:wait()`, Phase: vm.Running,
		Fn: func(c *vm.Call) error { return await(c, c.Self.(chan struct{})) }}}}

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

var hexVerb = vm.Verb(vm.Method{Name: "hex", Doc: "Bytes from hexadecimal digits; spaces do not matter.",
	Example: `hex "16 03 01"`, Returns: "string"},
	func(text *string) []vm.Argument {
		return []vm.Argument{args.String.Param(text, "digits", "two digits a byte")}
	},
	func(c *vm.Call, text *string) error {
		b, err := hex.DecodeString(strings.Join(strings.Fields(*text), ""))
		if err != nil {
			return c.Fail(*text, `write hex "16 03 01"`, "%q is not hexadecimal", *text)
		}
		c.Return(lua.LString(b))
		return nil
	})

var nowVerb = &vm.Method{Name: "now", Doc: "Seconds since the case began.", Example: `time.now()`, Returns: "number",
	Phase: vm.Running,
	Fn: func(c *vm.Call) error {
		c.Return(lua.LNumber(time.Since(session.Of(c).Started).Seconds()))
		return nil
	}}
