//go:build linux

package web

import (
	"crypto/tls"
	"io"
	stdlog "log"
	"net"
	"net/http"
	"strconv"
	"sync"
	"time"

	"netrepro/engine/host/socket"
)

// h2 serves the connections that speak HTTP/2, which the standard library does.
// It is the listener of a server of its own.
type h2 struct {
	srv   *http.Server
	queue chan net.Conn
	done  chan struct{}
	once  sync.Once

	mu   sync.Mutex
	over map[net.Conn]func()
}

func newH2(v *Server) *h2 {
	h := &h2{queue: make(chan net.Conn), done: make(chan struct{}), over: map[net.Conn]func(){}}
	var p http.Protocols
	p.SetHTTP2(true)
	h.srv = &http.Server{Handler: http.HandlerFunc(v.handle), ErrorLog: stdlog.New(io.Discard, "", 0), Protocols: &p,
		IdleTimeout: max(v.spec.KeepaliveTimeout, 0),
		ConnState: func(c net.Conn, s http.ConnState) {
			if s == http.StateClosed || s == http.StateHijacked {
				h.ended(c)
			}
		}}
	v.wg.Go(func() { _ = h.srv.Serve(h) }) // ends when the listener does
	return h
}

// serve hands a connection over; over is called when it has ended.
func (h *h2) serve(c *tls.Conn, over func()) {
	h.mu.Lock()
	h.over[c] = over
	h.mu.Unlock()
	select {
	case h.queue <- c:
	case <-h.done:
		h.ended(c)
	}
}

func (h *h2) ended(c net.Conn) {
	h.mu.Lock()
	over := h.over[c]
	delete(h.over, c)
	h.mu.Unlock()
	if over != nil {
		over()
	}
}

// Accept implements net.Listener.
func (h *h2) Accept() (net.Conn, error) {
	select {
	case c := <-h.queue:
		return c, nil
	case <-h.done:
		return nil, net.ErrClosed
	}
}

// Addr implements net.Listener.
func (h *h2) Addr() net.Addr { return &net.TCPAddr{} }

// Close implements net.Listener.
func (h *h2) Close() error {
	h.once.Do(func() { close(h.done) })
	return nil
}

func (h *h2) close() { _ = h.srv.Close() } // closes the listener, and what it serves

// handle answers an HTTP/2 request as its route says.
func (v *Server) handle(w http.ResponseWriter, req *http.Request) {
	started := time.Now()
	log := v.note(Served{Method: req.Method, Path: req.URL.Path, Proto: req.Proto, Peer: req.RemoteAddr})
	route := v.spec.route(req.Method, req.URL.Path)
	if route == nil {
		route = &notFound
	}
	var note Served
	defer func() {
		v.amend(func() {
			log.Status, log.Sent, log.Received, log.Err, log.Took = note.Status, note.Sent, note.Received, note.Err,
				time.Since(started)
		})
	}()
	leave, err := v.enter()
	if err != nil {
		return
	}
	defer leave()
	if route.Upload {
		body := io.Reader(req.Body)
		if v.spec.MaxBody >= 0 {
			body = http.MaxBytesReader(w, req.Body, int64(v.spec.MaxBody))
		}
		n, err := io.Copy(io.Discard, body)
		if note.Received = int(n); err != nil {
			note.Err, note.Status = socket.ErrName(err), http.StatusRequestEntityTooLarge
			http.Error(w, "request entity too large", note.Status)
			return
		}
	}
	if v.pause(route.Delay) != nil {
		return
	}
	content, status, more := ranged(route, req)
	h := w.Header()
	h["Date"] = nil // the same bytes each run
	h.Set("Content-Type", "application/octet-stream")
	if route.Chunked == 0 {
		h.Set("Content-Length", strconv.Itoa(len(content)))
	}
	for _, f := range append(more, route.Header...) {
		h.Set(f[0], f[1])
	}
	note.Status = status
	w.WriteHeader(status)
	piece := len(content)
	for _, n := range []int{route.Chunked, route.Drip} {
		if n > 0 {
			piece = min(piece, n)
		}
	}
	for len(content) > 0 {
		n, err := w.Write(content[:min(piece, len(content))])
		note.Sent += n
		if err != nil {
			note.Err = socket.ErrName(err)
			return
		}
		content = content[n:]
		if route.Drip > 0 && len(content) > 0 {
			_ = http.NewResponseController(w).Flush()
			if v.pause(route.Every) != nil {
				return
			}
		}
	}
}
