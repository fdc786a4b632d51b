//go:build linux

package socket

import (
	"context"
	"errors"
	"net/netip"
	"slices"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/dns"
	"netrepro/engine/host/handshake"
	"netrepro/engine/host/pki"
	"netrepro/engine/host/socket"
	"netrepro/engine/host/webclient"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// response is what a fetch brought, as scripts see it.
type response struct{ *webclient.Response }

// Outcome is how it ended.
func (r *response) Outcome() socket.Result { return r.Result }

func (r *response) Local() netip.AddrPort  { return r.Response.Local }
func (r *response) Remote() netip.AddrPort { return r.Response.Remote }

// requestOptions are what one request takes.
var requestOptions = []vm.Option{
	args.OptDef("path", args.String, `"/"`, "what to ask for"),
	args.OptDef("method", args.String, `"GET"`, "HTTP method"),
	args.Opt("headers", kTexts, `more header fields: { Range = "bytes=0-99" }`),
	args.Opt("body", args.String, "what to upload"),
	args.Opt("upload", args.Size, "instead of a body: so many bytes; the method is then POST"),
	args.Opt("range", args.String, `bytes wanted: "0-99", "100-", "-100"`),
	args.Opt("stop", args.Size, "close the connection after so many bytes of the answer"),
	args.Opt("close", args.Bool, "say Connection: close, and let the server close"),
	args.Opt("expect", args.Bool, "say Expect: 100-continue, and wait before the body"),
}

// clientOptions are what a client of one server takes.
var clientOptions = slices.Concat([]vm.Option{
	args.Need("from", kTarget, "a server, or a host with port"),
	args.Opt("name", args.String, "the name it asks for and expects; the server's own unless said"),
	args.Opt("tls", args.Bool, "over TLS; a server that was started with tls is known"),
	args.Opt("resolver", session.KHost, "a node with a name server, which is asked for the name's address before each connection"),
}, clientTLSOptions, dialOptions)

var clientTLSOptions = []vm.Option{
	args.OptDef("verify", args.Bool, "true", "the server's certificate is checked against the case's authority"),
	args.Opt("ssl_protocols", kVersions, `versions of TLS: { "TLSv1.2" }`),
	args.OptDef("ssl_session_tickets", args.Bool, "true", "sessions may be resumed"),
	args.Opt("http2", args.Bool, "speak HTTP/2"),
	args.OptDef("close_notify", args.Bool, "true", "connections are closed in TLS before they are in TCP"),
}

func requestOf(c *vm.Call, a map[string]any) (webclient.Request, error) {
	q := webclient.Request{}
	q.Path, _ = a["path"].(string)
	if q.Path != "" && q.Path[0] != '/' {
		return q, c.Fail(q.Path, `write "/file"`, "path %q does not begin with /", q.Path)
	}
	q.Method, _ = a["method"].(string)
	q.Header, _ = a["headers"].([][2]string)
	body, _ := a["body"].(string)
	q.Body = []byte(body)
	if n, ok := a["upload"].(int); ok {
		q.Body = filler(n)
	}
	if len(q.Body) > 0 && q.Method == "" {
		q.Method = "POST"
	}
	if r, ok := a["range"].(string); ok {
		q.Header = append(slices.Clone(q.Header), [2]string{"Range", "bytes=" + r})
	}
	q.Stop, _ = a["stop"].(int)
	q.Close, _ = a["close"].(bool)
	q.Expect, _ = a["expect"].(bool)
	return q, nil
}

// targetOf is whom the client of c speaks to.
func targetOf(c *vm.Call) (webclient.Target, error) {
	n := c.Self.(*session.Node)
	t, dial, err := dialOf(c, "from")
	if err != nil {
		return webclient.Target{}, err
	}
	out := webclient.Target{Dial: dial, Name: vm.ArgOr(c, "name", t.host.Name), HTTP2: vm.ArgOr(c, "http2", false), NoCloseNotify: !vm.ArgOr(c, "close_notify", true)}
	if at, ok := vm.Arg[*session.Node](c, "resolver"); ok {
		six := dial.To.Addr().Is6()
		if !at.Address(six).IsValid() {
			return out, c.Fail("resolver", "take a node that speaks the same version of IP", "%s has no address of the version of %s", at.Name, dial.To.Addr())
		}
		r := dns.Resolver{Host: n.Endpoints, Server: netip.AddrPortFrom(at.Address(six), dns.Port), ID: n.Run.Number()}
		out.Resolve = func(ctx context.Context) (netip.Addr, error) { return r.Lookup(ctx, out.Name, six) }
	}
	if vm.ArgOr(c, "tls", t.srv != nil && t.srv.TLS()) {
		var ca *pki.CA
		if vm.ArgOr(c, "verify", true) {
			if ca, err = n.Run.Authority(); err != nil {
				return out, err
			}
		}
		out.TLS = handshake.ClientConfig(tlsSpecOf(c, n.Run.Keys), ca, out.Name)
	}
	return out, nil
}

var fetchVerb = &vm.Method{Name: "fetch", Doc: "Makes one HTTP request on a connection of its own, as curl does, and waits for the whole answer. A failure is in what it returns. There are no retries.",
	Example: `local got = client:fetch { from = file }`, Returns: "Response", Phase: vm.Running,
	Options: slices.Concat(clientOptions, requestOptions),
	Fn: func(c *vm.Call) error {
		t, err := targetOf(c)
		if err != nil {
			return err
		}
		q, err := requestOf(c, c.Args)
		if err != nil {
			return err
		}
		ctx, cancel := session.Deadline(c)
		defer cancel()
		var got *webclient.Response
		c.VM.Block(func() { got = webclient.Fetch(ctx, c.Self.(*session.Node).Endpoints, t, q) })
		c.Return(c.VM.New(responseClass, &response{got}))
		if errors.Is(ctx.Err(), context.Canceled) {
			return session.Over(c)
		}
		return nil
	}}

var sessionVerb = &vm.Method{Name: "session", Doc: "Begins a client of one server that keeps its connections open between requests.",
	Example: `local browser = client:session { from = site }`, Returns: "Session", Phase: vm.Running, Options: clientOptions,
	Fn: func(c *vm.Call) error {
		t, err := targetOf(c)
		if err != nil {
			return err
		}
		s, err := webclient.NewSession(c.Self.(*session.Node).Endpoints, t)
		if err != nil {
			return err
		}
		c.Return(c.VM.New(sessionClass, s))
		return nil
	}}

var requestTable = &vm.Method{Name: "request", Options: requestOptions, First: "path"}

var kRequests = &vm.Kind{Name: "list of requests", Type: "string[]|Request[]", Table: requestTable, Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "a list of requests", `write { "/", "/style.css", { path = "/form", upload = "4KB" } }`)
	}
	items, err := args.List(t, "write a list")
	if err != nil {
		return nil, err
	}
	var out []webclient.Request
	for _, item := range items {
		a := map[string]any{"path": item.String()}
		if rt, ok := item.(*lua.LTable); ok {
			a = c.Table(requestTable, rt)
		} else if _, ok := item.(lua.LString); !ok {
			return nil, args.Wrong(item, "a request", `write "/path" or { path = "/path" }`)
		}
		q, err := requestOf(c, a)
		if err != nil {
			return nil, err
		}
		out = append(out, q)
	}
	return out, nil
}}

var sessionClass = &vm.Class{Name: "Session", Doc: "A client of one server, with connections that stay open between requests.",
	Fields: []*vm.Field{{Name: "opened", Type: "integer", Doc: "How many connections it has opened.", Get: func(_ *vm.VM, x any) (lua.LValue, error) {
		return lua.LNumber(x.(*webclient.Session).Opened()), nil
	}}},
	Methods: []*vm.Method{
		{Name: "fetch", Doc: "Makes one request, on a connection that is open if there is one.", Example: `local got = browser:fetch { path = "/" }`, Returns: "Response", Phase: vm.Running,
			Options: append([]vm.Option{session.OptTimeout}, requestOptions...), First: "path",
			Fn: func(c *vm.Call) error {
				q, err := requestOf(c, c.Args)
				if err != nil {
					return err
				}
				ctx, cancel := session.Deadline(c)
				defer cancel()
				var got *webclient.Response
				c.VM.Block(func() { got = c.Self.(*webclient.Session).Do(ctx, q) })
				c.Return(c.VM.New(responseClass, &response{got}))
				return session.Over(c)
			}},
		{Name: "fetch_all", Doc: "Makes requests over several connections at once, as a browser does, and returns the answers in their order.",
			Example: `local got = browser:fetch_all({ "/", "/a.css", "/b.js" }, { connections = 6 })`, Returns: "Response[]", Phase: vm.Running,
			Params:  []vm.Param{{Name: "requests", Kind: kRequests, Doc: "paths, or tables of what fetch takes"}},
			Options: []vm.Option{session.OptTimeout, args.OptDef("connections", args.Int("number", 1, 10000, "write a whole number"), "6", "at once")},
			Fn: func(c *vm.Call) error {
				ctx, cancel := session.Deadline(c)
				defer cancel()
				var got []*webclient.Response
				c.VM.Block(func() {
					got = c.Self.(*webclient.Session).All(ctx, c.Args["requests"].([]webclient.Request), vm.ArgOr(c, "connections", 6))
				})
				t := c.L.NewTable()
				for _, r := range got {
					t.Append(c.VM.New(responseClass, &response{r}))
				}
				c.Return(t)
				return session.Over(c)
			}},
		{Name: "close", Doc: "Closes its idle connections.", Example: `browser:close()`, Phase: vm.Running,
			Fn: func(c *vm.Call) (err error) {
				c.VM.Block(func() { err = c.Self.(*webclient.Session).Close() })
				return err
			}},
	}}

func responseField(name, typ, doc string, get func(*response) lua.LValue) *vm.Field {
	return &vm.Field{Name: name, Type: typ, Doc: doc, Get: func(_ *vm.VM, x any) (lua.LValue, error) { return get(x.(*response)), nil }}
}

func responseNumber(name, doc string, get func(*response) float64) *vm.Field {
	return responseField(name, "number", doc, func(r *response) lua.LValue { return lua.LNumber(get(r)) })
}

// peerField is a text that only TLS has.
func peerField(name, doc string, get func(*handshake.Peer) lua.LValue) *vm.Field {
	return responseField(name, "string?", doc, func(r *response) lua.LValue {
		if r.Peer == nil {
			return lua.LNil
		}
		return get(r.Peer)
	})
}

var responseClass = &vm.Class{Name: "Response", Doc: "What a request brought, as far as it came. Times are seconds since it began, 0 if it did not come so far.",
	Fields: []*vm.Field{
		errorField, timeField,
		responseNumber("status", "HTTP status, 0 if none came.", func(r *response) float64 { return float64(r.Status) }),
		responseField("body", "string", "The body, as far as it came.", func(r *response) lua.LValue { return lua.LString(r.Body) }),
		responseNumber("bytes", "Length of the body, as far as it came.", func(r *response) float64 { return float64(len(r.Body)) }),
		responseNumber("sent", "Bytes of its own body that the kernel took.", func(r *response) float64 { return float64(r.Sent) }),
		{Name: "headers", Type: "table<string,string>", Doc: "The answer's header fields by their names in lower case.", Get: func(v *vm.VM, x any) (lua.LValue, error) {
			t := v.L.NewTable()
			for name, values := range x.(*response).Header {
				t.RawSetString(lower(name), lua.LString(values[0]))
			}
			return t, nil
		}},
		responseField("proto", "string", `"HTTP/1.1" or "HTTP/2.0"; empty if nothing came.`, func(r *response) lua.LValue { return lua.LString(r.Proto) }),
		responseField("reused", "boolean", "The connection had been used before.", func(r *response) lua.LValue { return lua.LBool(r.Reused) }),
		responseNumber("resolved", "Until the name was an address.", func(r *response) float64 { return r.Resolved.Seconds() }),
		responseNumber("connected", "Until TCP was connected.", func(r *response) float64 { return r.Connected.Seconds() }),
		responseNumber("handshaken", "Until TLS was ready.", func(r *response) float64 { return r.Handshaken.Seconds() }),
		responseNumber("first_byte", "Until the first byte of the answer.", func(r *response) float64 { return r.FirstByte.Seconds() }),
		peerField("tls_version", `"TLSv1.3"; nil without TLS.`, func(p *handshake.Peer) lua.LValue { return lua.LString(p.Version) }),
		peerField("cipher", "Cipher suite; nil without TLS.", func(p *handshake.Peer) lua.LValue { return lua.LString(p.Cipher) }),
		peerField("alpn", "Protocol above TLS; nil without TLS.", func(p *handshake.Peer) lua.LValue { return lua.LString(p.ALPN) }),
		peerField("subject", "Common name of the server's certificate; nil without TLS.", func(p *handshake.Peer) lua.LValue { return lua.LString(p.Subject) }),
		peerField("issuer", "Common name of who signed it; nil without TLS.", func(p *handshake.Peer) lua.LValue { return lua.LString(p.Issuer) }),
		peerField("not_after", "When it expires; nil without TLS.", func(p *handshake.Peer) lua.LValue { return lua.LString(p.NotAfter) }),
		peerField("chain", "How many certificates were sent; nil without TLS.", func(p *handshake.Peer) lua.LValue { return lua.LNumber(p.Chain) }),
		peerField("resumed", "A session was resumed; nil without TLS.", func(p *handshake.Peer) lua.LValue { return lua.LBool(p.Resumed) }),
	},
	String: func(x any) string { return session.Describe(resultOf(x)) }}
