//go:build linux

// Package socket has the verbs of TCP sockets: listening, connecting, reading and
// writing, and TLS on a connection, step by step.
package socket

import (
	"net/netip"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/socket"
	"netrepro/engine/script/args"
	"netrepro/engine/script/endpoint"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// Room is what this room adds to the language.
func Room() vm.Room {
	return vm.Room{
		Classes: []*vm.Class{listenerClass},
		Members: append(session.OnNodes([]*vm.Method{listenVerb, dialVerb}),
			vm.Members{Of: endpoint.Conn, Methods: append(connVerbs(), secureVerbs...)},
			vm.Members{Of: listenerClass, Methods: listenerVerbs}),
	}
}

// state is what this room keeps of a case.
type state struct{ handlers bool }

var slot = session.NewSlot(func(*session.Run) *state { return &state{} })

// Handles reports whether a listener of r starts tasks.
func Handles(r *session.Run) bool { return slot.Of(r).handlers }

// listen are the arguments of listen.
type listen struct {
	port       int
	handler    *lua.LFunction
	backlog    int
	addr       *string
	background bool
	socket     endpoint.Socket
}

var listenVerb = vm.Verb(vm.Method{Name: "listen", Doc: "Opens a listening TCP socket. " +
	"With a function, that is run for each connection; without, take them with accept.",
	Example: `server:listen(8080, function(conn) conn:write "hello" conn:close() end)`,
	Returns: "Listener", Phase: vm.Running},
	func(a *listen) []vm.Argument {
		return append([]vm.Argument{
			args.Port.Param(&a.port, "port", "where to listen"),
			args.Func.OptParam(&a.handler, "handler", "run for each connection, as a task"),
			args.Backlog.Def(&a.backlog, "backlog", "4096", "length of the accept queue"),
			args.String.Maybe(&a.addr, "addr", "the one address to listen at; all by default"),
			session.Background(&a.background),
		}, endpoint.SocketOptions(&a.socket)...)
	},
	func(c *vm.Call, a *listen) error {
		r, n := session.Of(c), c.Self.(*session.Node)
		o, err := a.socket.For(c, n)
		if err != nil {
			return err
		}
		var at netip.Addr
		if a.addr != nil {
			if at, err = netip.ParseAddr(*a.addr); err != nil {
				return c.Fail(*a.addr, `write it like "192.0.2.1"`, "addr: %q is not an address", *a.addr)
			}
		}
		l, err := n.Endpoints.ListenAt(at, a.port, a.backlog, o)
		if err != nil {
			return c.Fail("listen", "each port of a host can be listened on once", "%v", err)
		}
		if a.handler != nil {
			slot.Of(r).handlers = true
			t := vm.Task{What: "handler", File: c.File, Line: c.Line, Background: a.background}
			r.VM.Go(func() { handle(r, l, t, a.handler) })
		}
		c.Return(c.VM.New(listenerClass, &listener{l, n}))
		return nil
	})

// handle runs fn for every connection, each time as t, until the listener is
// closed.
func handle(r *session.Run, l *socket.Listener, t vm.Task, fn *lua.LFunction) {
	for {
		conn, err := l.AcceptContext(r.VM.Context())
		if socket.ErrName(err) == socket.Timeout && r.VM.Context().Err() == nil {
			continue // an accept of the script's had a deadline on the same socket
		}
		if err != nil {
			return
		}
		r.VM.Enter(func() { r.VM.Spawn(t, fn, nil, endpoint.NewConn(r.VM, conn)) })
	}
}

// listener is a listening socket as scripts see it.
type listener struct {
	*socket.Listener
	node *session.Node
}

// Target implements [endpoint.Listening].
func (l *listener) Target() endpoint.Target { return endpoint.Target{Host: l.node, Port: l.Port()} }

var listenerClass = &vm.Class{Name: "Listener", Doc: "A listening socket.",
	Fields: []*vm.Field{vm.NumberOf("port", "integer", "Where it listens.", func(l *listener) int { return l.Port() })}}

// waits are the arguments of verbs that only wait.
type waits struct{ timeout time.Duration }

func waitOptions(a *waits) []vm.Argument { return []vm.Argument{session.Timeout(&a.timeout)} }

var listenerVerbs = []*vm.Method{
	vm.Verb(vm.Method{Name: "accept", Doc: `Takes the next connection. If none comes it returns nil and "timeout".`,
		Example: `local conn = listener:accept()`, Returns: "Conn, string?", Phase: vm.Running}, waitOptions,
		func(c *vm.Call, a *waits) error {
			ctx, cancel := session.Deadline(c, a.timeout)
			defer cancel()
			var conn *socket.Conn
			var err error
			c.VM.Block(func() { conn, err = c.Self.(*listener).AcceptContext(ctx) })
			if err != nil {
				session.ReturnErr(c, err)
				return session.Over(c)
			}
			c.Return(endpoint.NewConn(c.VM, conn))
			return nil
		}),
	{Name: "close", Doc: "Closes the listener; connections that wait to be accepted are reset.",
		Example: `listener:close()`, Phase: vm.Running,
		Fn: func(c *vm.Call) error { return c.Self.(*listener).Close() }},
}

// dial are the arguments of dial.
type dial struct {
	to   endpoint.Target
	dial endpoint.Dial
}

var dialVerb = vm.Verb(vm.Method{Name: "dial",
	Doc:     "Opens a TCP connection. If that fails it returns nil and the error's name.",
	Example: `local conn, err = client:dial { to = server, port = 8080 }`, Returns: "Conn, string?", Phase: vm.Running},
	func(a *dial) []vm.Argument {
		return append([]vm.Argument{endpoint.KTarget.Need(&a.to, "to", "a host, or what listen returned")},
			endpoint.DialOptions(&a.dial)...)
	},
	func(c *vm.Call, a *dial) error {
		n := c.Self.(*session.Node)
		spec, err := a.dial.Spec(c, n, "to", a.to)
		if err != nil {
			return err
		}
		ctx, cancel := session.Deadline(c, a.dial.Timeout)
		defer cancel()
		var conn *socket.Conn
		c.VM.Block(func() { conn, err = n.Endpoints.Dial(ctx, spec) })
		if err != nil {
			session.ReturnErr(c, err)
			return session.Over(c)
		}
		c.Return(endpoint.NewConn(c.VM, conn))
		return nil
	})
