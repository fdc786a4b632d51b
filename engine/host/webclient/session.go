//go:build linux

package webclient

import (
	"context"
	"net/http"
	"sync"
	"time"

	"netrepro/engine/host/socket"
)

// maxBody bounds what a request keeps.
const maxBody = 256 << 20

// Session is a client of one server: it keeps connections open between requests.
type Session struct {
	host   *socket.Host
	target Target

	mu     sync.Mutex
	idle   []*clientConn
	h2     *h2client
	opened int
	closed bool
}

// NewSession begins a session on a host, which closes it.
func NewSession(h *socket.Host, t Target) (*Session, error) {
	s := &Session{host: h, target: t}
	return s, h.Keep(s)
}

// Opened is how many connections it has opened.
func (s *Session) Opened() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.opened
}

// Close closes the connections that are idle. Closing twice is harmless.
func (s *Session) Close() error {
	s.host.Forget(s)
	s.mu.Lock()
	idle, h2 := s.idle, s.h2
	s.idle, s.h2, s.closed = nil, nil, true
	s.mu.Unlock()
	for _, c := range idle {
		c.close(clientClosed)
	}
	if h2 != nil {
		h2.close()
	}
	return nil
}

// take is an idle connection, the one used last first; nil if there is none that
// is still good.
func (s *Session) take() *clientConn {
	for {
		s.mu.Lock()
		n := len(s.idle)
		if n == 0 {
			s.mu.Unlock()
			return nil
		}
		c := s.idle[n-1]
		s.idle = s.idle[:n-1]
		s.mu.Unlock()
		if !c.raw.Ended() {
			return c
		}
		c.close(serverClosed)
	}
}

func (s *Session) put(c *clientConn) {
	s.mu.Lock()
	closed := s.closed
	if !closed {
		s.idle = append(s.idle, c)
	}
	s.mu.Unlock()
	if closed {
		c.close(clientClosed)
	}
}

// open opens a connection.
func (s *Session) open(ctx context.Context, r *Response) (*clientConn, error) {
	s.mu.Lock()
	s.opened++
	s.mu.Unlock()
	s.target.Tally.begin()
	c, err := s.connect(ctx, r)
	if err != nil {
		s.target.Tally.end(r.why(ctx, err), false)
		return nil, err
	}
	s.target.Tally.stands()
	return c, nil
}

// Open opens a connection for requests to come. What it returns has no answer,
// only how far it came.
func (s *Session) Open(ctx context.Context) *Response {
	r := &Response{Remote: s.target.Dial.To}
	r.Started = time.Now()
	c, err := s.open(ctx, r)
	r.Took = time.Since(r.Started)
	r.Err = r.why(ctx, err)
	if err == nil {
		r.Peer = c.peer
		s.put(c)
	}
	return r
}

// Do makes one request. A failure is in the Response, with what had arrived.
// There are no retries.
func (s *Session) Do(ctx context.Context, q Request) *Response {
	r := &Response{Remote: s.target.Dial.To}
	r.Started = time.Now()
	if q.Method == "" {
		q.Method = http.MethodGet
	}
	if q.Path == "" {
		q.Path = "/"
	}
	err := s.do(ctx, q, r)
	r.Took = time.Since(r.Started)
	r.Err = r.why(ctx, err)
	return r
}

func (s *Session) do(ctx context.Context, q Request, r *Response) error {
	if s.target.HTTP2 {
		return s.do2(ctx, q, r)
	}
	c := s.take()
	if c == nil {
		var err error
		if c, err = s.open(ctx, r); err != nil {
			return err
		}
	}
	r.Reused, r.Peer, r.Local, r.Remote = c.used, c.peer, c.raw.Local(), c.raw.Remote()
	c.used = true
	keep, err := c.exchange(ctx, s.target.Name, q, r)
	switch {
	case err != nil:
		c.tally.end(r.why(ctx, err), true)
		_ = c.raw.Close() // what is unread makes it a reset
	case keep:
		s.put(c)
	case c.ended:
		c.close(serverClosed)
	default:
		c.close(clientClosed)
	}
	return err
}

// Fetch makes one request on a connection of its own, which the client closes
// when it has the answer, unless the server does.
func Fetch(ctx context.Context, h *socket.Host, t Target, q Request) *Response {
	s, err := NewSession(h, t)
	if err != nil {
		return &Response{Result: socket.Result{Err: err.Error(), Started: time.Now()}}
	}
	r := s.Do(ctx, q)
	_ = s.Close() // it has nothing to say
	return r
}

// All makes requests over up to so many connections at once, as a browser opens
// them, and returns the answers in the order of the requests.
func (s *Session) All(ctx context.Context, qs []Request, connections int) []*Response {
	out := make([]*Response, len(qs))
	next := make(chan int)
	var wg sync.WaitGroup
	for range min(connections, len(qs)) {
		wg.Go(func() {
			for i := range next {
				out[i] = s.Do(ctx, qs[i])
			}
		})
	}
	for i := range qs {
		next <- i
	}
	close(next)
	wg.Wait()
	return out
}
