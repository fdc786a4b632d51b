//go:build linux

package script

import (
	"context"
	"net/netip"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/endpoint"
	"netrepro/engine/script/vm"
)

// verbTimeout bounds every verb that waits and was not told otherwise.
const verbTimeout = 10 * time.Second

var optTimeout = optDef("timeout", kDuration, "10s", "how long to wait")

// deadline is the context of a verb that waits.
func deadline(c *vm.Call) (context.Context, context.CancelFunc) {
	return context.WithTimeout(c.VM.Context(), vm.ArgOr(c, "timeout", verbTimeout))
}

// returnErr returns nil and the error's name.
func returnErr(c *vm.Call, err error) { c.Return(lua.LNil, lua.LString(endpoint.ErrName(err))) }

// ended reports whether the whole case is over; then a verb must not go on as
// if only it had failed.
func over(c *vm.Call) error { return context.Cause(c.VM.Context()) }

var kLinger = &vm.Kind{Name: "linger time", Type: "integer|Duration", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	if n, ok := x.(lua.LNumber); ok && n >= 0 && n <= 3600 {
		return time.Duration(float64(n) * float64(time.Second)), nil
	}
	return kDuration.Parse(c, x)
}}

// socketOptions are those that set may change and dial and listen take.
var socketOptions = []vm.Option{
	opt("linger", kLinger, "SO_LINGER: seconds close waits; 0 makes close send RST"),
	opt("nodelay", kBool, "TCP_NODELAY: do not gather small writes"),
	opt("cork", kBool, "TCP_CORK: send full segments only"),
	opt("quickack", kBool, "TCP_QUICKACK: acknowledge at once"),
	opt("keepalive", kBool, "SO_KEEPALIVE"),
	opt("rcvbuf", kSize, "SO_RCVBUF: bytes asked for; the kernel doubles it"),
	opt("sndbuf", kSize, "SO_SNDBUF: bytes asked for; the kernel doubles it"),
	opt("mss", kInt("MSS", 48, 65495, "48 to 65495 bytes"), "TCP_MAXSEG"),
	opt("user_timeout", kDuration, "TCP_USER_TIMEOUT: how long data may stay unacknowledged"),
}

func socketOptionsOf(c *vm.Call) endpoint.Options {
	ptr := func(name string) *bool {
		if b, ok := vm.Arg[bool](c, name); ok {
			return &b
		}
		return nil
	}
	o := endpoint.Options{NoDelay: ptr("nodelay"), Cork: ptr("cork"), QuickAck: ptr("quickack"), KeepAlive: ptr("keepalive"),
		RcvBuf: vm.ArgOr(c, "rcvbuf", 0), SndBuf: vm.ArgOr(c, "sndbuf", 0), MSS: vm.ArgOr(c, "mss", 0),
		UserTimeout: vm.ArgOr(c, "user_timeout", time.Duration(0))}
	if d, ok := vm.Arg[time.Duration](c, "linger"); ok {
		o.Linger = &d
	}
	return o
}

var listenVerb = &vm.Method{Name: "listen", Doc: "Opens a listening TCP socket. With a function, that is run for each connection; without, take them with accept.",
	Example: `server:listen(8080, function(conn) conn:write "hello" conn:close() end)`, Returns: "Listener", Phase: vm.Running,
	Params: []vm.Param{{Name: "port", Kind: kPort, Doc: "where to listen"},
		{Name: "handler", Kind: kFunc, Optional: true, Doc: "run for each connection, as a task"}},
	Options: append([]vm.Option{optDef("backlog", kInt("backlog", 1, 65535, "a whole number"), "4096", "length of the accept queue")}, socketOptions...),
	Fn: func(c *vm.Call) error {
		r := runOf(c)
		l, err := c.Self.(*node).ep.Listen(c.Args["port"].(int), vm.ArgOr(c, "backlog", 0), socketOptionsOf(c))
		if err != nil {
			return c.Fail("listen", "each port of a host can be listened on once", "%v", err)
		}
		if fn, ok := vm.Arg[*lua.LFunction](c, "handler"); ok {
			r.handlers = true
			r.vm.Go(func() { r.serve(l, fn) })
		}
		c.Return(c.VM.New(listenerClass, l))
		return nil
	}}

// serve runs fn for every connection until the listener is closed.
func (r *run) serve(l *endpoint.Listener, fn *lua.LFunction) {
	for {
		conn, err := l.AcceptContext(r.vm.Context())
		if endpoint.ErrName(err) == endpoint.Timeout && r.vm.Context().Err() == nil {
			continue // an accept of the script's had a deadline on the same socket
		}
		if err != nil {
			return
		}
		r.vm.Enter(func() { r.vm.Spawn(fn, nil, r.vm.New(connClass, &conn0{Conn: conn, raw: conn})) })
	}
}

var listenerClass = &vm.Class{Name: "Listener", Doc: "A listening socket.",
	Fields: []*vm.Field{{Name: "port", Type: "integer", Doc: "Where it listens.", Get: func(_ *vm.VM, x any) (lua.LValue, error) {
		return lua.LNumber(x.(*endpoint.Listener).Port()), nil
	}}},
	Methods: []*vm.Method{
		{Name: "accept", Doc: "Takes the next connection. If none comes it returns nil and \"timeout\".", Example: `local conn = listener:accept()`,
			Returns: "Conn", Phase: vm.Running, Options: []vm.Option{optTimeout},
			Fn: func(c *vm.Call) error {
				ctx, cancel := deadline(c)
				defer cancel()
				var conn *endpoint.Conn
				var err error
				c.VM.BlockIO(func() { conn, err = c.Self.(*endpoint.Listener).AcceptContext(ctx) })
				if err != nil {
					returnErr(c, err)
					return over(c)
				}
				c.Return(c.VM.New(connClass, &conn0{Conn: conn, raw: conn}))
				return nil
			}},
		{Name: "close", Doc: "Closes the listener; connections that wait to be accepted are reset.", Phase: vm.Running,
			Fn: func(c *vm.Call) error { return c.Self.(*endpoint.Listener).Close() }},
	}}

// target is something to connect to.
type target struct {
	host *node
	port int
	srv  *server
}

// kTarget is a host, a listener or a server.
var kTarget = &vm.Kind{Name: "target", Type: "Host|Listener|Server", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	r := runOf(c)
	if n, ok := vm.As(x, hostClass, routerClass); ok {
		return target{host: n.(*node)}, nil
	}
	if l, ok := vm.As(x, listenerClass); ok {
		l := l.(*endpoint.Listener)
		return target{host: r.node(l.Host().Name()), port: l.Port()}, nil
	}
	if s, ok := vm.As(x, serverClass); ok {
		s := s.(*server)
		return target{host: s.host, port: int(s.Addr().Port()), srv: s}, nil
	}
	return nil, wrong(x, "a host, a listener or a server", "write net.NAME, or what listen, serve or tls returned")
}}

// dialOptions are what every verb that opens a connection takes.
var dialOptions = append([]vm.Option{
	opt("port", kPort, "where to; not needed for a listener or a server"),
	opt("from_port", kPort, "source port; otherwise 40000 and up, the same each run"),
	optTimeout,
}, socketOptions...)

// dialOf is what c wants to connect to and how.
func dialOf(c *vm.Call, option string) (target, endpoint.DialSpec, error) {
	t := c.Args[option].(target)
	port := vm.ArgOr(c, "port", t.port)
	if port == 0 {
		return t, endpoint.DialSpec{}, c.Fail(option, "write port = 443", "to which port of %s?", t.host.Name)
	}
	return t, endpoint.DialSpec{To: netip.AddrPortFrom(t.host.Primary(), uint16(port)), FromPort: vm.ArgOr(c, "from_port", 0),
		Options: socketOptionsOf(c)}, nil
}

var dialVerb = &vm.Method{Name: "dial", Doc: "Opens a TCP connection. If that fails it returns nil and the error's name.",
	Example: `local conn, err = client:dial { to = server, port = 8080 }`, Returns: "Conn", Phase: vm.Running,
	Options: append([]vm.Option{need("to", kTarget, "a host, or what listen returned")}, dialOptions...),
	Fn: func(c *vm.Call) error {
		_, spec, err := dialOf(c, "to")
		if err != nil {
			return err
		}
		ctx, cancel := deadline(c)
		defer cancel()
		var conn *endpoint.Conn
		c.VM.BlockIO(func() { conn, err = c.Self.(*node).ep.Dial(ctx, spec) })
		if err != nil {
			returnErr(c, err)
			return over(c)
		}
		c.Return(c.VM.New(connClass, &conn0{Conn: conn, raw: conn}))
		return nil
	}}
