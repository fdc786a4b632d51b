//go:build linux

package httpserver

import (
	"fmt"
	"strings"
	"time"

	lua "github.com/yuin/gopher-lua"

	"netrepro/engine/host/web"
	"netrepro/engine/script/args"
	"netrepro/engine/script/endpoint"
	"netrepro/engine/script/vm"
)

// answer is what a server answers.
type answer struct {
	body *string
	size *int
	web.Route
	status *int
}

func answerOptions(a *answer) []vm.Argument {
	return []vm.Argument{
		args.String.Maybe(&a.body, "body", "what is answered").Shown(`""`),
		args.Size.Maybe(&a.size, "size", "answer this many bytes instead of a body"),
		kStatus.Maybe(&a.status, "status", "HTTP status").Shown("200"),
		endpoint.KHeaders.Opt(&a.Header, "headers", `more header fields: { ["Retry-After"] = "1" }`),
		args.Duration.Opt(&a.Delay, "delay", "before it answers"),
		kChunked.Opt(&a.Chunked, "chunked", "in chunks, without Content-Length: true, or their size"),
		args.Size.Opt(&a.Drip, "drip", "send this many bytes at a time"),
		args.Duration.Opt(&a.Every, "every", "between two of them"),
		args.Bool.Opt(&a.Upload, "upload", "read the whole request's body first"),
		args.Bool.Opt(&a.Close, "close", "say Connection: close, and close"),
		args.Size.Opt(&a.Cut, "cut", "close after so many bytes of the body"),
		args.String.Opt(&a.Method, "method", "only of requests of this method"),
	}
}

// given reports whether anything is said of what is answered.
func (a *answer) given() bool { return a.body != nil || a.size != nil || a.status != nil }

// route is the answer at a path.
func (a *answer) route(path string) web.Route {
	r := a.Route
	r.Path, r.Body = path, []byte{}
	if a.body != nil {
		r.Body = []byte(*a.body)
	}
	if a.size != nil {
		r.Body = endpoint.Filler(*a.size)
	}
	if a.status != nil {
		r.Status = *a.status
	}
	return r
}

var answerTable = vm.NewTable("route", "", answerOptions)

var kStatus = args.Int("status", 200, 599, "an HTTP status is 200 to 599")

// kChunked is true for chunks of 8 KB, or their size.
var kChunked = vm.NewKind("size of chunks", "boolean|Size", func(c *vm.Call, x lua.LValue) (int, error) {
	switch x {
	case lua.LTrue:
		return 8 << 10, nil
	case lua.LFalse:
		return 0, nil
	}
	n, err := args.Size.Read(c, x)
	if err == nil && n == 0 {
		return 0, args.Wrong(x, "a size of chunks", "leave it out for none")
	}
	return n, err
})

// kOff is a time, or false for none.
var kOff = vm.NewKind("time or false", "Duration|false", func(c *vm.Call, x lua.LValue) (time.Duration, error) {
	if x == lua.LFalse {
		return web.Off, nil
	}
	d, err := args.Duration.Read(c, x)
	if err == nil && d == 0 {
		return web.Off, nil
	}
	return d, err
})

// kBound is a size, or false for no bound.
var kBound = vm.NewKind("size or false", "Size|false", func(c *vm.Call, x lua.LValue) (int, error) {
	if x == lua.LFalse {
		return -1, nil
	}
	n, err := args.Size.Read(c, x)
	if err == nil && n == 0 { // as nginx has it
		return -1, nil
	}
	return n, err
})

var kRoutes = vm.NewKind("routes", "table<string,string|Answer>", func(c *vm.Call, x lua.LValue) ([]web.Route, error) {
	t, ok := x.(*lua.LTable)
	if !ok {
		return nil, args.Wrong(x, "a table of routes", `write { ["/big"] = { size = "1MB" } }`)
	}
	var out []web.Route
	for k, v := t.Next(lua.LNil); k != lua.LNil; k, v = t.Next(k) {
		path, ok := k.(lua.LString)
		rt, isTable := v.(*lua.LTable)
		if !ok || !isTable || !strings.HasPrefix(string(path), "/") {
			return nil, &vm.BadValue{Msg: fmt.Sprintf("%s is no route", vm.Show(k)), Word: k.String(),
				Hint: `write ["/big"] = { size = "1MB" }`}
		}
		a := answerTable.Read(c, rt)
		out = append(out, a.route(string(path)))
	}
	return out, nil
}).Of(answerTable.Form())
