//go:build linux

package socket

import (
	"context"
	"crypto/tls"
	"slices"
	"strings"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/handshake"
	"netrepro/engine/host/pki"
	"netrepro/engine/host/socket"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

func lower(s string) string { return strings.ToLower(s) }

var tlsVerb = &vm.Method{Name: "tls", Doc: "With port alone: starts an HTTP server over TLS, with nginx's knobs. With to: connects and begins a handshake, which goes on by itself.",
	Example: `local call = client:tls { to = site, timeout = "8s" }`, Returns: "Server|Call", Phase: vm.Running,
	Options: slices.Concat([]vm.Option{
		args.Opt("to", kTarget, "client: a host, or what tls returned on another"),
		args.Opt("name", args.String, "client: the name it expects; the server's own unless said"),
		args.OptDef("verify", args.Bool, "true", "client: the server's certificate is checked"),
	}, tlsServerOptions, answerOptions, serverOptions, dialOptions),
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
		return serveTLS(c)
	}}

// both are the options that either role of tls takes.
var both = append([]string{"port", "ssl_protocols", "ssl_session_tickets", "http2"}, names(socketOptions)...)

// roles refuses options of the role that a call of tls does not have.
func roles(c *vm.Call, client bool) error {
	role, other := "server", append([]string{"name", "verify"}, names(dialOptions)...)
	if client {
		role, other = "client", slices.Concat(names(answerOptions), names(serverOptions), names(tlsServerOptions))
	}
	for _, o := range other {
		if _, given := c.Args[o]; given && !slices.Contains(both, o) {
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

// clientTLS is the TLS configuration of a client that expects name.
func clientTLS(r *session.Run, c *vm.Call, name string) (*tls.Config, error) {
	var ca *pki.CA
	var err error
	if vm.ArgOr(c, "verify", true) {
		if ca, err = r.Authority(); err != nil {
			return nil, err
		}
	}
	return handshake.ClientConfig(tlsSpecOf(c, r.Keys), ca, name), nil
}

func tlsClient(c *vm.Call) error {
	n := c.Self.(*session.Node)
	t, spec, err := dialOf(c, "to")
	if err != nil {
		return err
	}
	cfg, err := clientTLS(n.Run, c, vm.ArgOr(c, "name", t.host.Name))
	if err != nil {
		return err
	}
	ctx, cancel := session.Deadline(c)
	call, err := handshake.Start(ctx, n.Endpoints, spec, cfg)
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
				var res socket.Result
				var err error
				c.VM.Block(func() { res, err = c.Self.(*handshake.Call).Wait(c.VM.Context()) })
				if err != nil {
					return session.Over(c)
				}
				c.Return(c.VM.New(resultClass, res))
				return nil
			}},
		{Name: "conn", Doc: "The connection, after a handshake that succeeded.", Example: `local conn = call:conn()`, Returns: "Conn", Phase: vm.Running,
			Fn: func(c *vm.Call) error {
				conn, err := c.Self.(*handshake.Call).TLS()
				if err != nil {
					return c.Fail("conn", "look at what call:wait() returns", "%v", err)
				}
				c.Return(c.VM.New(connClass, &conn0{Conn: conn, raw: conn.NetConn().(*handshake.Stream).Conn}))
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

func resultOf(x any) socket.Result {
	r, _ := session.ResultOf(x)
	return r
}

var resultClass = &vm.Class{Name: "Result", Doc: "How something ended.", Fields: []*vm.Field{errorField, timeField},
	String: func(x any) string { return session.Describe(resultOf(x)) }}

// secureVerbs are those of connections that speak TLS, or begin to.
var secureVerbs = []*vm.Method{
	{Name: "handshake", Doc: "Begins TLS on a connection, as the client or, with as = \"server\", as the server, and waits for its end. From then on what is read and written goes through TLS; a write is a record. Returns true, or nil and what failed.",
		Example: `local ok, err = conn:handshake { name = "server" }`, Returns: "boolean, string?", Phase: vm.Running,
		Options: []vm.Option{session.OptTimeout,
			args.OptDef("as", args.Enum("side", "client", "server"), "client", "which side it is"),
			args.Opt("node", session.KHost, "server: whose certificate it shows; client: whose name it expects"),
			args.Opt("name", args.String, "client: the name it expects"),
			args.Opt("chain", session.KChain, "server: its certificate chain"),
			args.OptDef("verify", args.Bool, "true", "client: the server's certificate is checked"),
			args.Opt("ssl_protocols", kVersions, `versions of TLS: { "TLSv1.2" }`),
			args.OptDef("ssl_session_tickets", args.Bool, "true", "sessions may be resumed")},
		Fn: shakeHands},
	{Name: "close_notify", Doc: "Says in TLS that nothing more will be written; TCP stays open.", Example: `conn:close_notify()`, Phase: vm.Running,
		Fn: func(c *vm.Call) error {
			t, ok := c.Self.(*conn0).Conn.(*tls.Conn)
			if !ok {
				return c.Fail("close_notify", "say conn:handshake() first", "the connection does not speak TLS")
			}
			if err := t.CloseWrite(); err != nil {
				session.ReturnErr(c, err)
			}
			return nil
		}},
	{Name: "write_raw", Doc: "Writes bytes past TLS, as they are.", Example: `conn:write_raw(hex "15 03 03 00 02 02 28")`, Returns: "integer, string?", Phase: vm.Running,
		Params: []vm.Param{{Name: "data", Kind: args.String, Doc: "what to write"}}, Options: []vm.Option{session.OptTimeout},
		Fn: func(c *vm.Call) error { return writeTo(c, c.Self.(*conn0).raw) }},
}

func shakeHands(c *vm.Call) error {
	conn, r := c.Self.(*conn0), session.Of(c)
	if _, ok := conn.Conn.(*tls.Conn); ok {
		return c.Fail("handshake", "leave it out", "the connection speaks TLS already")
	}
	node, _ := vm.Arg[*session.Node](c, "node")
	var t *tls.Conn
	if vm.ArgOr(c, "as", "client") == "server" {
		if node == nil {
			node = r.Node(conn.raw.Host().Name())
		}
		certs, err := session.Certificates(node, c)
		if err != nil {
			return err
		}
		t = tls.Server(&handshake.Stream{Conn: conn.raw}, handshake.ServerConfig(tlsSpecOf(c, r.Keys), certs...))
	} else {
		name := vm.ArgOr(c, "name", "")
		if name == "" && node != nil {
			name = node.Name
		}
		if name == "" {
			for _, n := range r.Nodes {
				if slices.Contains(n.Addrs(), conn.Remote().Addr()) {
					name = n.Name
				}
			}
		}
		cfg, err := clientTLS(r, c, name)
		if err != nil {
			return err
		}
		t = tls.Client(&handshake.Stream{Conn: conn.raw}, cfg)
	}
	ctx, cancel := session.Deadline(c)
	defer cancel()
	var err error
	c.VM.Block(func() { err = t.HandshakeContext(ctx) })
	if err != nil {
		what := socket.ErrName(err)
		if why := handshake.Why(err); why != "" {
			what = why
		}
		c.Return(lua.LNil, lua.LString(what))
		return session.Over(c)
	}
	conn.Conn = t
	c.Return(lua.LTrue)
	return nil
}
