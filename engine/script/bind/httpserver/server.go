//go:build linux

// Package httpserver has the verbs that start HTTP servers, with TLS and without,
// which behave as nginx does; and the TLS client that tls is with to.
package httpserver

import (
	"crypto/tls"
	"slices"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/socket"
	"netrepro/engine/host/web"
	"netrepro/engine/script/args"
	"netrepro/engine/script/endpoint"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// Room is what this room adds to the language.
func Room() vm.Room {
	return vm.Room{
		Classes: []*vm.Class{serverClass, callClass},
		Members: session.OnNodes([]*vm.Method{tlsVerb, serveVerb}),
	}
}

// server is a server as scripts see it.
type server struct {
	*web.Server
	host *session.Node
}

// Target implements [endpoint.Listening].
func (s *server) Target() endpoint.Target {
	return endpoint.Target{Host: s.host, Port: int(s.Addr().Port()), Secure: s.TLS()}
}

// knobs are what can be said of a server.
type knobs struct {
	web.Spec
	answer      answer
	discardBody bool
	workers     int
}

var (
	kLingering = args.EnumOf("kind of lingering_close", []web.Lingering{"on", "off", "always"})
	kRequests  = args.Int("number", 1, 1<<30, "write a whole number")
	kWorkers   = args.Int("number", 1, 64, "1 to 64")
	kBusy      = args.Int("number", 1, 1<<20, "write a whole number")
)

// knobOptions are nginx's directives, by their names where it has them.
func knobOptions(k *knobs) []vm.Argument {
	k.workers = 2
	return append(answerOptions(&k.answer),
		kRoutes.Opt(&k.Routes, "routes", `answers by path: { ["/big"] = { size = "1MB" }, `+
			`["/api/"] = { status = 503 } }; else 404`),
		kOff.Def(&k.KeepaliveTimeout, "keepalive_timeout", "75s",
			"how long a connection may be idle between requests; "+
				"false closes after each answer"),
		kRequests.Def(&k.KeepaliveRequests, "keepalive_requests", "1000", "requests on one connection"),
		kLingering.Def(&k.Lingering, "lingering_close", "on", "what happens to data that a client still "+
			"sends: on reads it for a while, off resets the connection"),
		args.Duration.Def(&k.LingeringTime, "lingering_time", "30s", "how long altogether"),
		args.Duration.Def(&k.LingeringTimeout, "lingering_timeout", "5s", "how long without anything coming"),
		args.Bool.Def(&k.discardBody, "discard_body", "true", "read the rest of a request's body before "+
			"closing; false leaves it unread, as careless servers do"),
		args.Bool.Def(&k.ResetTimedout, "reset_timedout_connection", "false", "connections that time out are reset"),
		args.Duration.Def(&k.HeaderTimeout, "client_header_timeout", "60s",
			"for a request's header, and the TLS handshake"),
		args.Duration.Def(&k.BodyTimeout, "client_body_timeout", "60s", "between two reads of a request's body"),
		args.Duration.Def(&k.SendTimeout, "send_timeout", "60s", "between two writes of an answer"),
		kBound.Def(&k.MaxBody, "client_max_body_size", "1MB", "larger requests get 413; false is no bound"),
		args.Backlog.Def(&k.Backlog, "backlog", "511", "length of the accept queue"),
		kWorkers.Opt(&k.workers, "workers", "with reuseport: how many sockets listen; 2 by default"),
		kBusy.Opt(&k.Gate, "busy", "how many requests are worked on at once; others wait"),
	)
}

// serve starts a server on n, with a configuration of TLS or without.
func (k *knobs) serve(c *vm.Call, n *session.Node, port int, cfg *tls.Config, o socket.Options, reuse bool) error {
	s := k.Spec
	s.Port, s.TLS, s.Options, s.LeaveBody = port, cfg, o, !k.discardBody
	isRoot := func(r web.Route) bool { return r.Path == "/" }
	if (k.answer.given() || s.Routes == nil) && !slices.ContainsFunc(s.Routes, isRoot) {
		s.Routes = append(s.Routes, k.answer.route("/"))
	}
	if s.ReusePort = reuse; reuse {
		s.Workers = k.workers
	}
	v, err := web.Serve(n.Endpoints, s)
	if err != nil {
		return c.Fail("port", "each port of a host can be listened on once", "%v", err)
	}
	c.Return(c.VM.New(serverClass, &server{v, n}))
	return nil
}

// serving are the arguments of serve.
type serving struct {
	port   int
	knobs  knobs
	socket endpoint.Socket
}

var serveVerb = vm.Verb(vm.Method{Name: "serve", Doc: "Starts an HTTP/1.1 server, with nginx's knobs.",
	Example: `local file = server:serve { port = 80, body = ("x"):rep(30000) }`, Returns: "Server", Phase: vm.Running},
	func(a *serving) []vm.Argument {
		return slices.Concat([]vm.Argument{args.Port.Need(&a.port, "port", "where to listen")},
			knobOptions(&a.knobs), endpoint.ListenOptions(&a.socket))
	},
	func(c *vm.Call, a *serving) error {
		n := c.Self.(*session.Node)
		o, err := a.socket.For(c, n)
		if err != nil {
			return err
		}
		return a.knobs.serve(c, n, a.port, nil, o, a.socket.ReusePort())
	})

var serverClass = &vm.Class{Name: "Server", Doc: "An HTTP server, with or without TLS.",
	Fields: []*vm.Field{
		vm.NumberOf("port", "integer", "Where it listens.", func(s *server) uint16 { return s.Addr().Port() }),
		vm.NumberOf("accepted", "integer", "How many connections it has accepted.",
			func(s *server) int { return s.Accepted() }),
	},
	Methods: []*vm.Method{
		{Name: "requests", Doc: "The requests it had, in the order they ended: a table each.",
			Example: `#site:requests()`,
			Returns: "ServedRequest[]", Phase: vm.Running, Fn: requests},
		{Name: "close", Doc: "Ends the server and its connections.", Example: `site:close()`, Phase: vm.Running,
			Fn: func(c *vm.Call) (err error) {
				c.VM.Block(func() { err = c.Self.(*server).Close() })
				return err
			}},
	}}

func requests(c *vm.Call) error {
	t := c.L.NewTable()
	for _, s := range c.Self.(*server).Served() {
		r := c.L.NewTable()
		for name, text := range map[string]string{"method": s.Method, "path": s.Path, "proto": s.Proto,
			"peer": s.Peer, "error": s.Err} {
			if text != "" {
				r.RawSetString(name, lua.LString(text))
			}
		}
		for name, n := range map[string]int{"status": s.Status, "sent": s.Sent, "received": s.Received,
			"conn": s.Conn, "n": s.N} {
			r.RawSetString(name, lua.LNumber(n))
		}
		r.RawSetString("time", lua.LNumber(s.Took.Seconds()))
		t.Append(r)
	}
	c.Return(t)
	return nil
}
