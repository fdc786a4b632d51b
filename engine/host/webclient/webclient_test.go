//go:build linux

package webclient

import (
	"bufio"
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"testing"

	"netrepro/engine/host/socket"
	"netrepro/engine/testutil/alone"
)

// server answers each request of each connection with the next of its answers, and
// closes a connection after an answer that says so, or when there is none left.
type server struct {
	*socket.Listener
	asked chan string // the head of each request, and its body
}

func serve(t *testing.T, h *socket.Host, answers ...string) *server {
	t.Helper()
	l, err := h.Listen(80, 0, socket.Options{})
	if err != nil {
		t.Fatal(err)
	}
	s := &server{l, make(chan string, 64)}
	done := make(chan struct{})
	go func() {
		defer close(done)
		for len(answers) > 0 {
			c, err := l.AcceptContext(t.Context())
			if err != nil {
				return
			}
			answers = s.connection(c, answers)
			_ = c.Close()
		}
	}()
	t.Cleanup(func() {
		if err := l.Close(); err != nil {
			t.Error(err)
		}
		<-done
	})
	return s
}

func (s *server) connection(c *socket.Conn, answers []string) []string {
	r := bufio.NewReader(c)
	for len(answers) > 0 {
		var head strings.Builder
		for {
			line, err := r.ReadString('\n')
			if err != nil {
				return answers
			}
			if head.WriteString(line); line == "\r\n" {
				break
			}
		}
		q, err := http.ReadRequest(bufio.NewReader(io.MultiReader(strings.NewReader(head.String()), r)))
		if err != nil {
			return answers
		}
		if q.Header.Get("Expect") != "" && !strings.HasPrefix(answers[0], "HTTP/1.1 4") {
			if _, err := io.WriteString(c, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
				return answers
			}
		}
		text := head.String()
		if q.Header.Get("Expect") == "" || !strings.HasPrefix(answers[0], "HTTP/1.1 4") {
			body := make([]byte, q.ContentLength)
			if _, err := io.ReadFull(q.Body, body); err != nil {
				return answers
			}
			text += string(body)
		}
		s.asked <- text
		a := answers[0]
		answers = answers[1:]
		if _, err := io.WriteString(c, a); err != nil || strings.Contains(a, "Connection: close") {
			return answers
		}
	}
	return nil
}

// Answers of the server.
const (
	hello = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"
	bye   = "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbye"
)

func target(s *server) Target {
	at := netip.MustParseAddrPort(s.Addr().String())
	return Target{Dial: socket.DialSpec{To: at}, Name: "a.example"}
}

// TestFetch holds what is asked on the wire, byte for byte, and what is reported to
// what the request says and the server answers.
func TestFetch(t *testing.T) {
	h := alone.Host(t)
	for _, tt := range []struct {
		name    string
		request Request
		answer  string
		asked   string
		status  int
		body    string
		err     string
	}{
		{"a page", Request{}, hello, "GET / HTTP/1.1\r\nHost: a.example\r\n\r\n", 200, "hello", ""},
		{"a path and a header", Request{Path: "/x?y", Header: [][2]string{{"X-A", "b"}}}, hello,
			"GET /x?y HTTP/1.1\r\nHost: a.example\r\nX-A: b\r\n\r\n", 200, "hello", ""},
		{"close of the client", Request{Close: true}, bye,
			"GET / HTTP/1.1\r\nHost: a.example\r\nConnection: close\r\n\r\n", 200, "bye", ""},
		{"a body", Request{Method: "POST", Body: []byte("data")}, hello,
			"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\n\r\ndata", 200, "hello", ""},
		{"an empty body", Request{Method: "PUT"}, hello,
			"PUT / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 0\r\n\r\n", 200, "hello", ""},
		{"leave to send the body", Request{Method: "POST", Body: []byte("data"), Expect: true}, hello,
			"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\ndata", 200, "hello",
			""},
		{"no leave to send it", Request{Method: "POST", Body: []byte("data"), Expect: true},
			"HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
			"POST / HTTP/1.1\r\nHost: a.example\r\nContent-Length: 4\r\nExpect: 100-continue\r\n\r\n", 417, "", ""},
		{"a part of the answer", Request{Stop: 2}, hello, "", 200, "he", ""},
		{"more than there is", Request{Stop: 9}, hello, "", 200, "hello", ""},
		{"chunks", Request{}, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n",
			"", 200, "hello", ""},
		{"an answer until the end", Request{}, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it", "", 200,
			"all of it", ""},
		{"an answer that is cut", Request{}, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nConnection: close\r\n\r\nhell",
			"", 200, "hell", "read unexpected EOF"},
		{"a cut head", Request{}, "HTTP/1.1 200 OK\r\nConnection: close\r\n", "", 0, "", "read unexpected EOF"},
		{"another protocol", Request{}, "SSH-2.0-x Connection: close\r\n", "", 0, "",
			`read malformed HTTP status code "Connection:"`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			s := serve(t, h, tt.answer)
			r := Fetch(t.Context(), h, target(s), tt.request)
			if r.Status != tt.status || string(r.Body) != tt.body || r.Err != tt.err {
				t.Errorf("got %d %q, %q, want %d %q, %q", r.Status, r.Body, r.Err, tt.status, tt.body, tt.err)
			}
			if got := <-s.asked; tt.asked != "" && got != tt.asked {
				t.Errorf("asked %q, want %q", got, tt.asked)
			}
			if r.Connected <= 0 || r.FirstByte < r.Connected || r.Took < r.FirstByte || r.Reused {
				t.Errorf("times: %s, %s, %s; reused %v", r.Connected, r.FirstByte, r.Took, r.Reused)
			}
		})
	}
}

// TestSession uses a connection again for as long as both sides keep it, and
// accounts for every one.
func TestSession(t *testing.T) {
	h := alone.Host(t)
	s := serve(t, h, hello, hello, bye, hello)
	tally := &Tally{}
	to := target(s)
	to.Tally = tally
	c, err := NewSession(h, to)
	if err != nil {
		t.Fatal(err)
	}
	if r := c.Open(t.Context()); !r.OK() || tally.standing() != 1 {
		t.Fatalf("open: %q, %d stand", r.Err, tally.standing())
	}
	var reused []bool
	for range 4 {
		r := c.Do(t.Context(), Request{})
		if !r.OK() {
			t.Fatal(r.Err)
		}
		reused = append(reused, r.Reused)
	}
	if want := []bool{false, true, true, false}; !slices.Equal(reused, want) || c.Opened() != 2 {
		t.Errorf("reused %v, want %v; %d opened", reused, want, c.Opened())
	}
	if err := errors.Join(c.Close(), c.Close()); err != nil {
		t.Error(err)
	}
	ended := tally.Ended()
	if n := ended[clientClosed] + ended[serverClosed]; n != 2 || tally.Begun() != 2 || tally.standing() != 0 ||
		tally.Peak() != 1 {
		t.Errorf("begun %d, open %d, at once %d, ended %v", tally.Begun(), tally.standing(), tally.Peak(), ended)
	}
}

// TestRefused says in which stage a request failed, and accounts for it.
func TestRefused(t *testing.T) {
	h := alone.Host(t)
	none := errors.New("no such name")
	for _, tt := range []struct {
		name string
		to   Target
		want string
	}{
		{"nobody listens", Target{}, "connect ECONNREFUSED"},
		{"no such name", Target{Resolve: func(context.Context) (netip.Addr, error) { return netip.Addr{}, none }},
			"resolve no such name"},
		{"HTTP/2 without TLS", Target{HTTP2: true}, " HTTP/2 is spoken over TLS here"},
	} {
		tally := &Tally{}
		tt.to.Dial.To = netip.AddrPortFrom(h.Addr(), 81)
		tt.to.Tally = tally
		r := Fetch(t.Context(), h, tt.to, Request{})
		if r.OK() || r.Err != tt.want {
			t.Errorf("%s: got %q, want %q", tt.name, r.Err, tt.want)
		}
		if want := map[string]int{tt.want: tally.Begun()}; tally.Begun() > 0 && !maps.Equal(tally.Ended(), want) {
			t.Errorf("%s: ended %v, want %v", tt.name, tally.Ended(), want)
		}
	}
}
