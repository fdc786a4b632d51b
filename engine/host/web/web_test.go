//go:build linux

package web

import (
	"errors"
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"
	"time"

	"netrepro/engine/host/socket"
	"netrepro/engine/testutil/alone"
)

// patience bounds what ends by itself.
const patience = time.Minute

// talk is what a client writes to a server, and reads until the server closes.
// After writing it shuts its side if shut is set.
func talk(t *testing.T, h *socket.Host, v *Server, text string, shut bool) (got string, err error) {
	t.Helper()
	c, err := h.Dial(t.Context(), socket.DialSpec{To: v.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.SetDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	if _, err := io.WriteString(c, text); err != nil {
		t.Fatal(err)
	}
	if shut {
		if err := c.Shutdown("write"); err != nil {
			t.Fatal(err)
		}
	}
	b, err := io.ReadAll(c)
	return string(b), err
}

// serve starts a server on port 80.
func serve(t *testing.T, h *socket.Host, s Spec) *Server {
	t.Helper()
	s.Port = 80
	v, err := Serve(h, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := errors.Join(v.Close(), v.Close()); err != nil {
			t.Error(err)
		}
	})
	return v
}

// Parts of requests and answers.
const (
	get      = "GET / HTTP/1.1\r\nHost: a\r\n\r\n"
	getClose = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
)

func answerOf(status, length, connection, more, body string) string {
	return fmt.Sprintf("HTTP/1.1 %s\r\nContent-Type: application/octet-stream\r\n%s\r\nConnection: %s\r\n%s\r\n%s",
		status, length, connection, more, body)
}

func post(size int, more string) string {
	return fmt.Sprintf("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n%s\r\n", size, more)
}

// TestAnswers holds what is on the wire, byte for byte, to what a route and the
// knobs of the server say.
func TestAnswers(t *testing.T) {
	h := alone.Host(t)
	hello := Route{Path: "/", Body: []byte("hello")}
	with := func(change func(*Route)) Spec {
		r := hello
		change(&r)
		return Spec{Routes: []Route{r}}
	}
	plain := Spec{Routes: []Route{hello}}
	const length5, closed = "Content-Length: 5", "close"
	ok := answerOf("200 OK", length5, closed, "", "hello")
	for _, tt := range []struct {
		name string
		spec Spec
		ask  string
		want string
	}{
		{"a body", plain, getClose, ok},
		{"two on one connection", plain, get + getClose,
			answerOf("200 OK", length5, "keep-alive", "", "hello") + ok},
		{"HTTP/1.0", plain, "GET / HTTP/1.0\r\n\r\n", strings.Replace(ok, "HTTP/1.1", "HTTP/1.0", 1)},
		{"HEAD", plain, strings.Replace(getClose, "GET", "HEAD", 1), answerOf("200 OK", length5, closed, "", "")},
		{"no route", Spec{}, getClose, answerOf("404 Not Found", "Content-Length: 10", closed, "", "not found\n")},
		{"no request", plain, "nonsense\r\n\r\n",
			answerOf("400 Bad Request", "Content-Length: 0", closed, "", "")},
		{"a status and a header", with(func(r *Route) { r.Status, r.Header = 503, [][2]string{{"Retry-After", "1"}} }),
			getClose, answerOf("503 Service Unavailable", length5, closed, "Retry-After: 1\r\n", "hello")},
		{"close of a route", with(func(r *Route) { r.Close = true }), get, ok},
		{"chunks", with(func(r *Route) { r.Chunked = 2 }), getClose, answerOf("200 OK", "Transfer-Encoding: chunked",
			closed, "", "2\r\nhe\r\n2\r\nll\r\n1\r\no\r\n0\r\n\r\n")},
		{"a drip", with(func(r *Route) { r.Drip, r.Every = 2, time.Millisecond }), getClose, ok},
		{"a delay", with(func(r *Route) { r.Delay = time.Millisecond }), getClose, ok},
		{"a cut", with(func(r *Route) { r.Cut = 3 }), get, answerOf("200 OK", length5, "keep-alive", "", "hel")},
		{"a cut in a chunk", with(func(r *Route) { r.Chunked, r.Cut = 2, 3 }), get, answerOf("200 OK",
			"Transfer-Encoding: chunked", "keep-alive", "", "2\r\nhe\r\n1\r\nl")},
		{"a range", plain, strings.Replace(getClose, "\r\n\r\n", "\r\nRange: bytes=1-3\r\n\r\n", 1),
			answerOf("206 Partial Content", "Content-Length: 3", closed, "Content-Range: bytes 1-3/5\r\n", "ell")},
		{"the last bytes", plain, strings.Replace(getClose, "\r\n\r\n", "\r\nRange: bytes=-2\r\n\r\n", 1),
			answerOf("206 Partial Content", "Content-Length: 2", closed, "Content-Range: bytes 3-4/5\r\n", "lo")},
		{"a range that is not there", plain, strings.Replace(getClose, "\r\n\r\n", "\r\nRange: bytes=9-\r\n\r\n", 1),
			answerOf("416 Requested Range Not Satisfiable", "Content-Length: 0", closed, "Content-Range: bytes */5\r\n",
				"")},
		{"keepalive_timeout 0", Spec{Routes: []Route{hello}, KeepaliveTimeout: Off}, get, ok},
		{"keepalive_timeout", Spec{Routes: []Route{hello}, KeepaliveTimeout: time.Millisecond}, get,
			answerOf("200 OK", length5, "keep-alive", "", "hello")},
		{"keepalive_requests", Spec{Routes: []Route{hello}, KeepaliveRequests: 1}, get, ok},
		{"client_header_timeout", Spec{HeaderTimeout: 200 * time.Millisecond}, "GET / HT", ""},
		{"an upload", with(func(r *Route) { r.Upload = true }), post(3, "Connection: close\r\n") + "abc", ok},
		{"an upload with 100-continue", with(func(r *Route) { r.Upload = true }),
			post(3, "Connection: close\r\nExpect: 100-continue\r\n") + "abc", "HTTP/1.1 100 Continue\r\n\r\n" + ok},
		{"client_max_body_size", Spec{Routes: []Route{hello}, MaxBody: 2}, post(3, "") + "abc",
			answerOf("413 Request Entity Too Large", "Content-Length: 25", closed, "", "request entity too large\n")},
		{"client_body_timeout", Spec{Routes: []Route{{Path: "/", Upload: true}}, BodyTimeout: time.Millisecond},
			post(3, "") + "a", ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := serve(t, h, tt.spec)
			got, err := talk(t, h, v, tt.ask, false)
			if got != tt.want || err != nil {
				t.Errorf("got %q, %v\nwant %q", got, err, tt.want)
			}
			if err := v.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestEnds holds how a connection ends to the knobs that say so: with FIN, or with
// a reset.
func TestEnds(t *testing.T) {
	h := alone.Host(t)
	hello := []Route{{Path: "/", Body: []byte("hello")}}
	upload := []Route{{Path: "/", Upload: true}}
	// More than the server reads at once, and all there before it answers.
	large, late := strings.Repeat("x", 20_000), []Route{{Path: "/", Delay: 20 * time.Millisecond}}
	for _, tt := range []struct {
		name string
		spec Spec
		ask  string
		want string // "" is FIN
	}{
		{"an answer", Spec{Routes: hello}, getClose, ""},
		{"a rest of the request, read", Spec{Routes: hello}, post(3, "Connection: close\r\n") + "abc", ""},
		{"a rest of the request, left", Spec{Routes: late, LeaveBody: true, Lingering: lingerOff},
			post(len(large), "Connection: close\r\n") + large, "ECONNRESET"},
		{"a rest of the request, taken", Spec{Routes: late},
			post(len(large), "Connection: close\r\n") + large, ""},
		{"a time that is over", Spec{HeaderTimeout: 200 * time.Millisecond}, "GET", ""},
		{"reset_timedout_connection", Spec{Routes: upload, BodyTimeout: time.Millisecond, ResetTimedout: true},
			post(3, ""), "ECONNRESET"},
		{"a body that is late", Spec{Routes: upload, BodyTimeout: time.Millisecond}, post(3, ""), ""},
		{"an idle connection, with reset_timedout_connection",
			Spec{Routes: hello, KeepaliveTimeout: time.Millisecond, ResetTimedout: true}, get, ""},
	} {
		t.Run(tt.name, func(t *testing.T) {
			v := serve(t, h, tt.spec)
			_, err := talk(t, h, v, tt.ask, false)
			if got := socket.ErrName(err); got != tt.want {
				t.Errorf("it ended with %q, want %q", got, tt.want)
			}
			if err := v.Close(); err != nil {
				t.Error(err)
			}
		})
	}
}

// TestServed is what a server says of the requests that it had.
func TestServed(t *testing.T) {
	h := alone.Host(t)
	v := serve(t, h, Spec{Routes: []Route{
		{Path: "/", Body: []byte("hello")},
		{Path: "/in/", Method: "POST", Upload: true, Status: 201},
	}})
	ask := get + strings.Replace(post(3, "Connection: close\r\n"), "POST / ", "POST /in/x ", 1) + "abc"
	if _, err := talk(t, h, v, ask, true); err != nil {
		t.Fatal(err)
	}
	if _, err := talk(t, h, v, strings.Replace(getClose, "GET / ", "GET /none ", 1), true); err != nil {
		t.Fatal(err)
	}
	got := v.Served()
	want := []Served{
		{Method: "GET", Path: "/", Proto: "HTTP/1.1", Status: 200, Sent: 5, Conn: 1, N: 1},
		{Method: "POST", Path: "/in/x", Proto: "HTTP/1.1", Status: 201, Received: 3, Conn: 1, N: 2},
		{Method: "GET", Path: "/none", Proto: "HTTP/1.1", Status: 200, Sent: 5, Conn: 2, N: 1},
	}
	if len(got) != len(want) || v.Accepted() != 2 {
		t.Fatalf("%d requests on %d connections: %+v", len(got), v.Accepted(), got)
	}
	for i, w := range want {
		g := got[i]
		if g.Peer == "" || g.Took < 0 {
			t.Errorf("request %d: peer %q, took %s", i, g.Peer, g.Took)
		}
		if w.Peer, w.Took = g.Peer, g.Took; g != w {
			t.Errorf("request %d: got %+v, want %+v", i, g, w)
		}
	}
}

// TestRoute takes the exact path, or the longest that begins the one asked for.
func TestRoute(t *testing.T) {
	s := Spec{Routes: []Route{
		{Path: "/", Status: 1}, {Path: "/a/", Status: 2}, {Path: "/a/b/", Status: 3},
		{Path: "/a/exact", Status: 4}, {Path: "/post", Method: "POST", Status: 5},
	}}
	for ask, want := range map[string]int{
		"GET /": 1, "GET /x": 1, "GET /a": 1, "GET /a/": 2, "GET /a/x": 2, "GET /a/b/c": 3, "GET /a/exact": 4,
		"GET /a/exactly": 2, "POST /post": 5, "GET /post": 1,
	} {
		method, path, _ := strings.Cut(ask, " ")
		if got := s.route(method, path); got == nil || got.Status != want {
			t.Errorf("%s: got %+v, want route %d", ask, got, want)
		}
	}
	if got := (&Spec{}).route("GET", "/"); got != nil {
		t.Errorf("without routes: %+v", got)
	}
}

// TestGate works on no more requests at once than it may.
func TestGate(t *testing.T) {
	h := alone.Host(t)
	v := serve(t, h, Spec{Gate: 1, Routes: []Route{
		{Path: "/slow", Delay: time.Hour}, {Path: "/", Body: []byte("hello")},
	}})
	slow, err := h.Dial(t.Context(), socket.DialSpec{To: v.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer slow.Close()
	if _, err := io.WriteString(slow, "GET /slow HTTP/1.1\r\nHost: a\r\n\r\n"); err != nil {
		t.Fatal(err)
	}
	for len(v.gate) == 0 { // until it is worked on
		runtime.Gosched()
	}
	c, err := h.Dial(t.Context(), socket.DialSpec{To: v.Addr()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if _, err := io.WriteString(c, getClose); err != nil {
		t.Fatal(err)
	}
	for len(v.Served()) < 2 { // until it has come
		runtime.Gosched()
	}
	if c.Readable() {
		t.Error("a second request was worked on")
	}
}
