//go:build linux

// Package httpclient has the verbs of HTTP clients, which behave as curl and
// browsers do: one request, a session, and load.
package httpclient

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	"netrepro/engine/host/dns"
	"netrepro/engine/host/webclient"
	"netrepro/engine/script/args"
	"netrepro/engine/script/endpoint"
	"netrepro/engine/script/secure"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// Room is what this room adds to the language.
func Room() vm.Room {
	return vm.Room{
		Classes: []*vm.Class{responseClass, sessionClass, loadClass, histogramClass},
		Members: append(session.OnNodes([]*vm.Method{fetchVerb, sessionVerb, loadVerb}),
			vm.Members{Of: sessionClass, Methods: sessionVerbs}),
	}
}

// request is what one request says.
type request struct {
	webclient.Request
	body   string
	upload *int
	span   *string
}

func requestOptions(q *request) []vm.Argument {
	return []vm.Argument{
		args.String.Opt(&q.Path, "path", "what to ask for").Shown(`"/"`),
		args.String.Opt(&q.Method, "method", "HTTP method").Shown(`"GET"`),
		endpoint.KHeaders.Opt(&q.Header, "headers", `more header fields: { Range = "bytes=0-99" }`),
		args.String.Opt(&q.body, "body", "what to upload"),
		args.Size.Maybe(&q.upload, "upload", "upload this many bytes instead of a body; the method is then POST"),
		args.String.Maybe(&q.span, "range", `bytes wanted: "0-99", "100-", "-100"`),
		args.Size.Opt(&q.Stop, "stop", "close the connection after so many bytes of the answer"),
		args.Bool.Opt(&q.Close, "close", "say Connection: close, and let the server close"),
		args.Bool.Opt(&q.Expect, "expect", "say Expect: 100-continue, and wait before the body"),
	}
}

// spec is the request as a client makes it.
func (q *request) spec(c *vm.Call) (webclient.Request, error) {
	r := q.Request
	if r.Path != "" && r.Path[0] != '/' {
		return r, c.Fail(r.Path, `write "/file"`, "path %q does not begin with /", r.Path)
	}
	r.Body = []byte(q.body)
	if q.upload != nil {
		r.Body = endpoint.Filler(*q.upload)
	}
	if len(r.Body) > 0 && r.Method == "" {
		r.Method = "POST"
	}
	if q.span != nil {
		r.Header = append(slices.Clone(r.Header), [2]string{"Range", "bytes=" + *q.span})
	}
	return r, nil
}

// client is what a client of one server is told.
type client struct {
	from        endpoint.Target
	name        *string
	secure      *bool
	resolver    *session.Node
	verify      bool
	tls         secure.TLS
	closeNotify bool
	dial        endpoint.Dial
}

func clientOptions(a *client) []vm.Argument {
	return append([]vm.Argument{
		endpoint.KTarget.Need(&a.from, "from", "a server, or a host with port"),
		args.String.Maybe(&a.name, "name", "the name it asks for and expects; the server's own unless said"),
		args.Bool.Maybe(&a.secure, "tls", "over TLS; a server that was started with tls is known"),
		session.KHost.Opt(&a.resolver, "resolver",
			"a node with a name server, which is asked for the name's address before each connection"),
		secure.VerifyOption(&a.verify, "the server's certificate is checked against the case's authority"),
		secure.VersionsOption(&a.tls, `versions of TLS: { "TLSv1.2" }`),
		secure.TicketsOption(&a.tls),
		args.Bool.Opt(&a.tls.HTTP2, "http2", "speak HTTP/2"),
		args.Bool.Def(&a.closeNotify, "close_notify", "true", "connections are closed in TLS before they are in TCP"),
	}, endpoint.DialOptions(&a.dial)...)
}

// target is whom it speaks to.
func (a *client) target(c *vm.Call) (webclient.Target, error) {
	n := c.Self.(*session.Node)
	dial, err := a.dial.Spec(c, n, "from", a.from)
	if err != nil {
		return webclient.Target{}, err
	}
	out := webclient.Target{Dial: dial, Name: a.from.Host.Name, HTTP2: a.tls.HTTP2, NoCloseNotify: !a.closeNotify}
	if a.name != nil {
		out.Name = *a.name
	}
	if at := a.resolver; at != nil {
		six := dial.To.Addr().Is6()
		if !at.Address(six).IsValid() {
			return out, c.Fail("resolver", "take a node that speaks the same version of IP",
				"%s has no address of the version of %s", at.Name, dial.To.Addr())
		}
		r := dns.Resolver{Host: n.Endpoints, Server: netip.AddrPortFrom(at.Address(six), dns.Port), ID: n.Run.Number()}
		out.Resolve = func(ctx context.Context) (netip.Addr, error) { return r.Lookup(ctx, out.Name, six) }
	}
	secured := a.from.Secure
	if a.secure != nil {
		secured = *a.secure
	}
	if secured {
		out.TLS, err = a.tls.ClientConfig(n.Run, a.verify, out.Name)
	}
	return out, err
}

// fetch are the arguments of a request on a connection of its own.
type fetch struct {
	client  client
	request request
}

var fetchVerb = vm.Verb(vm.Method{Name: "fetch",
	Doc: "Makes one HTTP request on a connection of its own, as curl does, " +
		"and waits for the whole answer. A failure is in what it returns. There are no retries.",
	Example: `local got = client:fetch { from = file }`, Returns: "Response", Phase: vm.Running},
	func(a *fetch) []vm.Argument { return append(clientOptions(&a.client), requestOptions(&a.request)...) },
	func(c *vm.Call, a *fetch) error {
		t, err := a.client.target(c)
		if err != nil {
			return err
		}
		q, err := a.request.spec(c)
		if err != nil {
			return err
		}
		ctx, cancel := session.Deadline(c, a.client.dial.Timeout)
		defer cancel()
		var got *webclient.Response
		c.VM.Block(func() { got = webclient.Fetch(ctx, c.Self.(*session.Node).Endpoints, t, q) })
		c.Return(c.VM.New(responseClass, &response{got}))
		if errors.Is(ctx.Err(), context.Canceled) {
			return session.Over(c)
		}
		return nil
	})
