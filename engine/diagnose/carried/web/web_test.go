package web

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"netrepro/engine/diagnose/carried/stream"
)

func at(ms int) stream.Place { return stream.Place{N: ms, Time: time.Duration(ms) * time.Millisecond} }

// sum is what a connection tells, in a line for each exchange.
func sum(c *Conn) string {
	var lines []string
	for _, e := range c.Exchanges {
		lines = append(lines, fmt.Sprintf("%s=%d %v %d/%d", e.Request, e.Status, e.Took, e.Sent, e.Got))
	}
	return strings.Join(lines, "|")
}

func TestExchanges(t *testing.T) {
	type say struct {
		side int
		at   int
		text string
		cut  int
	}
	tests := []struct {
		name string
		says []say
		want string
	}{
		{"one", []say{{0, 1, "GET /a HTTP/1.1\r\nHost: h\r\n\r\n", 0}, {1, 31, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", 0}},
			"GET /a=200 30ms 28/41"},
		{"a request in pieces", []say{{0, 1, "POST /a HTTP/1.1\r\nConte", 0}, {0, 2, "nt-Length: 4\r\n\r\nab", 0}, {0, 9, "cd", 0},
			{1, 10, "HTTP/1.1 204 No\r\n\r\n", 0}, {0, 20, "GET /b HTTP/1.1\r\n\r\n", 0}, {1, 25, "HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n", 0}},
			"POST /a=204 1ms 43/19|GET /b=404 5ms 19/38"},
		{"pipelined", []say{{0, 1, "GET /a HTTP/1.1\r\n\r\nGET /b HTTP/1.1\r\n\r\n", 0},
			{1, 5, "HTTP/1.1 304 No\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n", 0}},
			"GET /a=304 4ms 19/19|GET /b=200 4ms 19/59"},
		{"a continue first", []say{{0, 1, "PUT /a HTTP/1.1\r\nContent-Length: 2\r\n\r\n", 0}, {1, 2, "HTTP/1.1 100 Go on\r\n\r\n", 0}, {0, 3, "ab", 0},
			{1, 9, "HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n", 0}}, "PUT /a=500 1ms 40/60"},
		{"a body that was not captured", []say{{0, 1, "GET /a HTTP/1.1\r\n\r\n", 0},
			{1, 2, "HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", 1000}, {0, 9, "GET /b HTTP/1.1\r\n\r\n", 0}, {1, 12, "HTTP/1.1 200 OK\r\n\r\nx", 5}},
			"GET /a=200 1ms 19/1041|GET /b=200 3ms 19/25"},
		{"no answer", []say{{0, 1, "GET /a HTTP/1.1\r\n\r\n", 0}}, "GET /a=0 0s 19/0"},
		{"an answer alone", []say{{1, 1, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", 0}}, "=200 0s 0/38"},
		{"another protocol", []say{{0, 1, "GET /ws HTTP/1.1\r\n\r\n", 0}, {1, 2, "HTTP/1.1 101 Go\r\n\r\n\x81\x00", 0}, {0, 3, "\x81\x00", 0}},
			"GET /ws=101 1ms 20/19"},
		{"not HTTP", []say{{0, 1, "GETTING nowhere", 0}, {1, 1, "hello", 0}}, ""},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			c := New(stream.NewBudget(1 << 20))
			for _, s := range tt.says {
				c.Take(s.side, []byte(s.text), len(s.text)+s.cut, at(s.at))
			}
			if got := sum(c); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestTold(t *testing.T) {
	c := New(stream.NewBudget(1 << 20))
	c.Tell(0, "GET /a", at(1))
	c.Tell(1, "HTTP/1.1 200", at(5))
	c.Tell(0, "GET /b", at(9))
	if got := sum(c); got != "GET /a=200 4ms 0/0|GET /b=0 0s 0/0" {
		t.Error(got)
	}
}

func TestBound(t *testing.T) {
	c := New(stream.NewBudget(1 << 20))
	for i := range 1000 {
		c.Take(0, []byte("GET / HTTP/1.1\r\n\r\n"), 18, at(i))
	}
	if len(c.Exchanges) != maxKept || c.Beyond != 1000-maxKept || len(c.waiting) > maxWaiting {
		t.Errorf("%d kept, %d beyond, %d waiting", len(c.Exchanges), c.Beyond, len(c.waiting))
	}
}

func FuzzTake(f *testing.F) {
	f.Add([]byte("POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabcde\r\n0\r\n\r\n"), []byte("HTTP/1.1 200 OK\r\n\r\nx"), 7)
	f.Fuzz(func(t *testing.T, a, z []byte, cut int) {
		b := stream.NewBudget(1 << 20)
		c := New(b)
		cut = max(0, min(cut, len(a)))
		c.Take(0, a[:cut], cut, at(1))
		c.Take(1, z, len(z)+cut, at(2))
		c.Gap(1, cut)
		c.Take(0, a[cut:], len(a)-cut, at(3))
		c.Tell(1, string(z), at(4))
		c.reset(&c.sides[0])
		c.reset(&c.sides[1])
		if b.Draw(1<<20 - each*len(c.Exchanges) + 1) {
			t.Error("more was given back than drawn")
		}
		for _, e := range c.Exchanges {
			if e.Took < 0 || e.Sent < 0 || e.Got < 0 || len(e.Request) > 4*maxLine {
				t.Errorf("%+v", e)
			}
		}
	})
}
