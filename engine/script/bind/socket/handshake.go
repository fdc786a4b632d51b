//go:build linux

package socket

import (
	"crypto/tls"
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/handshake"
	"netrepro/engine/host/socket"
	"netrepro/engine/script/args"
	"netrepro/engine/script/endpoint"
	"netrepro/engine/script/secure"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// shaking are the arguments of handshake.
type shaking struct {
	timeout time.Duration
	as      string
	node    *session.Node
	name    string
	certs   secure.Certificates
	verify  bool
	tls     secure.TLS
}

var kSide = args.Enum("side", "client", "server")

// secureVerbs are those of connections that speak TLS, or begin to.
var secureVerbs = []*vm.Method{
	vm.Verb(vm.Method{Name: "handshake", Doc: `Begins TLS on a connection, as the client or, with as = "server", ` +
		"as the server, and waits for its end. After that, reads and writes go through TLS; each write is " +
		"one record. Returns true, or nil and what failed.",
		Example: `local ok, err = conn:handshake { name = "server" }`, Returns: "boolean, string?", Phase: vm.Running},
		func(a *shaking) []vm.Argument {
			return []vm.Argument{
				session.Timeout(&a.timeout),
				kSide.Def(&a.as, "as", "client", "which side it is"),
				session.KHost.Opt(&a.node, "node", "server: whose certificate it shows; client: whose name it expects"),
				args.String.Opt(&a.name, "name", "client: the name it expects"),
				secure.KChain.Maybe(&a.certs.Chain, "chain", "server: its certificate chain"),
				secure.VerifyOption(&a.verify, "client: the server's certificate is checked"),
				secure.VersionsOption(&a.tls, `versions of TLS: { "TLSv1.2" }`),
				secure.TicketsOption(&a.tls),
			}
		}, shakeHands),
	{Name: "close_notify", Doc: "Tells the other side, in TLS, that nothing more will be written. TCP stays open.",
		Example: `conn:close_notify()`, Phase: vm.Running,
		Fn: func(c *vm.Call) error {
			t, ok := c.Self.(*endpoint.Connection).Conn.(*tls.Conn)
			if !ok {
				return c.Fail("close_notify", "say conn:handshake() first", "the connection does not speak TLS")
			}
			return told(c, t.CloseWrite())
		}},
	vm.Verb(vm.Method{Name: "write_raw", Doc: "Writes bytes past TLS, as they are.",
		Example: `conn:write_raw(hex "15 03 03 00 02 02 28")`, Returns: "integer, string?", Phase: vm.Running},
		writeOptions,
		func(c *vm.Call, a *written) error { return write(c, c.Self.(*endpoint.Connection).Raw, a) }),
}

func shakeHands(c *vm.Call, a *shaking) error {
	conn, r := c.Self.(*endpoint.Connection), session.Of(c)
	if _, ok := conn.Conn.(*tls.Conn); ok {
		return c.Fail("handshake", "leave it out", "the connection speaks TLS already")
	}
	var t *tls.Conn
	if a.as == "server" {
		node := a.node
		if node == nil {
			node = r.Node(conn.Raw.Host().Name())
		}
		certs, err := a.certs.Issue(c, node)
		if err != nil {
			return err
		}
		t = tls.Server(&handshake.Stream{Conn: conn.Raw}, handshake.ServerConfig(a.tls.Spec(r), certs...))
	} else {
		cfg, err := a.tls.ClientConfig(r, a.verify, expected(r, a, conn))
		if err != nil {
			return err
		}
		t = tls.Client(&handshake.Stream{Conn: conn.Raw}, cfg)
	}
	ctx, cancel := session.Deadline(c, a.timeout)
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

// expected is the name that a client expects of the other side: the one it says,
// or that of the node.
func expected(r *session.Run, a *shaking, conn *endpoint.Connection) string {
	if a.name != "" {
		return a.name
	}
	if a.node != nil {
		return a.node.Name
	}
	name := ""
	for _, n := range r.Nodes {
		if slices.Contains(n.Addrs(), conn.Remote().Addr()) {
			name = n.Name
		}
	}
	return name
}
