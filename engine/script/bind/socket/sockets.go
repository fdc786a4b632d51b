//go:build linux

// Package socket has the verbs of hosts: sockets, TLS, HTTP.
package socket

import (
	"net/netip"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/socket"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

var listenVerb = &vm.Method{Name: "listen", Doc: "Opens a listening TCP socket. With a function, that is run for each connection; without, take them with accept.",
	Example: `server:listen(8080, function(conn) conn:write "hello" conn:close() end)`, Returns: "Listener", Phase: vm.Running,
	Params: []vm.Param{{Name: "port", Kind: args.Port, Doc: "where to listen"},
		{Name: "handler", Kind: args.Func, Optional: true, Doc: "run for each connection, as a task"}},
	Options: append([]vm.Option{args.OptDef("backlog", args.Int("backlog", 1, 65535, "a whole number"), "4096", "length of the accept queue"),
		args.Opt("addr", args.String, "the one address to listen at; all unless said"), session.OptBackground}, socketOptions...),
	Fn: func(c *vm.Call) error {
		r := session.Of(c)
		o, err := socketOptionsOf(c)
		if err != nil {
			return err
		}
		var at netip.Addr
		if text, ok := vm.Arg[string](c, "addr"); ok {
			if at, err = netip.ParseAddr(text); err != nil {
				return c.Fail(text, `write it like "192.0.2.1"`, "addr: %q is not an address", text)
			}
		}
		l, err := c.Self.(*session.Node).Endpoints.ListenAt(at, c.Args["port"].(int), vm.ArgOr(c, "backlog", 0), o)
		if err != nil {
			return c.Fail("listen", "each port of a host can be listened on once", "%v", err)
		}
		if fn, ok := vm.Arg[*lua.LFunction](c, "handler"); ok {
			r.Handlers = true
			t := vm.Task{What: "handler", File: c.File, Line: c.Line, Background: vm.ArgOr(c, "background", false)}
			r.VM.Go(func() { handle(r, l, t, fn) })
		}
		c.Return(c.VM.New(listenerClass, l))
		return nil
	}}

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
		r.VM.Enter(func() { r.VM.Spawn(t, fn, nil, r.VM.New(connClass, &conn0{Conn: conn, raw: conn})) })
	}
}

var listenerClass = &vm.Class{Name: "Listener", Doc: "A listening socket.",
	Fields: []*vm.Field{{Name: "port", Type: "integer", Doc: "Where it listens.", Get: func(_ *vm.VM, x any) (lua.LValue, error) {
		return lua.LNumber(x.(*socket.Listener).Port()), nil
	}}},
	Methods: []*vm.Method{
		{Name: "accept", Doc: "Takes the next connection. If none comes it returns nil and \"timeout\".", Example: `local conn = listener:accept()`,
			Returns: "Conn, string?", Phase: vm.Running, Options: []vm.Option{session.OptTimeout},
			Fn: func(c *vm.Call) error {
				ctx, cancel := session.Deadline(c)
				defer cancel()
				var conn *socket.Conn
				var err error
				c.VM.Block(func() { conn, err = c.Self.(*socket.Listener).AcceptContext(ctx) })
				if err != nil {
					session.ReturnErr(c, err)
					return session.Over(c)
				}
				c.Return(c.VM.New(connClass, &conn0{Conn: conn, raw: conn}))
				return nil
			}},
		{Name: "close", Doc: "Closes the listener; connections that wait to be accepted are reset.", Example: `listener:close()`, Phase: vm.Running,
			Fn: func(c *vm.Call) error { return c.Self.(*socket.Listener).Close() }},
	}}

// target is something to connect to.
type target struct {
	host *session.Node
	port int
	srv  *server
}

// kTarget is a host, a listener or a server.
var kTarget = &vm.Kind{Name: "target", Type: "Host|Listener|Server", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	r := session.Of(c)
	if n, ok := vm.As(x, session.Host, session.Router); ok {
		return target{host: n.(*session.Node)}, nil
	}
	if l, ok := vm.As(x, listenerClass); ok {
		l := l.(*socket.Listener)
		return target{host: r.Node(l.Host().Name()), port: l.Port()}, nil
	}
	if s, ok := vm.As(x, serverClass); ok {
		s := s.(*server)
		return target{host: s.host, port: int(s.Addr().Port()), srv: s}, nil
	}
	return nil, args.Wrong(x, "a host, a listener or a server", "write net.NAME, or what listen, serve or tls returned")
}}

// dialOptions are what every verb that opens a connection takes.
var dialOptions = append([]vm.Option{
	args.Opt("port", args.Port, "where to; not needed for a listener or a server"),
	args.Opt("ip", args.Int("IP version", 4, 6, "write 4 or 6"), "the IP version, where there are two; 4 unless said"),
	args.Opt("to_addr", args.String, "another address than the first of the host, as of a service behind NAT"),
	args.Opt("from_addr", args.String, "source address; the kernel's choice unless said"),
	args.Opt("from_port", args.Port, "source port; otherwise 40000 and up, the same each run"),
	session.OptTimeout,
}, socketOptions...)

// dialOf is what c wants to connect to and how.
func dialOf(c *vm.Call, option string) (target, socket.DialSpec, error) {
	t := c.Args[option].(target)
	port := vm.ArgOr(c, "port", t.port)
	if port == 0 {
		return t, socket.DialSpec{}, c.Fail(option, "write port = 443", "to which port of %s?", t.host.Name)
	}
	options, err := socketOptionsOf(c)
	if err != nil {
		return t, socket.DialSpec{}, err
	}
	s := socket.DialSpec{To: netip.AddrPortFrom(t.host.Primary(), uint16(port)), FromPort: vm.ArgOr(c, "from_port", 0), Options: options}
	if version, ok := vm.Arg[int](c, "ip"); ok {
		a := t.host.Address(version == 6)
		if !a.IsValid() {
			return t, s, c.Fail("ip", `write ip = "dual" in the topology to have both`, "%s has no IPv%d address", t.host.Name, version)
		}
		s.To = netip.AddrPortFrom(a, uint16(port))
	}
	for name, set := range map[string]func(netip.Addr){
		"to_addr":   func(a netip.Addr) { s.To = netip.AddrPortFrom(a, uint16(port)) },
		"from_addr": func(a netip.Addr) { s.From = a },
	} {
		if text, ok := vm.Arg[string](c, name); ok {
			a, err := netip.ParseAddr(text)
			if err != nil {
				return t, s, c.Fail(text, `write it like "192.0.2.1"`, "%s: %q is not an address", name, text)
			}
			set(a)
		}
	}
	if s.From.IsValid() && s.From.Is6() != s.To.Addr().Is6() {
		return t, s, c.Fail("from_addr", "take both of one IP version", "from %s to %s is no connection", s.From, s.To.Addr())
	}
	return t, s, nil
}

var dialVerb = &vm.Method{Name: "dial", Doc: "Opens a TCP connection. If that fails it returns nil and the error's name.",
	Example: `local conn, err = client:dial { to = server, port = 8080 }`, Returns: "Conn, string?", Phase: vm.Running,
	Options: append([]vm.Option{args.Need("to", kTarget, "a host, or what listen returned")}, dialOptions...),
	Fn: func(c *vm.Call) error {
		_, spec, err := dialOf(c, "to")
		if err != nil {
			return err
		}
		ctx, cancel := session.Deadline(c)
		defer cancel()
		var conn *socket.Conn
		c.VM.Block(func() { conn, err = c.Self.(*session.Node).Endpoints.Dial(ctx, spec) })
		if err != nil {
			session.ReturnErr(c, err)
			return session.Over(c)
		}
		c.Return(c.VM.New(connClass, &conn0{Conn: conn, raw: conn}))
		return nil
	}}

// Verbs of hosts, and the classes of what they return.
var (
	Verbs   = []*vm.Method{listenVerb, dialVerb, tlsVerb, serveVerb, fetchVerb, sessionVerb, loadVerb}
	Classes = []*vm.Class{listenerClass, connClass, addressClass, serverClass, callClass, resultClass, responseClass, sessionClass, loadClass, histogramClass}
)
