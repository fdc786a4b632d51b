//go:build linux

package play

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"slices"
	"syscall"
	"time"

	lua "github.com/yuin/gopher-lua"
	"golang.org/x/term"

	"netrepro/engine/script/prompt"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// Live says where a case stands still, and is what people look into it with.
type Live struct {
	At       []session.Stop
	Commands <-chan session.Command
	Terminal []*os.File // standard input, output and error of programs that run on nodes
}

// live has the case stand still where o says, with names that the prompt knows.
func (r *run) live(o *Live, args []lua.LValue) {
	if o == nil {
		return
	}
	names := map[string]lua.LValue{}
	for i, name := range []string{"net", "v"} {
		if i < len(args) {
			names[name] = args[i]
		}
	}
	r.VM.Enter(func() { r.prompt = prompt.New(r.VM, names) })
	r.look = o
	r.Halt = func(c *vm.Call, at session.Stop, text string) bool {
		if !slices.Contains(o.At, at) {
			return false
		}
		r.stopped(at, text, c.Where())
		for {
			var cmd session.Command
			c.VM.Block(func() { cmd = r.next() })
			if !r.obey(c.L, cmd, c.VM.Block) {
				return true
			}
		}
	}
}

// stand has the case stand still where no verb is called.
func (r *run) stand(at session.Stop, text string) {
	if r.look == nil || !slices.Contains(r.look.At, at) {
		return
	}
	r.stopped(at, text, "")
	for {
		cmd, on := r.next(), false
		if len(cmd.Args) > 0 {
			on = r.obey(r.VM.L, cmd, func(f func()) { f() })
		} else {
			r.VM.Enter(func() { on = r.obey(r.VM.L, cmd, nil) })
		}
		if !on {
			return
		}
	}
}

// ended stands still when the script's function has come to its end, or to an error.
func (r *run) ended(err error) {
	switch {
	case err == nil:
		r.stand(session.StopAfter, "the script has ended")
	case r.look != nil && slices.Contains(r.look.At, session.StopFailure) && !errors.Is(err, session.ErrStopped):
		r.stand(session.StopFailure, errored(err).Why)
	default:
		r.stand(session.StopAfter, "the script has ended: "+errored(err).Why)
	}
}

func (r *run) stopped(at session.Stop, text, where string) {
	e := session.Event{Kind: session.EventStopped, Label: string(at), Text: text, Where: where}
	for _, n := range r.Nodes {
		e.Nodes = append(e.Nodes, session.NodeDesc{Name: n.Name, Fd: n.NS.Fd()})
	}
	r.Event(e)
}

// next waits for a command. There is none if the case is over.
func (r *run) next() session.Command {
	select {
	case cmd := <-r.look.Commands:
		return cmd
	case <-r.VM.Context().Done():
		return session.Command{}
	}
}

// obey does what a command says; false if the case is to go on. block runs what may last
// without the interpreter's lock, which is held but for where block does nothing.
func (r *run) obey(l *lua.LState, cmd session.Command, block func(func())) bool {
	var text string
	var err error
	switch {
	case len(cmd.Args) > 0:
		block(func() { err = r.program(cmd) })
	case cmd.Lua != "":
		text, err = r.prompt.Eval(l, cmd.Lua)
	default:
		return false
	}
	e := session.Event{Kind: session.EventReply, Text: text, Pass: err == nil}
	if err != nil {
		e.Text = err.Error()
	}
	r.Event(e)
	return r.VM.Context().Err() == nil
}

// program runs a program of the machine on a node, at the terminal.
func (r *run) program(cmd session.Command) error {
	n := r.Node(cmd.Node)
	if n == nil {
		var names []string
		for _, n := range r.Nodes {
			names = append(names, n.Name)
		}
		return fmt.Errorf("there is no node %q: there are %v", cmd.Node, names)
	}
	c := exec.CommandContext(r.VM.Context(), cmd.Args[0], cmd.Args[1:]...)
	if t := r.look.Terminal; len(t) == 3 {
		c.Stdin, c.Stdout, c.Stderr = t[0], t[1], t[2]
		if term.IsTerminal(int(t[0].Fd())) { // interrupts of the keyboard are for the program alone
			c.SysProcAttr = &syscall.SysProcAttr{Setpgid: true, Foreground: true, Ctty: int(t[0].Fd())}
		}
	}
	c.WaitDelay = time.Second
	if err := n.NS.Do(c.Start); err != nil {
		return fmt.Errorf("run %s on %s: %w", cmd.Args[0], cmd.Node, err)
	}
	return c.Wait()
}
