//go:build linux

// Package look lets people look into a case that stands still: at a prompt that knows what
// scripts do, and with the programs of the machine.
//
// It runs no case. Invariant: whatever is typed, the terminal is as it was afterwards.
package look

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strings"

	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"netrepro/engine/runner"
	"netrepro/engine/sanitize"
	"netrepro/engine/script"
	"netrepro/engine/script/session"
)

// Console is where people type and read.
type Console struct {
	In  io.Reader
	Out io.Writer
	// Shell is what node is opened with, the user's shell.
	Shell string
	// Node has a shell of that node opened in place of the prompt, if it is not empty.
	Node string
	// Words are what can be completed.
	Words []string
	// Apart says that cases run in a virtual machine: their programs have no terminal.
	Apart bool

	lines *bufio.Reader
	tty   *term.Terminal
	nodes []string
	ended bool // nothing more is typed: cases go on
}

// New is a console of somebody who types at in and reads at out, with the shell that their
// environment names.
func New(in io.Reader, out io.Writer, getenv func(string) string) *Console {
	shell := getenv("SHELL")
	if shell == "" {
		shell = "/bin/sh"
	}
	words := slices.Compact(slices.Sorted(slices.Values(script.Names())))
	return &Console{In: in, Out: out, Shell: shell, Words: words}
}

// Into has cases stand still at the places given, and wherever they say pause().
func (c *Console) Into(at ...session.Stop) *runner.Look {
	l := &runner.Look{At: append(at, session.StopPause), Talk: c.Talk, Terminal: c.Terminal()}
	if c.Apart {
		ends := strings.NewReplacer("\r\n", "\n", "\r", "\n") // what draws over its own line has one for each
		l.Wrote = func(text []byte) { fmt.Fprint(c.Out, sanitize.Lines(ends.Replace(string(text)))) }
	}
	return l
}

// help is what can be typed.
const help = `  net.client:dial { to = net.server, port = 80 }   anything that a script can say; net and v are there
  x = 1                                            is kept until the case ends
  exec NODE COMMAND                                runs programs of this machine on a node, as sh does
  exec NODE                                        opens a shell there
  nodes                                            lists nodes
  continue                                         the case goes on, to where it stops next; so does the end of input
`

// help is what can be typed here.
func (c *Console) help() string {
	if !c.Apart {
		return help
	}
	return strings.Replace(help, "  exec NODE                                        opens a shell there\n", "", 1)
}

// Terminal are the files of programs that run on nodes: those of this process if somebody
// types there.
func (c *Console) Terminal() []*os.File {
	in, ok := c.In.(*os.File)
	if !ok {
		return nil
	}
	return []*os.File{in, os.Stdout, os.Stderr}
}

// Talk is told what happens in a case, and asks people what to do while it stands still.
func (c *Console) Talk(e session.Event, send func(session.Command) error) error {
	switch e.Kind {
	case session.EventStep:
		c.say("step  %s", e.Text)
	case session.EventLog:
		c.say("%s: %s", e.Where, e.Text)
	case session.EventExpect:
		mark := "✗"
		if e.Pass {
			mark = "✓"
		}
		c.say("%s %s: %s", mark, e.Where, e.Text)
	case session.EventStopped:
		c.nodes = nil
		for _, n := range e.Nodes {
			c.nodes = append(c.nodes, n.Name)
		}
		where := ""
		if e.Where != "" {
			where = " at " + e.Where
		}
		c.say("stopped%s: %s: %s", where, e.Label, e.Text)
		if c.Node != "" {
			return c.program(send, c.Node, "")
		}
		if e.Label != string(session.StopStep) {
			c.say("help says what can be typed here")
		}
		return c.ask(send)
	case session.EventReply:
		c.regain()
		if e.Text != "" {
			c.say("%s", e.Text)
		}
		if c.Node != "" { // its shell has ended
			return send(session.Command{})
		}
		return c.ask(send)
	}
	return nil
}

// say writes a line, or several.
func (c *Console) say(format string, args ...any) {
	text := sanitize.Lines(fmt.Sprintf(format, args...))
	fmt.Fprintln(c.Out, text)
}

// ask reads what to do, and sends it if it is for the case.
func (c *Console) ask(send func(session.Command) error) error {
	for !c.ended {
		line, err := c.read()
		if err != nil {
			if !errors.Is(err, io.EOF) {
				return fmt.Errorf("read what to do: %w", err)
			}
			c.ended = true
			break
		}
		words := strings.Fields(line)
		switch {
		case len(words) == 0:
		case line == "help":
			fmt.Fprint(c.Out, c.help())
		case line == "nodes":
			c.say("%s", strings.Join(c.nodes, " "))
		case line == "continue" || line == "c":
			return send(session.Command{})
		case words[0] == "exec" && len(words) == 2 && c.Apart:
			c.say("a virtual machine has no terminal for a shell: exec %s COMMAND", words[1])
		case words[0] == "exec" && len(words) > 1:
			_, rest, _ := strings.Cut(line, words[1])
			return c.program(send, words[1], strings.TrimSpace(rest))
		case words[0] == "exec":
			c.say("exec NODE COMMAND: nodes are %s", strings.Join(c.nodes, " "))
		default:
			return send(session.Command{Lua: line})
		}
	}
	return send(session.Command{})
}

// program runs a line of the shell on a node, or opens a shell there.
func (c *Console) program(send func(session.Command) error, node, line string) error {
	args := []string{c.Shell}
	if line != "" {
		args = []string{"/bin/sh", "-c", line}
	}
	return send(session.Command{Node: node, Args: args})
}

// read reads a line: with history and completion at a terminal.
func (c *Console) read() (string, error) {
	in, ok := c.In.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		if c.lines == nil {
			c.lines = bufio.NewReader(c.In)
		}
		line, err := c.lines.ReadString('\n')
		if line != "" {
			err = nil
		}
		return strings.TrimSpace(line), err
	}
	if c.tty == nil {
		c.tty = term.NewTerminal(struct {
			io.Reader
			io.Writer
		}{in, os.Stdout}, "> ")
		c.tty.AutoCompleteCallback = c.complete
	}
	was, err := term.MakeRaw(int(in.Fd()))
	if err != nil {
		return "", err
	}
	defer func() { _ = term.Restore(int(in.Fd()), was) }() // what else could be done with it
	if w, h, err := term.GetSize(int(in.Fd())); err == nil && w > 0 {
		_ = c.tty.SetSize(w, h) // it is for show
	}
	line, err := c.tty.ReadLine()
	return strings.TrimSpace(line), err
}

// complete completes the word before the cursor at the key Tab: as far as all words that
// begin so agree.
func (c *Console) complete(line string, pos int, key rune) (string, int, bool) {
	if key != '\t' {
		return "", 0, false
	}
	at := strings.LastIndexAny(line[:pos], " .:({,=") + 1
	have := line[at:pos]
	best, found := "", false
	for _, w := range append(c.nodes, c.Words...) {
		if !strings.HasPrefix(w, have) {
			continue
		}
		if !found {
			best, found = w, true
		}
		for !strings.HasPrefix(w, best) {
			best = best[:len(best)-1]
		}
	}
	if !found || have == "" {
		return "", 0, false
	}
	return line[:at] + best + line[pos:], at + len(best), true
}

// regain takes the terminal back from a program that ran on a node, which had interrupts
// of the keyboard to itself.
func (c *Console) regain() {
	in, ok := c.In.(*os.File)
	if !ok || !term.IsTerminal(int(in.Fd())) {
		return
	}
	signal.Ignore(unix.SIGTTOU) // or it would stop us
	defer signal.Reset(unix.SIGTTOU)
	_ = unix.IoctlSetPointerInt(int(in.Fd()), unix.TIOCSPGRP, unix.Getpgrp()) // it is not another's then
}
