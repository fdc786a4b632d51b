//go:build linux

package endpoint

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptrace"
	"net/netip"
	"strconv"
	"sync"
	"time"
)

// Server is an HTTP/1.1 server, with or without TLS.
type Server struct {
	host *Host
	port int
	tls  bool
	srv  *http.Server
	done chan struct{}
}

// ServeSpec says what a server is and answers.
type ServeSpec struct {
	Port   int
	Body   []byte
	Status int         // 0 means 200
	TLS    *tls.Config // nil for plain HTTP
}

// Serve starts a server that answers every request the same.
func (h *Host) Serve(s ServeSpec) (*Server, error) {
	l, err := h.Listen(s.Port, 0, Options{})
	if err != nil {
		return nil, err
	}
	if s.Status == 0 {
		s.Status = http.StatusOK
	}
	answer := func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "application/octet-stream")
		w.Header().Set("Content-Length", strconv.Itoa(len(s.Body)))
		w.Header()["Date"] = nil // the same bytes each run
		w.WriteHeader(s.Status)
		_, _ = w.Write(s.Body) // a lost client is the client's to report
	}
	v := &Server{host: h, port: s.Port, tls: s.TLS != nil, done: make(chan struct{})}
	v.srv = &http.Server{Handler: http.HandlerFunc(answer), ErrorLog: log.New(io.Discard, "", 0), ReadHeaderTimeout: time.Minute,
		// Only HTTP/1.1: HTTP/2 would need its own knobs.
		TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}}
	var ln net.Listener = l
	if s.TLS != nil {
		ln = tls.NewListener(l, s.TLS)
	}
	go func() {
		defer close(v.done)
		_ = v.srv.Serve(ln) // ends with http.ErrServerClosed
	}()
	return v, h.keep(v)
}

// Addr is where the server listens.
func (v *Server) Addr() netip.AddrPort { return netip.AddrPortFrom(v.host.Addr(), uint16(v.port)) }

// Host is where the server lives.
func (v *Server) Host() *Host { return v.host }

// TLS reports whether it speaks TLS.
func (v *Server) TLS() bool { return v.tls }

// Close ends the server and its connections.
func (v *Server) Close() error {
	v.host.forget(v)
	err := v.srv.Close()
	<-v.done
	return err
}

// FetchSpec says what to fetch.
type FetchSpec struct {
	To   netip.AddrPort
	Name string // for the Host header and TLS
	Path string
	TLS  *tls.Config // nil for plain HTTP
	DialSpec
}

// Response is what a fetch brought, as far as it came.
type Response struct {
	Result
	Status        int
	Body          []byte
	Local, Remote netip.AddrPort
	// Seconds since the start, 0 if it did not come so far.
	Connected, Handshaken, FirstByte time.Duration
}

// maxBody bounds what a fetch keeps.
const maxBody = 256 << 20

// Fetch makes one request on a connection of its own. A failure is in the
// Response, with what had arrived.
func (h *Host) Fetch(ctx context.Context, s FetchSpec) *Response {
	r := &Response{Remote: s.To}
	r.Started = time.Now()
	// The transport may still be dialing when the deadline ends the request.
	var mu sync.Mutex
	var got Response
	stage := "connect"
	since := func(d *time.Duration, next string) {
		mu.Lock()
		defer mu.Unlock()
		*d, stage = time.Since(r.Started), next
	}
	tr := &http.Transport{DisableKeepAlives: true, DisableCompression: true, TLSClientConfig: s.TLS,
		DialContext: func(ctx context.Context, _, _ string) (net.Conn, error) {
			d := s.DialSpec
			d.To = s.To
			p, err := h.Bind(d)
			if err != nil {
				return nil, err
			}
			mu.Lock()
			got.Local = p.Local
			mu.Unlock()
			c, err := p.Connect(ctx)
			if err != nil {
				return nil, err
			}
			next := "read"
			if s.TLS != nil {
				next = "handshake"
			}
			since(&got.Connected, next)
			return c, nil
		}}
	defer tr.CloseIdleConnections()
	ctx = httptrace.WithClientTrace(ctx, &httptrace.ClientTrace{
		TLSHandshakeDone: func(_ tls.ConnectionState, err error) {
			if err == nil {
				since(&got.Handshaken, "read")
			}
		},
		GotFirstResponseByte: func() { since(&got.FirstByte, "read") },
	})
	err := r.get(ctx, tr, s)
	r.Took = time.Since(r.Started)
	mu.Lock()
	defer mu.Unlock()
	r.Local, r.Connected, r.Handshaken, r.FirstByte = got.Local, got.Connected, got.Handshaken, got.FirstByte
	if err != nil {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		r.Err = stage + " " + ErrName(err)
	}
	return r
}

func (r *Response) get(ctx context.Context, tr *http.Transport, s FetchSpec) error {
	scheme := "http"
	if s.TLS != nil {
		scheme = "https"
	}
	url := fmt.Sprintf("%s://%s:%d%s", scheme, s.Name, s.To.Port(), s.Path)
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return err
	}
	req.Header.Set("User-Agent", "netrepro")
	resp, err := tr.RoundTrip(req)
	if err != nil {
		return err
	}
	r.Status = resp.StatusCode
	r.Body, err = io.ReadAll(io.LimitReader(resp.Body, maxBody))
	return errors.Join(err, resp.Body.Close())
}
