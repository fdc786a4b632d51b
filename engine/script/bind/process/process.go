//go:build linux

// Package process has the verbs that run real programs on hosts.
package process

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"
	"golang.org/x/sys/unix"

	"netrepro/engine/host/pki"
	"netrepro/engine/host/process"
	"netrepro/engine/kernel"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

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

// commonOptions are those of run and start.
var commonOptions = []vm.Option{
	args.Need("args", &vm.Kind{Name: "program and its arguments", Type: "string[]", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
		words, err := args.Strings.Parse(c, x)
		if err != nil {
			return nil, err
		}
		if len(words.([]string)) == 0 {
			return nil, args.Wrong(x, "a program and its arguments", `write { "curl", "-v", "http://server/" }`)
		}
		return words, nil
	}}, "the program and its arguments, the elements of the table; $DIR in them is a directory of its own"),
	args.Opt("files", kTexts, "files made in that directory before it starts, by name; $DIR in them is its path"),
	args.Opt("env", kTexts, "environment variables besides those that it gets"),
	args.Opt("input", args.String, "its standard input"),
	args.Opt("chain", session.KChain, "makes server.crt and server.key in its directory, for this certificate"),
	args.Opt("names", args.Strings, "the names in that certificate, besides the node's"),
	args.OptDef("trusted", args.Bool, "false", "it may write the machine's files and settings, as you may; else only its directory, /tmp and the settings of its network, with no capabilities but over that"),
	args.Opt("quiet", args.Bool, "do not show what it writes in the log"),
}

var kTexts = &vm.Kind{Name: "table of texts", Type: "table<string,string>", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "a table of texts", `write { name = "value" }`)
	}
	out := map[string]string{}
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		name, ok := k.(lua.LString)
		text, isText := v.(lua.LString)
		if !ok || !isText || name == "" {
			return nil, args.Wrong(k, "a name with a text", `write { name = "value" }`)
		}
		out[string(name)] = string(text)
	}
	return out, nil
}}

// start starts what c says.
func start(c *vm.Call) (*proc, error) {
	n := c.Self.(*session.Node)
	ca, err := n.Run.Authority()
	if err != nil {
		return nil, err
	}
	s := process.Spec{Args: c.Args["args"].([]string), NS: n.NS, Input: vm.ArgOr(c, "input", ""), Files: process.Trust(ca.PEM(), ca.Root.Raw), Over: map[string]string{},
		Trusted: vm.ArgOr(c, "trusted", false)}
	if s.Dir, err = directory(n, filepath.Base(s.Args[0])); err != nil {
		return nil, err
	}
	for name, text := range vm.ArgOr[map[string]string](c, "files", nil) {
		s.Files[name] = text
	}
	for name, value := range vm.ArgOr[map[string]string](c, "env", nil) {
		s.Env = append(s.Env, name+"="+value)
	}
	slices.Sort(s.Env)
	if _, ok := vm.Arg[pki.Spec](c, "chain"); ok {
		certs, err := session.Certificates(n, c)
		if err != nil {
			return nil, err
		}
		chain, key, err := pki.Files(certs[0])
		if err != nil {
			return nil, err
		}
		s.Files["server.crt"], s.Files["server.key"] = string(chain), string(key)
	}
	s.Files["hosts"] = hosts(n.Run)
	if s.Files["resolv.conf"], err = n.Run.Resolve(n); err != nil {
		return nil, err
	}
	for path, name := range map[string]string{"/etc/hosts": "hosts", "/etc/resolv.conf": "resolv.conf"} {
		s.Over[path] = filepath.Join(s.Dir, name)
	}
	if !vm.ArgOr(c, "quiet", false) {
		where := fmt.Sprintf("%s:%s", n.Name, filepath.Base(s.Args[0]))
		s.Output = func(line string, _ bool) {
			n.Run.Event(session.Event{Kind: session.EventLog, Text: line, Where: where})
		}
	}
	var p *process.Process
	c.VM.Block(func() { p, err = process.Start(s) })
	if err != nil {
		return nil, c.Fail(s.Args[0], remedy(s.Args[0], err), "%v", err)
	}
	out := &proc{p, n}
	return out, n.Endpoints.Keep(out)
}

// remedy is what helps where program could not be started.
func remedy(program string, err error) string {
	switch {
	case errors.Is(err, process.ErrZero):
		return "leave it out of arguments and variables: give it as input, or in a file"
	case errors.Is(err, unix.ENOEXEC):
		return "it is neither a program for this machine nor a script that begins with #!"
	case errors.Is(err, unix.E2BIG):
		return "the kernel takes arguments and variables of 128 KB each: put it in a file, with files = { … }"
	case errors.Is(err, os.ErrPermission):
		return "make it executable, on a file system that is not mounted noexec"
	case errors.Is(err, process.ErrLoader):
		return "install what it needs to run"
	case errors.Is(err, os.ErrNotExist):
		return fmt.Sprintf("install it, or write needs = { %q } to skip the scenario without it", "program:"+program)
	}
	return "look at its arguments"
}

var unfit = regexp.MustCompile(`[^A-Za-z0-9._-]+`)

// directory makes a new directory for a program of n, among the artifacts.
func directory(n *session.Node, program string) (string, error) {
	base := n.Run.Artifacts
	if base == "" {
		return os.MkdirTemp("", "netrepro-")
	}
	name := n.Name + "-" + unfit.ReplaceAllString(program, "_")
	for i := 1; ; i++ {
		dir := filepath.Join(base, name)
		if i > 1 {
			dir = filepath.Join(base, fmt.Sprintf("%s-%d", name, i))
		}
		if n.Run.Taken[dir] {
			continue
		}
		n.Run.Taken[dir] = true
		if err := os.RemoveAll(dir); err != nil { // of an earlier run
			return "", fmt.Errorf("make directory of %s: %w", program, err)
		}
		return dir, nil
	}
}

// hosts is a hosts file with every node of the lab.
func hosts(r *session.Run) string {
	var b strings.Builder
	b.WriteString("127.0.0.1 localhost\n::1 localhost\n")
	for _, n := range r.Nodes {
		for _, a := range n.Addrs() {
			fmt.Fprintf(&b, "%s %s\n", a, n.Name)
		}
	}
	return b.String()
}

var runVerb = &vm.Method{Name: "run", Doc: "Runs a program to its end, in the node's network, with the lab's names and authority. If it does not end in time it is ended, and all it started.",
	Example: `local curl = client:run { "curl", "-sS", "https://server/" }`, Returns: "Exit", Phase: vm.Running, List: "args",
	Options: append([]vm.Option{session.OptTimeout}, commonOptions...),
	Fn: func(c *vm.Call) error {
		ctx, cancel := session.Deadline(c)
		defer cancel()
		p, err := start(c)
		if err != nil {
			return err
		}
		started := time.Now()
		var e process.Exit
		c.VM.Block(func() {
			if e, err = p.Wait(ctx); err == nil {
				short, cancel := context.WithTimeout(ctx, drainTime)
				p.Drained(short)
				cancel()
			}
			_ = p.Close()
		})
		x := &exit{p: p, Exit: e, timeout: err != nil}
		if x.timeout {
			x.Exit, _ = p.Exited()
			x.Took = time.Since(started)
		}
		c.Return(c.VM.New(exitClass, x))
		return session.Over(c)
	}}

// drainTime is how long a program that has ended may leave its outputs open, by
// what it forked.
const drainTime = 500 * time.Millisecond

var startVerb = &vm.Method{Name: "start", Doc: "Starts a program and waits until it is ready. It ends with the case, and all it started.",
	Example: `local web = server:start { "nginx", "-c", "$DIR/nginx.conf", ready = { port = 80 } }`, Returns: "Process", Phase: vm.Running, List: "args",
	Options: append([]vm.Option{session.OptTimeout, args.Opt("ready", kReady, `when it is: { port = 80 }, { udp = 53 }, or { line = "listening" }`)}, commonOptions...),
	Fn: func(c *vm.Call) error {
		ctx, cancel := session.Deadline(c)
		defer cancel()
		p, err := start(c)
		if err != nil {
			return err
		}
		if ready, ok := vm.Arg[ready](c, "ready"); ok {
			c.VM.Block(func() { err = ready.wait(ctx, p) })
			if err != nil {
				_ = p.Close()
				if over := session.Over(c); over != nil {
					return over
				}
				why := ": " + err.Error()
				if errors.Is(err, context.DeadlineExceeded) {
					why = fmt.Sprintf(" within %s", vm.ArgOr(c, "timeout", session.VerbTimeout))
				}
				return c.Fail("ready", "look at what it wrote", "%s %s%s%s", p.Name, ready, why, said(p))
			}
		}
		c.Return(c.VM.New(processClass, p))
		return nil
	}}

// said is the end of what a program wrote, for a message.
func said(p *proc) string {
	text := strings.TrimSpace(p.Errors())
	if text == "" {
		text = strings.TrimSpace(p.Output())
	}
	if text == "" {
		return "; it wrote nothing"
	}
	lines := strings.Split(text, "\n")
	return "; it wrote: " + strings.Join(lines[max(len(lines)-3, 0):], " / ")
}

// ready is when a program is.
type ready struct {
	tcp, udp int
	line     string
}

func (r ready) String() string {
	switch {
	case r.line != "":
		return fmt.Sprintf("did not write %q", r.line)
	case r.udp != 0:
		return fmt.Sprintf("did not open UDP port %d", r.udp)
	}
	return fmt.Sprintf("did not listen on port %d", r.tcp)
}

var readyTable = &vm.Method{Name: "ready", Options: []vm.Option{
	args.Opt("port", args.Port, "it listens on this TCP port"), args.Opt("udp", args.Port, "it has this UDP port open"),
	args.Opt("line", args.String, "it has written this, to either output")}}

var kReady = &vm.Kind{Name: "sign of being ready", Type: "Ready", Table: readyTable, Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "a sign of being ready", `write { port = 80 } or { line = "listening" }`)
	}
	a := c.Table(readyTable, t)
	r := ready{}
	r.tcp, _ = a["port"].(int)
	r.udp, _ = a["udp"].(int)
	r.line, _ = a["line"].(string)
	if len(a) != 1 {
		return nil, args.Wrong(x, "one sign of being ready", `write { port = 80 } or { line = "listening" }`)
	}
	return r, nil
}}

// look is how often the kernel is asked whether a port is open: nothing tells of
// it without privilege.
const look = 2 * time.Millisecond

// wait waits until p is ready.
func (r ready) wait(ctx context.Context, p *proc) error {
	if r.line != "" {
		return p.WaitLine(ctx, r.line)
	}
	proto := "tcp"
	if r.udp != 0 {
		proto = "udp"
	}
	tick := time.NewTicker(look)
	defer tick.Stop()
	for {
		open, err := kernel.Open(p.node.NS, proto, r.tcp+r.udp)
		if open || err != nil {
			return err
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			if e, ok := p.Exited(); ok {
				return fmt.Errorf("it has ended: %s", e)
			}
			return ctx.Err()
		}
		if e, ok := p.Exited(); ok && e.Code != 0 { // what ends well may have forked
			return fmt.Errorf("it has ended: %s", e)
		}
	}
}

// exit is how a program ended, as scripts see it.
type exit struct {
	process.Exit
	p       *proc
	timeout bool
}

func exitField(name, typ, doc string, get func(*exit) lua.LValue) *vm.Field {
	return &vm.Field{Name: name, Type: typ, Doc: doc, Get: func(_ *vm.VM, x any) (lua.LValue, error) { return get(x.(*exit)), nil }}
}

var exitClass = &vm.Class{Name: "Exit", Doc: "How a program ended, and what it wrote.",
	Fields: []*vm.Field{
		exitField("code", "integer", "Exit code; -1 if a signal ended it.", func(e *exit) lua.LValue { return lua.LNumber(e.Code) }),
		exitField("signal", "string?", "The signal that ended it.", func(e *exit) lua.LValue {
			if e.Signal == "" {
				return lua.LNil
			}
			return lua.LString(e.Signal)
		}),
		exitField("timeout", "boolean", "It did not end in time and was ended.", func(e *exit) lua.LValue { return lua.LBool(e.timeout) }),
		exitField("output", "string", "What it wrote to its standard output; its first megabyte.", func(e *exit) lua.LValue { return lua.LString(e.p.Output()) }),
		exitField("errors", "string", "What it wrote to its standard error; its first megabyte.", func(e *exit) lua.LValue { return lua.LString(e.p.Errors()) }),
		exitField("dropped", "integer", "Bytes of both that were not kept.", func(e *exit) lua.LValue { return lua.LNumber(e.p.Dropped()) }),
		exitField("dir", "string", "Its directory.", func(e *exit) lua.LValue { return lua.LString(e.p.Dir) }),
		exitField("time", "number", "How long it ran, in seconds.", func(e *exit) lua.LValue { return lua.LNumber(e.Took.Seconds()) }),
	},
	String: func(x any) string {
		e := x.(*exit)
		if e.timeout {
			return e.p.Name + " did not end in time"
		}
		return e.p.Name + ": " + e.String()
	}}

// signals are those that scripts send, by name.
var signals = []string{"HUP", "INT", "QUIT", "KILL", "USR1", "USR2", "TERM", "STOP", "CONT", "WINCH"}

var processClass = &vm.Class{Name: "Process", Doc: "A program that runs on a node.",
	Fields: []*vm.Field{
		{Name: "pid", Type: "integer", Doc: "Its process number, as the program itself sees it.", Get: func(_ *vm.VM, x any) (lua.LValue, error) { return lua.LNumber(x.(*proc).Pid()), nil }},
		{Name: "output", Type: "string", Doc: "What it has written to its standard output so far.", Get: func(_ *vm.VM, x any) (lua.LValue, error) { return lua.LString(x.(*proc).Output()), nil }},
		{Name: "errors", Type: "string", Doc: "What it has written to its standard error so far.", Get: func(_ *vm.VM, x any) (lua.LValue, error) { return lua.LString(x.(*proc).Errors()), nil }},
		{Name: "dir", Type: "string", Doc: "Its directory.", Get: func(_ *vm.VM, x any) (lua.LValue, error) { return lua.LString(x.(*proc).Dir), nil }},
		{Name: "running", Type: "boolean", Doc: "It has not ended.", Get: func(_ *vm.VM, x any) (lua.LValue, error) {
			_, ended := x.(*proc).Exited()
			return lua.LBool(!ended), nil
		}},
	},
	Methods: []*vm.Method{
		{Name: "wait", Doc: "Waits for the program to end. In time or not: see timeout of what it returns.", Example: `local e = web:wait()`, Returns: "Exit", Phase: vm.Running,
			Options: []vm.Option{session.OptTimeout},
			Fn: func(c *vm.Call) error {
				ctx, cancel := session.Deadline(c)
				defer cancel()
				p := c.Self.(*proc)
				var e process.Exit
				var err error
				c.VM.Block(func() { e, err = p.Wait(ctx) })
				c.Return(c.VM.New(exitClass, &exit{p: p, Exit: e, timeout: err != nil}))
				return session.Over(c)
			}},
		{Name: "wait_line", Doc: "Waits until it has written a text. Returns true, or nil and why not.", Example: `web:wait_line "ready"`, Returns: "boolean, string?", Phase: vm.Running,
			Params: []vm.Param{{Name: "text", Kind: args.String, Doc: "what it writes"}}, Options: []vm.Option{session.OptTimeout},
			Fn: func(c *vm.Call) error {
				ctx, cancel := session.Deadline(c)
				defer cancel()
				var err error
				c.VM.Block(func() { err = c.Self.(*proc).WaitLine(ctx, c.Args["text"].(string)) })
				c.Return(lua.LTrue)
				if err != nil {
					session.ReturnErr(c, err)
				}
				return session.Over(c)
			}},
		{Name: "signal", Doc: "Sends it a signal.", Example: `web:signal "HUP"`, Phase: vm.Running,
			Params: []vm.Param{{Name: "name", Kind: args.Enum("signal", signals...), Doc: strings.Join(signals, ", ")}},
			Fn: func(c *vm.Call) error {
				return c.Self.(*proc).Signal(unix.SignalNum("SIG" + c.Args["name"].(string)))
			}},
		{Name: "stop", Doc: "Asks it to end, and after a grace ends it and all it started. Returns how it ended; timeout says that asking did not help.",
			Example: `local e = web:stop()`, Returns: "Exit", Phase: vm.Running,
			Options: []vm.Option{args.OptDef("grace", args.Duration, "2s", "how long it may take")},
			Fn: func(c *vm.Call) error {
				p := c.Self.(*proc)
				var e process.Exit
				var asked bool
				var err error
				c.VM.Block(func() {
					e, asked, err = p.Stop(c.VM.Context(), vm.ArgOr(c, "grace", 2*time.Second))
					p.node.Endpoints.Forget(p)
				})
				if err != nil {
					return err
				}
				c.Return(c.VM.New(exitClass, &exit{p: p, Exit: e, timeout: !asked}))
				return session.Over(c)
			}},
	},
	String: func(x any) string { return fmt.Sprintf("%s on %s", x.(*proc).Name, x.(*proc).node.Name) }}

// Verbs of nodes, and the classes of what they return.
var (
	Verbs   = []*vm.Method{runVerb, startVerb}
	Classes = []*vm.Class{processClass, exitClass}
)
