//go:build linux

package socket

import (
	"slices"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/load"
	"netrepro/engine/host/socket"
	"netrepro/engine/script/args"
	"netrepro/engine/script/session"
	"netrepro/engine/script/vm"
)

// loadOptions are those of fetch but for what cannot be had many times, and with
// other defaults where many clients differ from one.
var loadOptions = slices.Concat([]vm.Option{
	args.OptDef("connections", args.Int("number", 1, 10000, "write a whole number up to 10000"), "10", "how many at once at most"),
	args.Opt("rate", args.Number, "requests a second, each made at its time whatever became of those before; without, a connection asks again as soon as it is answered"),
	args.Opt("requests", args.Int("number", 1, load.MaxRequests, "write a whole number"), "how many altogether"),
	args.Opt("lasts", args.Duration, "for how long"),
	args.OptDef("reuse", args.Bool, "true", "connections are all opened first and stay open between requests; false opens one for each request"),
	args.OptDef("timeout", args.Duration, "10s", "how long each request may take"),
	args.OptDef("ssl_session_tickets", args.Bool, "false", "connections resume one another's sessions"),
}, slices.DeleteFunc(slices.Concat(clientOptions, requestOptions), func(o vm.Option) bool {
	return slices.Contains([]string{"http2", "from_port", "timeout", "ssl_session_tickets"}, o.Name)
}))

var loadVerb = &vm.Method{Name: "load", Doc: "Makes many requests and waits for the last answer. Each request and each connection is accounted for. Times count from when a request was due.",
	Example: `local got = client:load { from = site, connections = 100, rate = 500, lasts = "2s" }`, Returns: "Load", Phase: vm.Running,
	Options: loadOptions,
	Fn: func(c *vm.Call) error {
		if _, said := c.Args["ssl_session_tickets"]; !said {
			c.Args["ssl_session_tickets"] = false
		}
		s := load.Spec{Connections: vm.ArgOr(c, "connections", 10), KeepAlive: vm.ArgOr(c, "reuse", true), Rate: vm.ArgOr(c, "rate", 0.0),
			Requests: vm.ArgOr(c, "requests", 0), Lasts: vm.ArgOr(c, "lasts", time.Duration(0)), Timeout: vm.ArgOr(c, "timeout", session.VerbTimeout)}
		_, rated := c.Args["rate"]
		switch {
		case rated && (s.Rate < 0.1 || s.Rate > 1e6):
			return c.Fail("rate", "write requests a second, from 0.1 to 1000000", "rate = %v is no rate of requests", s.Rate)
		case s.Requests == 0 && s.Lasts == 0:
			return c.Fail("load", `write requests = 1000 or lasts = "5s"`, "for how long is not said")
		case s.Requests == 0 && s.Rate*s.Lasts.Seconds() > load.MaxRequests:
			return c.Fail("rate", "a load makes a million requests at most", "%v requests a second for %s are too many", s.Rate, s.Lasts)
		case s.Timeout == 0:
			return c.Fail("timeout", `write it like "5s"`, "a request that may take no time is none")
		}
		var err error
		if s.Target, err = targetOf(c); err != nil {
			return err
		}
		if s.Request, err = requestOf(c, c.Args); err != nil {
			return err
		}
		var got *load.Report
		c.VM.Block(func() { got = load.Run(c.VM.Context(), c.Self.(*session.Node).Endpoints, s) })
		c.Return(c.VM.New(loadClass, &loaded{got}))
		return session.Over(c)
	}}

// loaded is what a load brought, as scripts see it.
type loaded struct{ *load.Report }

// Outcome is how it ended.
func (l *loaded) Outcome() socket.Result { return l.Result }

func loadNumber(name, doc string, get func(*loaded) float64) *vm.Field {
	return &vm.Field{Name: name, Type: "number", Doc: doc, Get: func(_ *vm.VM, x any) (lua.LValue, error) { return lua.LNumber(get(x.(*loaded))), nil }}
}

func loadCounts(name, doc string, get func(*loaded) map[string]int) *vm.Field {
	return &vm.Field{Name: name, Type: "table<string,integer>", Doc: doc, Get: func(v *vm.VM, x any) (lua.LValue, error) {
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

var loadClass = &vm.Class{Name: "Load", Doc: "What many requests brought. Each request is in one of outcomes, each connection in one of ended.",
	Fields: []*vm.Field{
		errorField, timeField,
		loadNumber("requests", "How many were due.", func(l *loaded) float64 { return float64(l.Requests) }),
		loadNumber("answered", "How many were answered, with whatever status.", func(l *loaded) float64 { return float64(l.Latency.Count()) }),
		loadNumber("rate", "How many were answered in a second.", func(l *loaded) float64 { return float64(l.Latency.Count()) / l.Took.Seconds() }),
		loadNumber("bytes", "Of all bodies that came.", func(l *loaded) float64 { return float64(l.Bytes) }),
		loadNumber("connections", "How many were begun.", func(l *loaded) float64 { return float64(l.Begun) }),
		loadNumber("peak", "How many connections stood at once, at most.", func(l *loaded) float64 { return float64(l.Peak) }),
		loadNumber("late", "Seconds after its time that the latest request was begun: no connection was free, or this machine fell behind.",
			func(l *loaded) float64 { return l.Late.Seconds() }),
		loadCounts("outcomes", `How many requests ended so: ["200"], ["connect ECONNREFUSED"], ["read ECONNRESET"], ["write timeout"] where no connection was free in time.`,
			func(l *loaded) map[string]int { return l.Outcomes }),
		loadCounts("ended", `How many connections ended so: ["client closed"], ["server closed"], or what failed.`,
			func(l *loaded) map[string]int { return l.Ended }),
		loadTimes("latency", "Of the requests that were answered, from when each was due.", func(l *loaded) *load.Histogram { return &l.Latency }),
		loadTimes("connect", "Of TCP's handshakes.", func(l *loaded) *load.Histogram { return &l.Connect }),
		loadTimes("handshake", "Of TLS's handshakes.", func(l *loaded) *load.Histogram { return &l.Handshake }),
	},
	String: func(x any) string { return session.Describe(resultOf(x)) }}

func quantile(name, doc string, p float64) *vm.Field {
	return &vm.Field{Name: name, Type: "number", Doc: doc, Get: func(_ *vm.VM, x any) (lua.LValue, error) {
		return lua.LNumber(x.(*load.Histogram).Percentile(p).Seconds()), nil
	}}
}

var kPercentile = &vm.Kind{Name: "percentile", Type: "number", Parse: func(_ *vm.Call, x lua.LValue) (any, error) {
	if n, ok := x.(lua.LNumber); ok && n >= 0 && n <= 100 {
		return float64(n), nil
	}
	return nil, args.Wrong(x, "a percentile", "write a number from 0 to 100")
}}

var histogramClass = &vm.Class{Name: "Histogram", Doc: "Times in seconds, each of them kept; 0 where there are none.",
	Fields: []*vm.Field{
		{Name: "count", Type: "integer", Doc: "How many.", Get: func(_ *vm.VM, x any) (lua.LValue, error) { return lua.LNumber(x.(*load.Histogram).Count()), nil }},
		{Name: "mean", Type: "number", Doc: "Their mean.", Get: func(_ *vm.VM, x any) (lua.LValue, error) {
			return lua.LNumber(x.(*load.Histogram).Mean().Seconds()), nil
		}},
		quantile("min", "The least.", 0), quantile("max", "The greatest.", 100), quantile("median", "Half of them are no longer.", 50),
	},
	Methods: []*vm.Method{
		{Name: "percentile", Doc: "The time that so many percent do not exceed.", Example: `got.latency:percentile(99.9)`, Returns: "number",
			Params: []vm.Param{{Name: "percent", Kind: kPercentile, Doc: "0 to 100"}},
			Fn: func(c *vm.Call) error {
				c.Return(lua.LNumber(c.Self.(*load.Histogram).Percentile(c.Args["percent"].(float64)).Seconds()))
				return nil
			}},
		{Name: "buckets", Doc: "How many are up to each of 1, 2 and 5 times powers of ten, and above the bucket before: { upto, count } each.", Example: `for _, b in ipairs(got.latency:buckets()) do print(b.upto, b.count) end`, Returns: "Bucket[]",
			Fn: func(c *vm.Call) error {
				t := c.L.NewTable()
				for _, b := range c.Self.(*load.Histogram).Buckets() {
					r := c.L.NewTable()
					r.RawSetString("upto", lua.LNumber(b.UpTo.Seconds()))
					r.RawSetString("count", lua.LNumber(b.Count))
					t.Append(r)
				}
				c.Return(t)
				return nil
			}},
	}}
