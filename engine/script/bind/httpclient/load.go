//go:build linux

package httpclient

import (
	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/load"
	"netrepro/engine/host/socket"
	"netrepro/engine/script/args"
	"netrepro/engine/script/endpoint"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// loading are the arguments of load.
type loading struct {
	load.Spec
	rate    *float64
	client  client
	request request
}

var (
	kConnections  = args.Int("number", 1, 10000, "write a whole number")
	kMost         = args.Int("number", 1, 10000, "write a whole number up to 10000")
	kLoadRequests = args.Int("number", 1, load.MaxRequests, "write a whole number")
)

// loadOptions are those of fetch but for what cannot be had many times, and with
// other defaults where many clients differ from one.
func loadOptions(a *loading) []vm.Argument {
	fetched := append(clientOptions(&a.client), requestOptions(&a.request)...)
	return append([]vm.Argument{
		kMost.Def(&a.Connections, "connections", "10", "how many at once at most"),
		args.Number.Maybe(&a.rate, "rate", "requests a second. Each is made at its time, even if earlier "+
			"ones are not answered yet. Without a rate, a connection asks again as soon as it has an answer"),
		kLoadRequests.Opt(&a.Requests, "requests", "how many altogether"),
		args.Duration.Opt(&a.Lasts, "lasts", "for how long"),
		args.Bool.Def(&a.KeepAlive, "reuse", "true",
			"connections are all opened first and stay open between requests; "+
				"false opens one for each request"),
		args.Duration.Def(&a.Timeout, "timeout", "10s", "how long each request may take"),
		args.Bool.Def(&a.client.tls.Tickets, "ssl_session_tickets", "false",
			"connections resume one another's sessions"),
	}, vm.Without(fetched, "http2", "from_port", "timeout", "ssl_session_tickets")...)
}

var loadVerb = vm.Verb(vm.Method{Name: "load", Doc: "Makes many requests and waits for the last answer. " +
	"Every request and every connection is counted once. Times count from when a request was due.",
	Example: `local got = client:load { from = site, connections = 100, rate = 500, lasts = "2s" }`,
	Returns: "Load", Phase: vm.Running}, loadOptions,
	func(c *vm.Call, a *loading) error {
		s := a.Spec
		if a.rate != nil {
			s.Rate = *a.rate
		}
		switch {
		case a.rate != nil && (s.Rate < 0.1 || s.Rate > 1e6):
			return c.Fail("rate", "write requests a second, from 0.1 to 1000000", "rate = %v is no rate of requests",
				s.Rate)
		case s.Requests == 0 && s.Lasts == 0:
			return c.Fail("load", `write requests = 1000 or lasts = "5s"`, "for how long is not said")
		case s.Requests == 0 && s.Rate*s.Lasts.Seconds() > load.MaxRequests:
			return c.Fail("rate", "a load makes a million requests at most",
				"%v requests a second for %s are too many", s.Rate, s.Lasts)
		case s.Timeout == 0:
			return c.Fail("timeout", `write it like "5s"`, "a request that may take no time is none")
		}
		var err error
		if s.Target, err = a.client.target(c); err != nil {
			return err
		}
		if s.Request, err = a.request.spec(c); err != nil {
			return err
		}
		var got *load.Report
		c.VM.Block(func() { got = load.Run(c.VM.Context(), c.Self.(*session.Node).Endpoints, s) })
		c.Return(c.VM.New(loadClass, &loaded{got}))
		return session.Over(c)
	})

// loaded is what a load brought, as scripts see it.
type loaded struct{ *load.Report }

// Outcome is how it ended.
func (l *loaded) Outcome() socket.Result { return l.Result }

func loadNumber(name, doc string, get func(*loaded) float64) *vm.Field {
	return vm.NumberOf(name, "number", doc, get)
}

func loadCounts(name, doc string, get func(*loaded) map[string]int) *vm.Field {
	return &vm.Field{Name: name, Type: "table<string,integer>", Doc: doc,
		Get: func(v *vm.VM, x any) (lua.LValue, error) {
			t := v.L.NewTable()
			for what, n := range get(x.(*loaded)) {
				t.RawSetString(what, lua.LNumber(n))
			}
			return t, nil
		}}
}

func loadTimes(name, doc string, get func(*loaded) *load.Histogram) *vm.Field {
	return &vm.Field{Name: name, Type: "Histogram", Doc: doc, Get: func(v *vm.VM, x any) (lua.LValue, error) {
		return v.New(histogramClass, get(x.(*loaded))), nil
	}}
}

var loadClass = &vm.Class{Name: "Load",
	Doc: "What many requests brought. Each request is in one of outcomes, each connection in one of ended.",
	Fields: append(endpoint.ResultFields[:2:2],
		loadNumber("requests", "How many were due.", func(l *loaded) float64 { return float64(l.Requests) }),
		loadNumber("answered", "How many were answered, with whatever status.",
			func(l *loaded) float64 { return float64(l.Latency.Count()) }),
		loadNumber("rate", "How many were answered in a second.",
			func(l *loaded) float64 { return float64(l.Latency.Count()) / l.Took.Seconds() }),
		loadNumber("bytes", "Of all bodies that came.", func(l *loaded) float64 { return float64(l.Bytes) }),
		loadNumber("connections", "How many were begun.", func(l *loaded) float64 { return float64(l.Begun) }),
		loadNumber("peak", "How many connections stood at once, at most.",
			func(l *loaded) float64 { return float64(l.Peak) }),
		loadNumber("late", "How late the latest request began, in seconds: no connection was free, or this "+
			"machine fell behind.",
			func(l *loaded) float64 { return l.Late.Seconds() }),
		loadCounts("outcomes",
			`How many requests ended so: ["200"], ["connect ECONNREFUSED"], ["read ECONNRESET"], ["write timeout"] where no connection was free in time.`,
			func(l *loaded) map[string]int { return l.Outcomes }),
		loadCounts("ended", `How many connections ended so: ["client closed"], ["server closed"], or what failed.`,
			func(l *loaded) map[string]int { return l.Ended }),
		loadTimes("latency", "Of the requests that were answered, from when each was due.",
			func(l *loaded) *load.Histogram { return &l.Latency }),
		loadTimes("connect", "Of TCP's handshakes.", func(l *loaded) *load.Histogram { return &l.Connect }),
		loadTimes("handshake", "Of TLS's handshakes.", func(l *loaded) *load.Histogram { return &l.Handshake }),
	),
	String: endpoint.Describe}
