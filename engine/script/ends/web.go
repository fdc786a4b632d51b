//go:build linux

package ends

import (
	"context"
	"crypto/tls"
	"errors"
	"net/netip"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/endpoint"
	"netrepro/engine/script/kind"
	"netrepro/engine/script/vm"
	"netrepro/engine/script/world"
)

// server is a server as scripts see it.
type server struct {
	*endpoint.Server
	host *world.Node
}

var chainTable = &vm.Method{Name: "chain", Options: []vm.Option{kind.Opt("bytes", kind.Size, "size of all certificates together")}}

var kChain = &vm.Kind{Name: "certificate chain", Type: "Chain", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, kind.Wrong(x, "a certificate chain", `write chain = tls.chain { bytes = 6000 }, after local tls = require "tls"`)
	}
	n, _ := c.Table(chainTable, t)["bytes"].(int)
	return n, nil
}}

var answerOptions = []vm.Option{
	kind.OptDef("body", kind.String, `""`, "what every request is answered with"),
	kind.OptDef("status", kind.Int("status", 200, 599, "an HTTP status is 200 to 599"), "200", "HTTP status"),
}

// serve starts a server on n.
func serve(n *world.Node, c *vm.Call, cfg *tls.Config) error {
	s, err := n.Endpoints.Serve(endpoint.ServeSpec{Port: c.Args["port"].(int), Body: []byte(vm.ArgOr(c, "body", "")), Status: vm.ArgOr(c, "status", 0), TLS: cfg})
	if err != nil {
		return c.Fail("port", "each port of a host can be listened on once", "%v", err)
	}
	c.Return(c.VM.New(serverClass, &server{s, n}))
	return nil
}

var serveVerb = &vm.Method{Name: "serve", Doc: "Starts an HTTP/1.1 server.", Example: `local file = server:serve { port = 80, body = ("x"):rep(30000) }`,
	Returns: "Server", Phase: vm.Running, Options: append([]vm.Option{kind.Need("port", kind.Port, "where to listen")}, answerOptions...),
	Fn: func(c *vm.Call) error { return serve(c.Self.(*world.Node), c, nil) }}

var tlsVerb = &vm.Method{Name: "tls", Doc: "With port alone: starts an HTTP/1.1 server over TLS. With to: connects and begins a handshake, which goes on by itself.",
	Example: `local call = client:tls { to = site, timeout = "8s" }`, Returns: "Server|Call", Phase: vm.Running,
	Options: append(append([]vm.Option{
		kind.Opt("to", kTarget, "client: a host, or what tls returned on another"),
		kind.Opt("chain", kChain, "server: its certificate chain"),
		kind.Opt("names", kind.Strings, "server: the names in its certificate, besides its own"),
		kind.Opt("name", kind.String, "client: the name it expects; the server's own unless said"),
	}, answerOptions...), dialOptions...),
	Fn: func(c *vm.Call) error {
		_, client := c.Args["to"]
		if err := roles(c, client); err != nil {
			return err
		}
		if client {
			return tlsClient(c)
		}
		if _, ok := c.Args["port"]; !ok {
			return c.Fail("tls", "write port = 443 for a server, to = … for a client", "tls needs port or to")
		}
		n := c.Self.(*world.Node)
		ca, err := n.Run.Authority()
		if err != nil {
			return err
		}
		names := append([]string{n.Name}, vm.ArgOr[[]string](c, "names", nil)...)
		cert, err := ca.Issue(names, n.Addrs(), vm.ArgOr(c, "chain", 0))
		if err != nil {
			return c.Fail("chain", "ask for another size", "%v", err)
		}
		return serve(n, c, endpoint.ServerTLS(cert, n.Run.Keys))
	}}

// roles refuses options of the role that a call of tls does not have.
func roles(c *vm.Call, client bool) error {
	role, other := "server", append([]string{"name", "from_port", "from_addr", "to_addr", "ip", "timeout"}, names(socketOptions)...)
	if client {
		role, other = "client", append([]string{"chain", "names"}, names(answerOptions)...)
	}
	for _, o := range other {
		if _, given := c.Args[o]; given {
			return c.Fail(o, "a server has port and no to, a client has to", "a TLS %s does not take %s", role, o)
		}
	}
	return nil
}

func names(options []vm.Option) []string {
	var out []string
	for _, o := range options {
		out = append(out, o.Name)
	}
	return out
}

// clientTLS is the TLS configuration of a client of t.
func clientTLS(r *world.Run, c *vm.Call, t target) (*tls.Config, string, error) {
	ca, err := r.Authority()
	if err != nil {
		return nil, "", err
	}
	name := vm.ArgOr(c, "name", t.host.Name)
	return endpoint.ClientTLS(ca, name, r.Keys), name, nil
}

func tlsClient(c *vm.Call) error {
	n := c.Self.(*world.Node)
	t, spec, err := dialOf(c, "to")
	if err != nil {
		return err
	}
	cfg, _, err := clientTLS(n.Run, c, t)
	if err != nil {
		return err
	}
	ctx, cancel := world.Deadline(c)
	call, err := n.Endpoints.StartTLS(ctx, spec, cfg)
	if err != nil {
		cancel()
		return err
	}
	n.Run.VM.Go(func() { // the deadline is the handshake's, not this verb's
		defer cancel()
		_, _ = call.Wait(context.Background())
	})
	c.Return(c.VM.New(callClass, call))
	return nil
}

var callClass = &vm.Class{Name: "Call", Doc: "A TLS handshake under way.",
	Methods: []*vm.Method{
		{Name: "wait", Doc: "Waits for the handshake to end and says how it did.", Example: `local done = call:wait()`, Returns: "Result", Phase: vm.Running,
			Fn: func(c *vm.Call) error {
				var res endpoint.Result
				var err error
				c.VM.BlockIO(func() { res, err = c.Self.(*endpoint.Call).Wait(c.VM.Context()) })
				if err != nil {
					return world.Over(c)
				}
				c.Return(c.VM.New(resultClass, res))
				return nil
			}},
		{Name: "conn", Doc: "The connection, after a handshake that succeeded.", Example: `local conn = call:conn()`, Returns: "Conn", Phase: vm.Running,
			Fn: func(c *vm.Call) error {
				conn, err := c.Self.(*endpoint.Call).TLS()
				if err != nil {
					return c.Fail("conn", "look at what call:wait() returns", "%v", err)
				}
				raw, _ := conn.NetConn().(*endpoint.Conn)
				c.Return(c.VM.New(connClass, &conn0{Conn: conn, raw: raw}))
				return nil
			}},
	}}

var errorField = &vm.Field{Name: "error", Type: "string?", Doc: `What failed and how, as in "handshake timeout"; nil if nothing did.`,
	Get: func(_ *vm.VM, x any) (lua.LValue, error) {
		if r := resultOf(x); !r.OK() {
			return lua.LString(r.Err), nil
		}
		return lua.LNil, nil
	}}

var timeField = &vm.Field{Name: "time", Type: "number", Doc: "How long it took, in seconds.",
	Get: func(_ *vm.VM, x any) (lua.LValue, error) { return lua.LNumber(resultOf(x).Took.Seconds()), nil }}

func resultOf(x any) endpoint.Result {
	r, _ := world.ResultOf(x)
	return r
}

var resultClass = &vm.Class{Name: "Result", Doc: "How something ended.", Fields: []*vm.Field{errorField, timeField},
	String: func(x any) string { return world.Describe(resultOf(x)) }}

var serverClass = &vm.Class{Name: "Server", Doc: "An HTTP/1.1 server, with or without TLS.",
	Fields: []*vm.Field{{Name: "port", Type: "integer", Doc: "Where it listens.", Get: func(_ *vm.VM, x any) (lua.LValue, error) {
		return lua.LNumber(x.(*server).Addr().Port()), nil
	}}},
	Methods: []*vm.Method{{Name: "close", Doc: "Ends the server and its connections.", Phase: vm.Running,
		Fn: func(c *vm.Call) (err error) {
			c.VM.BlockIO(func() { err = c.Self.(*server).Close() })
			return err
		}}}}

// response is what a fetch brought, as scripts see it.
type response struct{ *endpoint.Response }

// Outcome is how it ended.
func (r *response) Outcome() endpoint.Result { return r.Result }

func (r *response) Local() netip.AddrPort  { return r.Response.Local }
func (r *response) Remote() netip.AddrPort { return r.Response.Remote }

var fetchVerb = &vm.Method{Name: "fetch", Doc: "Makes one HTTP/1.1 request on a connection of its own and waits for the whole answer. A failure is in what it returns.",
	Example: `local got = client:fetch { from = file }`, Returns: "Response", Phase: vm.Running,
	Options: append([]vm.Option{
		kind.Need("from", kTarget, "a server, or a host with port"),
		kind.OptDef("path", kind.String, `"/"`, "what to ask for"),
		kind.Opt("name", kind.String, "the name it asks for and expects; the server's own unless said"),
		kind.Opt("tls", kind.Bool, "over TLS; a server that was started with tls is known"),
	}, dialOptions...),
	Fn: func(c *vm.Call) error {
		n := c.Self.(*world.Node)
		t, dial, err := dialOf(c, "from")
		if err != nil {
			return err
		}
		s := endpoint.FetchSpec{To: dial.To, DialSpec: dial, Path: vm.ArgOr(c, "path", "/"), Name: vm.ArgOr(c, "name", t.host.Name)}
		if s.Path == "" || s.Path[0] != '/' {
			return c.Fail(s.Path, `write "/file"`, "path %q does not begin with /", s.Path)
		}
		if vm.ArgOr(c, "tls", t.srv != nil && t.srv.TLS()) {
			if s.TLS, s.Name, err = clientTLS(n.Run, c, t); err != nil {
				return err
			}
		}
		ctx, cancel := world.Deadline(c)
		defer cancel()
		var got *endpoint.Response
		c.VM.BlockIO(func() { got = n.Endpoints.Fetch(ctx, s) })
		c.Return(c.VM.New(responseClass, &response{got}))
		if errors.Is(ctx.Err(), context.Canceled) {
			return world.Over(c)
		}
		return nil
	}}

func responseField(name, typ, doc string, get func(*response) lua.LValue) *vm.Field {
	return &vm.Field{Name: name, Type: typ, Doc: doc, Get: func(_ *vm.VM, x any) (lua.LValue, error) { return get(x.(*response)), nil }}
}

var responseClass = &vm.Class{Name: "Response", Doc: "What a fetch brought, as far as it came.",
	Fields: []*vm.Field{
		errorField, timeField,
		responseField("status", "integer", "HTTP status, 0 if none came.", func(r *response) lua.LValue { return lua.LNumber(r.Status) }),
		responseField("body", "string", "The body, as far as it came.", func(r *response) lua.LValue { return lua.LString(r.Body) }),
		responseField("bytes", "integer", "Length of the body, as far as it came.", func(r *response) lua.LValue { return lua.LNumber(len(r.Body)) }),
		responseField("connected", "number", "Seconds until TCP was connected, 0 if never.", func(r *response) lua.LValue { return lua.LNumber(r.Connected.Seconds()) }),
		responseField("handshaken", "number", "Seconds until TLS was ready, 0 if never.", func(r *response) lua.LValue { return lua.LNumber(r.Handshaken.Seconds()) }),
		responseField("first_byte", "number", "Seconds until the first byte of the answer, 0 if never.", func(r *response) lua.LValue { return lua.LNumber(r.FirstByte.Seconds()) }),
	},
	String: func(x any) string { return world.Describe(resultOf(x)) }}
