//go:build linux

package webclient

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/http/httptrace"
	"sync"
	"time"
)

// h2client speaks HTTP/2 for a session, by the standard library: one connection
// for all requests.
type h2client struct {
	tr *http.Transport

	mu   sync.Mutex
	conn *clientConn
}

// second is the session's HTTP/2 side, made when first needed.
func (s *Session) second() *h2client {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.h2 != nil {
		return s.h2
	}
	h := &h2client{}
	var p http.Protocols
	p.SetHTTP2(true)
	h.tr = &http.Transport{DisableCompression: true, Protocols: &p,
		DialTLSContext: func(ctx context.Context, _, _ string) (net.Conn, error) { return h.dial(ctx, s) }}
	s.h2 = h
	return h
}

// dial opens the connection for the request that waits for it.
func (h *h2client) dial(ctx context.Context, s *Session) (net.Conn, error) {
	r, _ := ctx.Value(dialled{}).(*Response)
	if r == nil {
		return nil, errors.New("no request is waiting for a connection")
	}
	c, err := s.open(ctx, r)
	if err != nil {
		return nil, err
	}
	if c.peer.ALPN != "h2" {
		c.close(clientClosed)
		return nil, errors.New("the server does not speak HTTP/2")
	}
	h.mu.Lock()
	h.conn = c
	h.mu.Unlock()
	return c.tls, nil
}

// dialled is the key of the response that a connection is opened for.
type dialled struct{}

func (h *h2client) close() { h.tr.CloseIdleConnections() }

func (s *Session) do2(ctx context.Context, q Request, r *Response) error {
	if s.target.TLS == nil {
		return errors.New("HTTP/2 is spoken over TLS here")
	}
	h := s.second()
	var body io.Reader
	if len(q.Body) > 0 {
		body = bytes.NewReader(q.Body)
	}
	ctx = context.WithValue(ctx, dialled{}, r)
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		GotConn:              func(i httptrace.GotConnInfo) { r.Reused = i.Reused; r.stage = "read" },
		GotFirstResponseByte: func() { r.FirstByte = time.Since(r.Started) },
	})
	req, err := http.NewRequestWithContext(ctx, q.Method, "https://"+s.target.Name+q.Path, body)
	if err != nil {
		return err
	}
	for _, f := range q.Header {
		req.Header.Set(f[0], f[1])
	}
	resp, err := h.tr.RoundTrip(req)
	if err != nil {
		return err
	}
	h.mu.Lock()
	if c := h.conn; c != nil {
		r.Peer, r.Local, r.Remote = c.peer, c.raw.Local(), c.raw.Remote()
	}
	h.mu.Unlock()
	r.Sent = len(q.Body)
	r.Status, r.Header, r.Proto = resp.StatusCode, resp.Header, resp.Proto
	r.Body, err = readBody(resp.Body, q.Stop)
	if errors.Is(err, errStop) {
		err = nil
	}
	return errors.Join(err, resp.Body.Close())
}
