//go:build linux

package httpclient

import (
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/webclient"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

var sessionVerb = vm.Verb(vm.Method{Name: "session",
	Doc:     "Begins a client of one server that keeps its connections open between requests.",
	Example: `local browser = client:session { from = site }`, Returns: "Session", Phase: vm.Running}, clientOptions,
	func(c *vm.Call, a *client) error {
		t, err := a.target(c)
		if err != nil {
			return err
		}
		s, err := webclient.NewSession(c.Self.(*session.Node).Endpoints, t)
		if err != nil {
			return err
		}
		c.Return(c.VM.New(sessionClass, s))
		return nil
	})

var requestTable = vm.NewTable("request", "path", requestOptions)

var kRequestList = vm.NewKind("list of requests", "string[]|Request[]",
	func(c *vm.Call, x lua.LValue) ([]webclient.Request, error) {
		t, ok := x.(*lua.LTable)
		if !ok {
			return nil, args.Wrong(x, "a list of requests",
				`write { "/", "/style.css", { path = "/form", upload = "4KB" } }`)
		}
		items, err := args.List(t, "write a list")
		if err != nil {
			return nil, err
		}
		var out []webclient.Request
		for _, item := range items {
			var q request
			switch item := item.(type) {
			case *lua.LTable:
				q = requestTable.Read(c, item)
			case lua.LString:
				q.Path = string(item)
			default:
				return nil, args.Wrong(item, "a request", `write "/path" or { path = "/path" }`)
			}
			r, err := q.spec(c)
			if err != nil {
				return nil, err
			}
			out = append(out, r)
		}
		return out, nil
	}).Of(requestTable.Form())

var sessionClass = &vm.Class{Name: "Session",
	Doc: "A client of one server, with connections that stay open between requests.",
	Fields: []*vm.Field{
		vm.NumberOf("opened", "integer", "How many connections it has opened.", (*webclient.Session).Opened),
	}}

// again are the arguments of a request of a session.
type again struct {
	timeout time.Duration
	request request
}

// several are the arguments of requests at once.
type several struct {
	requests    []webclient.Request
	timeout     time.Duration
	connections int
}

var sessionVerbs = []*vm.Method{
	vm.Verb(vm.Method{Name: "fetch", Doc: "Makes one request, on a connection that is open if there is one.",
		Example: `local got = browser:fetch { path = "/" }`, Returns: "Response", Phase: vm.Running, First: "path"},
		func(a *again) []vm.Argument {
			return append([]vm.Argument{session.Timeout(&a.timeout)}, requestOptions(&a.request)...)
		},
		func(c *vm.Call, a *again) error {
			q, err := a.request.spec(c)
			if err != nil {
				return err
			}
			ctx, cancel := session.Deadline(c, a.timeout)
			defer cancel()
			var got *webclient.Response
			c.VM.Block(func() { got = c.Self.(*webclient.Session).Do(ctx, q) })
			c.Return(c.VM.New(responseClass, &response{got}))
			return session.Over(c)
		}),
	vm.Verb(vm.Method{Name: "fetch_all", Doc: "Makes requests over several connections at once, as a browser does, " +
		"and returns the answers in their order.",
		Example: `local got = browser:fetch_all({ "/", "/a.css", "/b.js" }, { connections = 6 })`,
		Returns: "Response[]", Phase: vm.Running},
		func(a *several) []vm.Argument {
			return []vm.Argument{
				kRequestList.Param(&a.requests, "requests", "paths, or tables of what fetch takes"),
				session.Timeout(&a.timeout),
				kConnections.Def(&a.connections, "connections", "6", "at once"),
			}
		},
		func(c *vm.Call, a *several) error {
			ctx, cancel := session.Deadline(c, a.timeout)
			defer cancel()
			var got []*webclient.Response
			c.VM.Block(func() { got = c.Self.(*webclient.Session).All(ctx, a.requests, a.connections) })
			t := c.L.NewTable()
			for _, r := range got {
				t.Append(c.VM.New(responseClass, &response{r}))
			}
			c.Return(t)
			return session.Over(c)
		}),
	{Name: "close", Doc: "Closes its idle connections.", Example: `browser:close()`, Phase: vm.Running,
		Fn: func(c *vm.Call) (err error) {
			c.VM.Block(func() { err = c.Self.(*webclient.Session).Close() })
			return err
		}},
}
