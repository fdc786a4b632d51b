//go:build linux

package web

import (
	"bufio"
	"crypto/tls"
	"errors"
	"io"
	"net"
	"net/http"
	"os"
	"time"

	"netrepro/engine/host/socket"
)

// conn is one connection of a server.
type conn struct {
	srv *Server
	raw *socket.Conn
	id  int

	nc  net.Conn // raw, or TLS over it
	tls *tls.Conn
	r   *bufio.Reader
	w   *bufio.Writer
}

// considerate does not answer a client that has closed with an alert. The
// library's HTTP/2 would.
type considerate struct{ *socket.Conn }

// maxAlert is the size of the largest TLS record with an alert (RFC 8446, section
// 5.2: header, alert, type and tag; with TLS 1.2 a nonce instead of the type).
const maxAlert = 5 + 8 + 2 + 1 + 16

// Write implements net.Conn.
func (c considerate) Write(b []byte) (int, error) {
	if len(b) <= maxAlert && c.Ended() {
		return len(b), nil
	}
	return c.Conn.Write(b)
}

// deadline is when d from now is; endless times have none.
func deadline(d time.Duration) time.Time {
	if d < 0 {
		return time.Time{}
	}
	return time.Now().Add(d)
}

// paced writes in pieces of at most a record, each in time.
type paced struct{ c *conn }

// Write implements io.Writer.
func (p paced) Write(b []byte) (n int, err error) {
	for len(b) > 0 {
		piece := b[:min(len(b), p.c.srv.spec.BufferSize)]
		if err := p.c.raw.SetWriteDeadline(deadline(p.c.srv.spec.SendTimeout)); err != nil {
			return n, err
		}
		m, err := p.c.nc.Write(piece)
		n += m
		if err != nil {
			return n, err
		}
		b = b[len(piece):]
	}
	return n, nil
}

// serve runs the connection to its end.
func (c *conn) serve() {
	spec := &c.srv.spec
	c.nc = c.raw
	if spec.TLS != nil {
		c.tls = tls.Server(considerate{c.raw}, spec.TLS)
		c.nc = c.tls
		_ = c.raw.SetDeadline(deadline(spec.HeaderTimeout)) // a closed connection says so when it is used
		if err := c.tls.HandshakeContext(c.srv.ctx); err != nil {
			c.abandon(err)
			return
		}
		if c.tls.ConnectionState().NegotiatedProtocol == "h2" {
			_ = c.raw.SetDeadline(time.Time{})
			done := make(chan struct{})
			c.srv.h2.serve(c.tls, func() { close(done) })
			<-done
			return
		}
	}
	from := &noted{r: c.nc}
	c.r = bufio.NewReader(from)
	c.w = bufio.NewWriterSize(paced{c}, spec.BufferSize)
	for n := 1; ; n++ {
		wait := spec.HeaderTimeout
		if n > 1 {
			wait = spec.KeepaliveTimeout
		}
		_ = c.raw.SetReadDeadline(deadline(wait))
		if _, err := c.r.Peek(1); err != nil {
			if errors.Is(err, os.ErrDeadlineExceeded) {
				c.polite() // an idle connection is closed, never reset
			} else {
				c.abandon(err)
			}
			return
		}
		_ = c.raw.SetReadDeadline(deadline(spec.HeaderTimeout))
		req, err := http.ReadRequest(c.r)
		if err != nil {
			if from.err != nil {
				c.abandon(from.err)
			} else {
				c.refuse(http.StatusBadRequest)
			}
			return
		}
		if !c.request(req, n) {
			return
		}
	}
}

// noted remembers why reading failed: what reads a header makes its own error of
// half a line.
type noted struct {
	r   io.Reader
	err error
}

// Read implements io.Reader.
func (n *noted) Read(b []byte) (int, error) {
	m, err := n.r.Read(b)
	n.err = err
	return m, err
}

// request answers one request; it reports whether the connection goes on.
func (c *conn) request(req *http.Request, n int) bool {
	spec := &c.srv.spec
	started := time.Now()
	log := c.srv.note(Served{Method: req.Method, Path: req.URL.Path, Proto: req.Proto, Peer: c.raw.Remote().String(),
		Conn: c.id, N: n})
	body := &countingBody{c: c, r: req.Body, wait: spec.BodyTimeout, left: spec.MaxBody}
	keep := !req.Close && n < spec.KeepaliveRequests && spec.KeepaliveTimeout != Off
	ended, err := c.answer(req, body, &keep, log)
	c.srv.amend(func() { log.Received, log.Took, log.Err = body.n, time.Since(started), socket.ErrName(err) })
	switch {
	case ended: // it closed by itself
		return false
	case err != nil:
		c.abandon(err)
		return false
	}
	if body.unread(req) && !spec.LeaveBody && !body.discard(spec) || !keep {
		c.finish()
		return false
	}
	return true
}

// refuse answers what is no request and closes.
func (c *conn) refuse(status int) {
	var keep bool
	c.head(&Route{Status: status}, "HTTP/1.1", 0, keep, nil)
	_ = c.w.Flush() // it is closed in any case
	c.finish()
}

// finish closes after an answer (ngx_http_finalize_connection).
func (c *conn) finish() {
	spec := &c.srv.spec
	if spec.Lingering == lingerAlways || spec.Lingering == lingerOn && !spec.LeaveBody &&
		(c.r.Buffered() > 0 || c.raw.Readable()) {
		c.linger()
		return
	}
	c.polite()
}

// polite closes: in TLS first, if that is wanted.
func (c *conn) polite() {
	c.notify()
	_ = c.raw.Close() // nobody is left to tell
}

func (c *conn) notify() {
	if c.tls != nil && !c.srv.spec.NoCloseNotify {
		_ = c.raw.SetWriteDeadline(deadline(c.srv.spec.SendTimeout))
		_ = c.tls.CloseWrite() // a client that is gone needs none
	}
}

// linger closes one direction and reads what comes until nothing does
// (ngx_http_set_lingering_close).
func (c *conn) linger() {
	spec := &c.srv.spec
	c.notify()
	if c.raw.Shutdown("write") == nil {
		end := time.Now().Add(spec.LingeringTime)
		buf := make([]byte, 4<<10)
		for time.Now().Before(end) {
			_ = c.raw.SetReadDeadline(deadline(spec.LingeringTimeout))
			if _, err := c.raw.Read(buf); err != nil {
				break
			}
		}
	}
	_ = c.raw.Close()
}

// abandon closes a connection that failed: one that timed out may be reset.
func (c *conn) abandon(err error) {
	if c.srv.spec.ResetTimedout && errors.Is(err, os.ErrDeadlineExceeded) {
		_ = c.raw.Set(socket.Options{Linger: new(time.Duration)})
		_ = c.raw.Close()
		return
	}
	// To a client that has closed, nginx sends no close_notify either
	// (ngx_ssl_handle_recv): it would be answered with a reset.
	_ = c.raw.Close()
}
