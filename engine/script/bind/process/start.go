//go:build linux

package process

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"

	lua "github.com/yuin/gopher-lua"
	"golang.org/x/sys/unix"

	"netrepro/engine/host/pki"
	"netrepro/engine/host/process"
	"netrepro/engine/script/args"
	"netrepro/engine/script/secure"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// program is what is said of a program that is started.
type program struct {
	args           []string
	files, env     map[string]string
	input          string
	certs          secure.Certificates
	trusted, quiet bool
}

var kProgram = vm.NewKind("program and its arguments", "string[]", func(c *vm.Call, x lua.LValue) ([]string, error) {
	words, err := args.Strings.Read(c, x)
	if err == nil && len(words) == 0 {
		err = args.Wrong(x, "a program and its arguments", `write { "curl", "-v", "http://server/" }`)
	}
	return words, err
})

// programOptions are those of run and start.
func programOptions(a *program) []vm.Argument {
	return []vm.Argument{
		kProgram.Need(&a.args, "args", "the program and its arguments, the elements of the table; "+
			"$DIR in them is a directory of its own"),
		kTexts.Opt(&a.files, "files",
			"files made in that directory before it starts, by name; $DIR in them is its path"),
		kTexts.Opt(&a.env, "env", "environment variables besides those that it gets"),
		args.String.Opt(&a.input, "input", "its standard input"),
		secure.KChain.Maybe(&a.certs.Chain, "chain",
			"makes server.crt and server.key in its directory, for this certificate"),
		args.Strings.Opt(&a.certs.Names, "names", "the names in that certificate, besides the node's"),
		args.Bool.Def(&a.trusted, "trusted", "false", "it may write what you may write on this machine. "+
			"Without this it may write its own directory, /tmp and the settings of its network, and has no "+
			"other capabilities"),
		args.Bool.Opt(&a.quiet, "quiet", "do not show what it writes in the log"),
	}
}

var kTexts = vm.NewKind("table of texts", "table<string,string>",
	func(_ *vm.Call, x lua.LValue) (map[string]string, error) {
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
	})

// start starts it on the verb's node.
func (a *program) start(c *vm.Call) (*proc, error) {
	n := c.Self.(*session.Node)
	s, err := a.spec(c, n)
	if err != nil {
		return nil, err
	}
	var p *process.Process
	c.VM.Block(func() { p, err = process.Start(s) })
	if err != nil {
		return nil, c.Fail(s.Args[0], remedy(s.Args[0], err), "%v", err)
	}
	out := &proc{p, n}
	return out, n.Endpoints.Keep(out)
}

// spec is how it is started on n.
func (a *program) spec(c *vm.Call, n *session.Node) (process.Spec, error) {
	ca, err := secure.Authority(n.Run)
	if err != nil {
		return process.Spec{}, err
	}
	s := process.Spec{Args: a.args, NS: n.NS, Input: a.input, Files: process.Trust(ca.PEM(), ca.Root.Raw),
		Over: map[string]string{}, Trusted: a.trusted}
	state := slot.Of(n.Run)
	if s.Dir, err = state.directory(n.Name, filepath.Base(s.Args[0])); err != nil {
		return s, err
	}
	for name, text := range a.files {
		s.Files[name] = text
	}
	for name, value := range a.env {
		s.Env = append(s.Env, name+"="+value)
	}
	slices.Sort(s.Env)
	if a.certs.Chain != nil {
		certs, err := a.certs.Issue(c, n)
		if err != nil {
			return s, err
		}
		chain, key, err := pki.Files(certs[0])
		if err != nil {
			return s, err
		}
		s.Files["server.crt"], s.Files["server.key"] = string(chain), string(key)
	}
	s.Files["hosts"] = hosts(n.Run)
	if s.Files["resolv.conf"], err = state.ResolvConf(n); err != nil {
		return s, err
	}
	for path, name := range map[string]string{"/etc/hosts": "hosts", "/etc/resolv.conf": "resolv.conf"} {
		s.Over[path] = filepath.Join(s.Dir, name)
	}
	if !a.quiet {
		where := fmt.Sprintf("%s:%s", n.Name, filepath.Base(s.Args[0]))
		s.Output = func(line string, _ bool) {
			n.Run.Event(session.Event{Kind: session.EventLog, Text: line, Where: where})
		}
	}
	return s, nil
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
