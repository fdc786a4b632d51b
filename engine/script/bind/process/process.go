//go:build linux

// Package process has the verbs that run real programs on hosts.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
	"golang.org/x/sys/unix"

	"netrepro/engine/host/process"
	"netrepro/engine/lab/stall"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// Room is what this room adds to the language.
func Room() vm.Room {
	return vm.Room{
		Classes: []*vm.Class{processClass, exitClass},
		Members: session.OnNodes([]*vm.Method{runVerb, startVerb}),
	}
}

// proc is a program as scripts see it.
type proc struct {
	*process.Process
	node *session.Node
}

// Close ends it with its node.
func (p *proc) Close() error {
	p.node.Endpoints.Forget(p)
	return p.Process.Close()
}

// late says why a program that was not done within a time, though before it had so much of the
// processors, was late because others had them; it is empty if it was not. What is short and many,
// as what a shell starts, is gone with what it had: that it still wants one must do.
func (p *proc) late(before stall.Usage, within time.Duration) string {
	had := p.Usage().Since(before)
	if !had.Starved(within) && (had.Ran > within/2 || !p.Wants()) {
		return ""
	}
	return fmt.Sprintf("%s was not done within %s, for others had the processors", p.Name, within)
}

// Lacks says why a program that runs may not have answered in time: for a part of its life others had
// the processors that it needed. Empty if it had them, or if those were its own case.
func (p *proc) Lacks() string {
	if p.Unserved() {
		return p.Name + " waits for a processor, and others have them"
	}
	return lacks(p.Name, p.Usage(), stall.UsedBelow(os.DirFS("/proc"), os.Getpid()), p.Age())
}

func lacks(name string, had, all stall.Usage, age time.Duration) string {
	if !had.Starved(age) || all.Ran > age/2 {
		return ""
	}
	return fmt.Sprintf("%s waited %s of its %s for a processor, for others had them", name,
		had.Waited.Round(time.Millisecond), age.Round(time.Millisecond))
}

// gone ends the program with all that it started, and adds to why it was late if that took long: what
// is killed needs a processor to end, and nothing else.
func (p *proc) gone(late string) (string, error) {
	began := time.Now()
	err := p.Process.Close()
	if took := time.Since(began); late == "" && took > longDying {
		late = fmt.Sprintf("%s was killed, and gone only after %s: others had the processors", p.Name,
			took.Round(100*time.Millisecond))
	}
	return late, err
}

// longDying is longer than what is killed takes to end where it has a processor.
const longDying = 2 * time.Second

// run are the arguments of run.
type run struct {
	timeout time.Duration
	program program
}

var runVerb = vm.Verb(vm.Method{Name: "run",
	Doc: "Runs a program to its end, in the node's network, with the lab's names " +
		"and authority. If it does not end in time, it is killed with all that it started.",
	Example: `local curl = client:run { "curl", "-sS", "https://server/" }`, Returns: "Exit", Phase: vm.Running,
	List: "args"},
	func(a *run) []vm.Argument {
		return append([]vm.Argument{session.Timeout(&a.timeout)}, programOptions(&a.program)...)
	},
	func(c *vm.Call, a *run) error {
		ctx, cancel := session.Deadline(c, a.timeout)
		defer cancel()
		p, err := a.program.start(c)
		if err != nil {
			return err
		}
		started := time.Now()
		var e process.Exit
		late := ""
		c.VM.Block(func() {
			if e, err = p.Wait(ctx); err == nil {
				short, cancel := context.WithTimeout(ctx, drainTime)
				p.Drained(short)
				cancel()
			} else {
				late = p.late(stall.Usage{}, a.timeout)
			}
			late, _ = p.gone(late)
			p.node.Endpoints.Forget(p)
		})
		p.node.Run.Starve(late)
		x := &exit{p: p, Exit: e, timeout: err != nil}
		if x.timeout {
			x.Exit, _ = p.Exited()
			x.Took = time.Since(started)
		}
		c.Return(c.VM.New(exitClass, x))
		return session.Over(c)
	})

// drainTime is how long a program that has ended may leave its outputs open, by
// what it forked.
const drainTime = 500 * time.Millisecond

// started are the arguments of start.
type started struct {
	timeout time.Duration
	ready   *ready
	program program
}

var startVerb = vm.Verb(vm.Method{Name: "start",
	Doc:     "Starts a program and waits until it is ready. It ends with the case, and so does all that it started.",
	Example: `local web = server:start { "nginx", "-c", "$DIR/nginx.conf", ready = { port = 80 } }`,
	Returns: "Process", Phase: vm.Running, List: "args"},
	func(a *started) []vm.Argument {
		return append([]vm.Argument{
			session.Timeout(&a.timeout),
			kReady.Maybe(&a.ready, "ready", `when it is: { port = 80 }, { udp = 53 }, or { line = "listening" }`),
		}, programOptions(&a.program)...)
	},
	func(c *vm.Call, a *started) error {
		ctx, cancel := session.Deadline(c, a.timeout)
		defer cancel()
		p, err := a.program.start(c)
		if err != nil {
			return err
		}
		if a.ready != nil {
			late := ""
			c.VM.Block(func() {
				if err = a.ready.wait(ctx, p); errors.Is(err, context.DeadlineExceeded) {
					late = p.late(stall.Usage{}, a.timeout)
				}
			})
			if err != nil {
				p.node.Run.Starve(late)
				_ = p.Close()
				if over := session.Over(c); over != nil {
					return over
				}
				why := ": " + err.Error()
				if errors.Is(err, context.DeadlineExceeded) {
					why = fmt.Sprintf(" within %s", a.timeout)
				}
				return c.Fail("ready", "look at what it wrote", "%s %s%s%s", p.Name, a.ready, why, said(p))
			}
		}
		c.Return(c.VM.New(processClass, p))
		return nil
	})

// waits are the arguments of wait.
type waits struct{ timeout time.Duration }

// awaited are the arguments of wait_line.
type awaited struct {
	text    string
	timeout time.Duration
}

// signals are those that scripts send, by name.
var signals = []string{"HUP", "INT", "QUIT", "KILL", "USR1", "USR2", "TERM", "STOP", "CONT", "WINCH"}

var kSignal = args.Enum("signal", signals...)

var processClass = &vm.Class{Name: "Process", Doc: "A program that runs on a node.",
	Fields: []*vm.Field{
		vm.NumberOf("pid", "integer", "Its process number, as the program itself sees it.", (*proc).Pid),
		vm.FieldOf("output", "string", "What it has written to its standard output so far.",
			func(p *proc) lua.LValue { return lua.LString(p.Output()) }),
		vm.FieldOf("errors", "string", "What it has written to its standard error so far.",
			func(p *proc) lua.LValue { return lua.LString(p.Errors()) }),
		vm.FieldOf("dir", "string", "Its directory.", func(p *proc) lua.LValue { return lua.LString(p.Dir) }),
		vm.FieldOf("running", "boolean", "It has not ended.", func(p *proc) lua.LValue {
			_, ended := p.Exited()
			return lua.LBool(!ended)
		}),
	},
	Methods: []*vm.Method{
		vm.Verb(vm.Method{Name: "wait",
			Doc: "Waits for the program to end. The member timeout of the result says that it did not " +
				"end in time.",
			Example: `local e = web:wait()`, Returns: "Exit", Phase: vm.Running},
			func(a *waits) []vm.Argument { return []vm.Argument{session.Timeout(&a.timeout)} },
			func(c *vm.Call, a *waits) error {
				ctx, cancel := session.Deadline(c, a.timeout)
				defer cancel()
				p := c.Self.(*proc)
				var e process.Exit
				var err error
				before, late := p.Usage(), ""
				c.VM.Block(func() {
					if e, err = p.Wait(ctx); err != nil {
						late = p.late(before, a.timeout)
					}
				})
				p.node.Run.Starve(late)
				c.Return(c.VM.New(exitClass, &exit{p: p, Exit: e, timeout: err != nil}))
				return session.Over(c)
			}),
		vm.Verb(vm.Method{Name: "wait_line",
			Doc:     "Waits until it has written a text. Returns true, or nil and why not.",
			Example: `web:wait_line "ready"`, Returns: "boolean, string?", Phase: vm.Running},
			func(a *awaited) []vm.Argument {
				return []vm.Argument{args.String.Param(&a.text, "text", "what it writes"), session.Timeout(&a.timeout)}
			},
			func(c *vm.Call, a *awaited) error {
				ctx, cancel := session.Deadline(c, a.timeout)
				defer cancel()
				var err error
				p := c.Self.(*proc)
				before, late := p.Usage(), ""
				c.VM.Block(func() {
					if err = p.WaitLine(ctx, a.text); errors.Is(err, context.DeadlineExceeded) {
						late = p.late(before, a.timeout)
					}
				})
				p.node.Run.Starve(late)
				c.Return(lua.LTrue)
				if err != nil {
					session.ReturnErr(c, err)
				}
				return session.Over(c)
			}),
		vm.Verb(vm.Method{Name: "signal", Doc: "Sends it a signal.", Example: `web:signal "HUP"`, Phase: vm.Running},
			func(name *string) []vm.Argument {
				return []vm.Argument{kSignal.Param(name, "name", strings.Join(signals, ", "))}
			},
			func(c *vm.Call, name *string) error { return c.Self.(*proc).Signal(unix.SignalNum("SIG" + *name)) }),
		vm.Verb(vm.Method{Name: "stop", Doc: "Asks the program to end. After the grace time it is killed, " +
			"with all that it started. Returns how it ended; its member timeout says that asking did not help.",
			Example: `local e = web:stop()`, Returns: "Exit", Phase: vm.Running},
			func(grace *time.Duration) []vm.Argument {
				return []vm.Argument{args.Duration.Def(grace, "grace", "2s", "how long it may take")}
			}, stop),
	},
	String: func(x any) string { return fmt.Sprintf("%s on %s", x.(*proc).Name, x.(*proc).node.Name) }}

func stop(c *vm.Call, grace *time.Duration) error {
	p := c.Self.(*proc)
	var asked bool
	var err error
	before, late := p.Usage(), ""
	c.VM.Block(func() {
		if asked, err = p.Ask(c.VM.Context(), *grace); err == nil {
			if !asked {
				late = p.late(before, *grace)
			}
			late, err = p.gone(late)
		}
		p.node.Endpoints.Forget(p)
	})
	p.node.Run.Starve(late)
	if err != nil {
		return err
	}
	e, _ := p.Exited()
	c.Return(c.VM.New(exitClass, &exit{p: p, Exit: e, timeout: !asked}))
	return session.Over(c)
}
