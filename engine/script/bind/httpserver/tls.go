//go:build linux

package httpserver

import (
	"context"
	"slices"

	"netrepro/engine/host/handshake"
	"netrepro/engine/host/socket"
	"netrepro/engine/script/args"
	"netrepro/engine/script/endpoint"
	"netrepro/engine/script/secure"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// tlsArgs are the arguments of tls, in either role.
type tlsArgs struct {
	to          *endpoint.Target // of a client
	name        *string
	verify      bool
	certs       secure.Certificates
	tls         secure.TLS
	closeNotify bool
	knobs       knobs
	dial        endpoint.Dial
}

// clientOnly are the options that a client alone takes.
func (a *tlsArgs) clientOnly() []vm.Argument {
	return []vm.Argument{
		endpoint.KTarget.Maybe(&a.to, "to", "client: a host, or what tls returned on another"),
		args.String.Maybe(&a.name, "name", "client: the name it expects; the server's own unless said"),
		secure.VerifyOption(&a.verify, "client: the server's certificate is checked"),
	}
}

// tlsServerOptions are those of TLS that a server has.
func (a *tlsArgs) tlsServerOptions() []vm.Argument {
	return []vm.Argument{
		secure.KChain.Maybe(&a.certs.Chain, "chain", "server: its certificate chain"),
		secure.KChains.Opt(&a.certs.Further, "certificates",
			"server: further chains, for the names in them that a client asks for"),
		args.Strings.Opt(&a.certs.Names, "names", "server: the names in its certificate, besides its own"),
		args.Size.Def(&a.knobs.BufferSize, "ssl_buffer_size", "16KB", "server: the largest TLS record"),
		secure.VersionsOption(&a.tls, `versions of TLS: { "TLSv1.2", "TLSv1.3" }, which is the default`),
		secure.TicketsOption(&a.tls),
		args.Bool.Opt(&a.tls.HTTP2, "http2", "HTTP/2 is spoken too, if the other side does"),
		args.Bool.Def(&a.closeNotify, "close_notify", "true", "connections are closed in TLS before they are in TCP"),
	}
}

var tlsVerb = vm.Verb(vm.Method{Name: "tls",
	Doc: "With port alone: starts an HTTP server over TLS, with nginx's knobs. " +
		"With to: connects and begins a handshake, which goes on by itself.",
	Example: `local call = client:tls { to = site, timeout = "8s" }`, Returns: "Server|Call", Phase: vm.Running},
	func(a *tlsArgs) []vm.Argument {
		return slices.Concat(a.clientOnly(), a.tlsServerOptions(), knobOptions(&a.knobs), endpoint.DialOptions(&a.dial))
	},
	func(c *vm.Call, a *tlsArgs) error {
		if err := roles(c, a); err != nil {
			return err
		}
		if a.to != nil {
			return tlsClient(c, a)
		}
		if a.dial.Port == 0 {
			return c.Fail("tls", "write port = 443 for a server, to = … for a client", "tls needs port or to")
		}
		return tlsServer(c, a)
	})

// roles refuses options of the role that a call of tls does not have.
func roles(c *vm.Call, a *tlsArgs) error {
	var none tlsArgs
	both := append(names(endpoint.SocketOptions(&endpoint.Socket{})), "port", "ssl_protocols", "ssl_session_tickets",
		"http2")
	role, other := "server", append(names(none.clientOnly()[1:]), names(endpoint.DialOptions(&none.dial))...)
	if a.to != nil {
		role, other = "client", append(names(knobOptions(&none.knobs)), names(none.tlsServerOptions())...)
	}
	for _, o := range other {
		if c.Given(o) && !slices.Contains(both, o) {
			return c.Fail(o, "a server has port and no to, a client has to", "a TLS %s does not take %s", role, o)
		}
	}
	return nil
}

func names(options []vm.Argument) []string {
	var out []string
	for _, o := range options {
		out = append(out, o.(vm.Option).Name)
	}
	return out
}

func tlsServer(c *vm.Call, a *tlsArgs) error {
	n := c.Self.(*session.Node)
	certs, err := a.certs.Issue(c, n)
	if err != nil {
		return err
	}
	o, err := a.dial.Socket(c, n)
	if err != nil {
		return err
	}
	a.knobs.NoCloseNotify = !a.closeNotify
	return a.knobs.serve(c, n, a.dial.Port, handshake.ServerConfig(a.tls.Spec(n.Run), certs...), o, a.dial.ReusePort())
}

func tlsClient(c *vm.Call, a *tlsArgs) error {
	n := c.Self.(*session.Node)
	spec, err := a.dial.Spec(c, n, "to", *a.to)
	if err != nil {
		return err
	}
	name := a.to.Host.Name
	if a.name != nil {
		name = *a.name
	}
	cfg, err := a.tls.ClientConfig(n.Run, a.verify, name)
	if err != nil {
		return err
	}
	ctx, cancel := session.Deadline(c, a.dial.Timeout)
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

// A call is a connection to verbs that ask for one.
var _ session.Ended = (*handshake.Call)(nil)

var callClass = &vm.Class{Name: "Call", Doc: "A TLS handshake under way.",
	Methods: []*vm.Method{
		{Name: "wait", Doc: "Waits for the handshake to end and says how it did.", Example: `local done = call:wait()`,
			Returns: "Result", Phase: vm.Running,
			Fn: func(c *vm.Call) error {
				var res socket.Result
				var err error
				c.VM.Block(func() { res, err = c.Self.(*handshake.Call).Wait(c.VM.Context()) })
				if err != nil {
					return session.Over(c)
				}
				c.Return(c.VM.New(endpoint.Result, res))
				return nil
			}},
		{Name: "conn", Doc: "The connection, after a handshake that succeeded.", Example: `local conn = call:conn()`,
			Returns: "Conn", Phase: vm.Running,
			Fn: func(c *vm.Call) error {
				conn, err := c.Self.(*handshake.Call).TLS()
				if err != nil {
					return c.Fail("conn", "look at what call:wait() returns", "%v", err)
				}
				c.Return(endpoint.NewTLS(c.VM, conn, conn.NetConn().(*handshake.Stream).Conn))
				return nil
			}},
	}}
