//go:build linux

package web

import (
	"errors"
	"io"
	"net/http"
	"time"
)

// errTooLarge is a body above client_max_body_size.
var errTooLarge = errors.New("the body is too large")

// countingBody reads a request's body in time, and no more than is allowed.
type countingBody struct {
	c    *conn
	r    io.ReadCloser
	n    int
	wait time.Duration // for each read
	left int           // bytes still allowed, below 0 for no bound
	eof  bool
}

// discard reads and forgets the rest of the body, for as long as lingering
// allows; it reports whether that was all (ngx_http_discard_request_body).
func (b *countingBody) discard(spec *Spec) bool {
	end := time.Now().Add(spec.LingeringTime)
	b.wait, b.left = spec.LingeringTimeout, -1
	buf := make([]byte, 4<<10)
	for time.Now().Before(end) {
		if _, err := b.Read(buf); err != nil {
			return errors.Is(err, io.EOF)
		}
	}
	return false
}

// Read implements io.Reader.
func (b *countingBody) Read(p []byte) (int, error) {
	if err := b.c.raw.SetReadDeadline(deadline(b.wait)); err != nil {
		return 0, err
	}
	n, err := b.r.Read(p)
	b.n += n
	b.eof = b.eof || errors.Is(err, io.EOF)
	if b.left >= 0 && b.n > b.left {
		return n, errTooLarge
	}
	return n, err
}

// unread reports whether some of the body was not read.
func (b *countingBody) unread(req *http.Request) bool {
	return req.Body != http.NoBody && req.ContentLength != 0 && !b.eof &&
		(req.ContentLength < 0 || int64(b.n) < req.ContentLength)
}
