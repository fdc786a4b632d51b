//go:build linux

package socket

import (
	"crypto/tls"
	"fmt"
	"slices"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/handshake"
	"netrepro/engine/host/socket"
	"netrepro/engine/host/web"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// server is a server as scripts see it.
type server struct {
	*web.Server
	host *session.Node
}

var answerOptions = []vm.Option{
	args.OptDef("body", args.String, `""`, "what is answered"),
	args.Opt("size", args.Size, "instead of a body: so many bytes"),
	args.OptDef("status", args.Int("status", 200, 599, "an HTTP status is 200 to 599"), "200", "HTTP status"),
	args.Opt("headers", kTexts, `more header fields: { ["Retry-After"] = "1" }`),
	args.Opt("delay", args.Duration, "before it answers"),
	args.Opt("chunked", kChunked, "in chunks, without Content-Length: true, or their size"),
	args.Opt("drip", args.Size, "so many bytes at a time"),
	args.Opt("every", args.Duration, "between two of them"),
	args.Opt("upload", args.Bool, "read the whole request's body first"),
	args.Opt("close", args.Bool, "say Connection: close, and close"),
	args.Opt("cut", args.Size, "close after so many bytes of the body"),
	args.Opt("method", args.String, "only of requests of this method"),
}

var routeTable = &vm.Method{Name: "route", Options: answerOptions}

var kTexts = &vm.Kind{Name: "table of texts", Type: "table<string,string>", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "a table of texts", `write { name = "value" }`)
	}
	var out [][2]string
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		name, ok := k.(lua.LString)
		if !ok || strings.ContainsAny(string(name)+v.String(), "\r\n") {
			return nil, args.Wrong(k, "a name with a text of one line", `write { name = "value" }`)
		}
		out = append(out, [2]string{string(name), v.String()})
	}
	return out, nil
}}

// kChunked is true for chunks of 8 KB, or their size.
var kChunked = &vm.Kind{Name: "size of chunks", Type: "boolean|Size", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	switch x {
	case lua.LTrue:
		return 8 << 10, nil
	case lua.LFalse:
		return 0, nil
	}
	n, err := args.Size.Parse(c, x)
	if err == nil && n.(int) == 0 {
		return nil, args.Wrong(x, "a size of chunks", "leave it out for none")
	}
	return n, err
}}

// kOff is a time, or false for none.
var kOff = &vm.Kind{Name: "time or false", Type: "Duration|false", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	if x == lua.LFalse {
		return web.Off, nil
	}
	d, err := args.Duration.Parse(c, x)
	if err == nil && d.(time.Duration) == 0 {
		return web.Off, nil
	}
	return d, err
}}

// kBound is a size, or false for no bound.
var kBound = &vm.Kind{Name: "size or false", Type: "Size|false", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	if x == lua.LFalse {
		return -1, nil
	}
	n, err := args.Size.Parse(c, x)
	if err == nil && n.(int) == 0 { // as nginx has it
		return -1, nil
	}
	return n, err
}}

var kRoutes = &vm.Kind{Name: "routes", Type: "table<string,string|Answer>", Table: routeTable, Parse: func(c *vm.Call, x lua.LValue) (any, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "a table of routes", `write { ["/big"] = { size = "1MB" } }`)
	}
	var out []web.Route
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		path, ok := k.(lua.LString)
		rt, isTable := v.(*lua.LTable)
		if !ok || !isTable || !strings.HasPrefix(string(path), "/") {
			return nil, &vm.BadValue{Msg: fmt.Sprintf("%s is no route", vm.Show(k)), Word: k.String(), Hint: `write ["/big"] = { size = "1MB" }`}
		}
		r := routeOf(c.Table(routeTable, rt))
		r.Path = string(path)
		out = append(out, r)
	}
	return out, nil
}}

func routeOf(a map[string]any) web.Route {
	r := web.Route{}
	body, _ := a["body"].(string)
	r.Body = []byte(body)
	if n, ok := a["size"].(int); ok {
		r.Body = filler(n)
	}
	r.Method, _ = a["method"].(string)
	r.Status, _ = a["status"].(int)
	r.Header, _ = a["headers"].([][2]string)
	r.Delay, _ = a["delay"].(time.Duration)
	r.Chunked, _ = a["chunked"].(int)
	r.Drip, _ = a["drip"].(int)
	r.Every, _ = a["every"].(time.Duration)
	r.Upload, _ = a["upload"].(bool)
	r.Close, _ = a["close"].(bool)
	r.Cut, _ = a["cut"].(int)
	return r
}

// filler is so many bytes that say where they are.
func filler(n int) []byte {
	b := make([]byte, 0, n+16)
	for len(b) < n {
		b = fmt.Appendf(b, "%015d\n", len(b))
	}
	return b[:n]
}

var (
	kVersions = &vm.Kind{Name: "versions of TLS", Type: "string[]", Parse: func(c *vm.Call, x lua.LValue) (any, error) {
		list, err := args.Strings.Parse(c, x)
		if err != nil {
			return nil, err
		}
		var out []uint16
		for _, name := range list.([]string) {
			v, ok := handshake.Protocols[name]
			if !ok {
				return nil, args.Wrong(lua.LString(name), "a version of TLS", "write one of: "+strings.Join(handshake.ProtocolNames(), ", "))
			}
			out = append(out, v)
		}
		if len(out) == 0 {
			return nil, args.Wrong(x, "a list of versions of TLS", `write { "TLSv1.2", "TLSv1.3" }`)
		}
		slices.Sort(out)
		return out, nil
	}}

	// serverOptions are nginx's directives, by their names where it has them.
	serverOptions = []vm.Option{
		args.Opt("routes", kRoutes, `answers by path: { ["/big"] = { size = "1MB" }, ["/api/"] = { status = 503 } }; else 404`),
		args.OptDef("keepalive_timeout", kOff, "75s", "how long a connection may be idle between requests; false closes after each answer"),
		args.OptDef("keepalive_requests", args.Int("number", 1, 1<<30, "write a whole number"), "1000", "requests on one connection"),
		args.OptDef("lingering_close", args.Enum("kind of lingering_close", "on", "off", "always"), "on",
			"what is done about what a client still sends: on reads it for a while if it may, off resets"),
		args.OptDef("lingering_time", args.Duration, "30s", "how long altogether"),
		args.OptDef("lingering_timeout", args.Duration, "5s", "how long without anything coming"),
		args.OptDef("discard_body", args.Bool, "true", "the rest of a request's body is read before closing; false closes with it unread, as careless servers do"),
		args.OptDef("reset_timedout_connection", args.Bool, "false", "connections that time out are reset"),
		args.OptDef("client_header_timeout", args.Duration, "60s", "for a request's header, and the TLS handshake"),
		args.OptDef("client_body_timeout", args.Duration, "60s", "between two reads of a request's body"),
		args.OptDef("send_timeout", args.Duration, "60s", "between two writes of an answer"),
		args.OptDef("client_max_body_size", kBound, "1MB", "larger requests get 413; false is no bound"),
		args.OptDef("backlog", args.Int("backlog", 1, 65535, "a whole number"), "511", "length of the accept queue"),
		args.Opt("workers", args.Int("number", 1, 64, "1 to 64"), "with reuseport: how many sockets listen; 2 unless said"),
		args.Opt("busy", args.Int("number", 1, 1<<20, "write a whole number"), "how many requests are worked on at once; others wait"),
	}
	tlsServerOptions = []vm.Option{
		args.Opt("chain", session.KChain, "server: its certificate chain"),
		args.Opt("certificates", session.KChains, "server: further chains, for the names in them that a client asks for"),
		args.Opt("names", args.Strings, "server: the names in its certificate, besides its own"),
		args.OptDef("ssl_buffer_size", args.Size, "16KB", "server: the largest TLS record"),
		args.Opt("ssl_protocols", kVersions, `versions of TLS: { "TLSv1.2", "TLSv1.3" }, which is the default`),
		args.OptDef("ssl_session_tickets", args.Bool, "true", "sessions may be resumed"),
		args.Opt("http2", args.Bool, "HTTP/2 is spoken too, if the other side does"),
		args.OptDef("close_notify", args.Bool, "true", "connections are closed in TLS before they are in TCP"),
	}
	listenOptions = append([]vm.Option{optLinger}, args.SocketOptions(func(*socket.Option) bool { return true })...)
)

// serve starts a server on n.
func serve(n *session.Node, c *vm.Call, cfg *tls.Config) error {
	options, err := socketOptionsOf(c)
	if err != nil {
		return err
	}
	s := web.Spec{Port: c.Args["port"].(int), TLS: cfg, Options: options}
	if r, ok := vm.Arg[[]web.Route](c, "routes"); ok {
		s.Routes = r
	}
	if _, body := c.Args["body"]; body || s.Routes == nil || hasAny(c, "size", "status") {
		r := routeOf(c.Args)
		r.Path = "/"
		if !slices.ContainsFunc(s.Routes, func(o web.Route) bool { return o.Path == "/" }) {
			s.Routes = append(s.Routes, r)
		}
	}
	s.KeepaliveTimeout = vm.ArgOr(c, "keepalive_timeout", time.Duration(0))
	s.KeepaliveRequests = vm.ArgOr(c, "keepalive_requests", 0)
	s.Lingering = web.Lingering(vm.ArgOr(c, "lingering_close", ""))
	s.LingeringTime = vm.ArgOr(c, "lingering_time", time.Duration(0))
	s.LingeringTimeout = vm.ArgOr(c, "lingering_timeout", time.Duration(0))
	s.LeaveBody = !vm.ArgOr(c, "discard_body", true)
	s.ResetTimedout = vm.ArgOr(c, "reset_timedout_connection", false)
	s.HeaderTimeout = vm.ArgOr(c, "client_header_timeout", time.Duration(0))
	s.BodyTimeout = vm.ArgOr(c, "client_body_timeout", time.Duration(0))
	s.SendTimeout = vm.ArgOr(c, "send_timeout", time.Duration(0))
	s.MaxBody = vm.ArgOr(c, "client_max_body_size", 0)
	s.Backlog = vm.ArgOr(c, "backlog", 0)
	s.Gate = vm.ArgOr(c, "busy", 0)
	s.BufferSize = vm.ArgOr(c, "ssl_buffer_size", 0)
	s.NoCloseNotify = !vm.ArgOr(c, "close_notify", true)
	if s.ReusePort = vm.ArgOr(c, "reuseport", false); s.ReusePort {
		s.Workers = vm.ArgOr(c, "workers", 2)
	}
	v, err := web.Serve(n.Endpoints, s)
	if err != nil {
		return c.Fail("port", "each port of a host can be listened on once", "%v", err)
	}
	c.Return(c.VM.New(serverClass, &server{v, n}))
	return nil
}

func hasAny(c *vm.Call, names ...string) bool {
	return slices.ContainsFunc(names, func(n string) bool { _, ok := c.Args[n]; return ok })
}

// tlsSpecOf is how a side of c speaks TLS.
func tlsSpecOf(c *vm.Call, keys *session.KeyLog) handshake.Spec {
	s := handshake.Spec{Keys: keys, NoTickets: !vm.ArgOr(c, "ssl_session_tickets", true)}
	if v, ok := vm.Arg[[]uint16](c, "ssl_protocols"); ok {
		s.Min, s.Max = v[0], v[len(v)-1]
	}
	if vm.ArgOr(c, "http2", false) {
		s.ALPN = []string{"h2", "http/1.1"}
	}
	return s
}

var serveVerb = &vm.Method{Name: "serve", Doc: "Starts an HTTP/1.1 server, with nginx's knobs.", Example: `local file = server:serve { port = 80, body = ("x"):rep(30000) }`,
	Returns: "Server", Phase: vm.Running,
	Options: slices.Concat([]vm.Option{args.Need("port", args.Port, "where to listen")}, answerOptions, serverOptions, listenOptions),
	Fn:      func(c *vm.Call) error { return serve(c.Self.(*session.Node), c, nil) }}

// serveTLS starts a server that speaks TLS.
func serveTLS(c *vm.Call) error {
	n := c.Self.(*session.Node)
	certs, err := session.Certificates(n, c)
	if err != nil {
		return err
	}
	return serve(n, c, handshake.ServerConfig(tlsSpecOf(c, n.Run.Keys), certs...))
}

var serverClass = &vm.Class{Name: "Server", Doc: "An HTTP server, with or without TLS.",
	Fields: []*vm.Field{
		{Name: "port", Type: "integer", Doc: "Where it listens.", Get: func(_ *vm.VM, x any) (lua.LValue, error) {
			return lua.LNumber(x.(*server).Addr().Port()), nil
		}},
		{Name: "accepted", Type: "integer", Doc: "How many connections it has accepted.", Get: func(_ *vm.VM, x any) (lua.LValue, error) {
			return lua.LNumber(x.(*server).Accepted()), nil
		}},
	},
	Methods: []*vm.Method{
		{Name: "requests", Doc: "The requests it had, in the order they ended: a table each.", Example: `#site:requests()`, Returns: "ServedRequest[]", Phase: vm.Running,
			Fn: func(c *vm.Call) error {
				t := c.L.NewTable()
				for _, s := range c.Self.(*server).Served() {
					r := c.L.NewTable()
					for name, text := range map[string]string{"method": s.Method, "path": s.Path, "proto": s.Proto, "peer": s.Peer, "error": s.Err} {
						if text != "" {
							r.RawSetString(name, lua.LString(text))
						}
					}
					for name, n := range map[string]int{"status": s.Status, "sent": s.Sent, "received": s.Received, "conn": s.Conn, "n": s.N} {
						r.RawSetString(name, lua.LNumber(n))
					}
					r.RawSetString("time", lua.LNumber(s.Took.Seconds()))
					t.Append(r)
				}
				c.Return(t)
				return nil
			}},
		{Name: "close", Doc: "Ends the server and its connections.", Example: `site:close()`, Phase: vm.Running,
			Fn: func(c *vm.Call) (err error) {
				c.VM.Block(func() { err = c.Self.(*server).Close() })
				return err
			}}}}
