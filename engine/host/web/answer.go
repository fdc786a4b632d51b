//go:build linux

package web

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
)

// notFound is what is answered where no route is.
var notFound = Route{Status: http.StatusNotFound, Body: []byte("not found\n")}

// answer answers a request. ended says that the connection was closed on the
// way; keep is set to whether it may go on.
func (c *conn) answer(req *http.Request, body *countingBody, keep *bool, log *Served) (ended bool, err error) {
	spec := &c.srv.spec
	route := spec.route(req.Method, req.URL.Path)
	if route == nil {
		route = &notFound
	}
	if spec.MaxBody >= 0 && req.ContentLength > int64(spec.MaxBody) {
		return c.tooLarge(keep, log)
	}
	leave, err := c.srv.enter()
	if err != nil {
		return false, err
	}
	defer leave()
	if route.Upload {
		if strings.EqualFold(req.Header.Get("Expect"), "100-continue") {
			if _, err := io.WriteString(c.w, "HTTP/1.1 100 Continue\r\n\r\n"); err != nil {
				return false, err
			}
			if err := c.w.Flush(); err != nil {
				return false, err
			}
		}
		if _, err := io.Copy(io.Discard, body); errors.Is(err, errTooLarge) {
			return c.tooLarge(keep, log)
		} else if err != nil {
			return false, err
		}
	}
	if err := c.srv.pause(route.Delay); err != nil {
		return false, err
	}
	content, status, header := ranged(route, req)
	*keep = *keep && !route.Close
	c.srv.amend(func() { log.Status = status })
	r := *route
	r.Status = status
	c.head(&r, req.Proto, len(content), *keep, header)
	if req.Method == http.MethodHead {
		return false, c.w.Flush()
	}
	sent, ended, err := c.body(&r, content)
	c.srv.amend(func() { log.Sent = sent })
	return ended, err
}

func (c *conn) tooLarge(keep *bool, log *Served) (bool, error) {
	*keep = false
	const status = http.StatusRequestEntityTooLarge
	c.srv.amend(func() { log.Status = status })
	r := Route{Status: status, Body: []byte("request entity too large\n")}
	c.head(&r, "HTTP/1.1", len(r.Body), false, nil)
	_, _, err := c.body(&r, r.Body)
	return false, err
}

// ranged is the part of a route's body that a request wants (RFC 9110, section
// 14): one range of bytes, or all of it.
func ranged(route *Route, req *http.Request) (content []byte, status int, header [][2]string) {
	if status = route.Status; status == 0 {
		status = http.StatusOK
	}
	spec, ok := strings.CutPrefix(req.Header.Get("Range"), "bytes=")
	if !ok || status != http.StatusOK || route.Chunked > 0 || strings.Contains(spec, ",") {
		return route.Body, status, nil
	}
	size := len(route.Body)
	from, to, ok := strings.Cut(spec, "-")
	first, err1 := strconv.Atoi(from)
	last, err2 := strconv.Atoi(to)
	switch {
	case !ok || err1 != nil && err2 != nil:
		return route.Body, status, nil
	case err1 != nil: // the last so many
		first, last = max(size-last, 0), size-1
	case err2 != nil:
		last = size - 1
	}
	if first >= size || first > last {
		return nil, http.StatusRequestedRangeNotSatisfiable,
			[][2]string{{"Content-Range", fmt.Sprintf("bytes */%d", size)}}
	}
	last = min(last, size-1)
	return route.Body[first : last+1], http.StatusPartialContent,
		[][2]string{{"Content-Range", fmt.Sprintf("bytes %d-%d/%d", first, last, size)}}
}

// head writes the start line and the header.
func (c *conn) head(r *Route, proto string, size int, keep bool, more [][2]string) {
	if proto != "HTTP/1.0" {
		proto = "HTTP/1.1"
	}
	status := r.Status
	if status == 0 {
		status = http.StatusOK
	}
	fmt.Fprintf(c.w, "%s %03d %s\r\n", proto, status, http.StatusText(status)) // errors show when it is flushed
	header := [][2]string{{"Content-Type", "application/octet-stream"}}
	if r.Chunked > 0 {
		header = append(header, [2]string{"Transfer-Encoding", "chunked"})
	} else {
		header = append(header, [2]string{"Content-Length", strconv.Itoa(size)})
	}
	connection := "close"
	if keep {
		connection = "keep-alive"
	}
	header = append(header, [2]string{"Connection", connection})
	header = append(header, more...)
	header = append(header, r.Header...)
	for _, h := range header {
		fmt.Fprintf(c.w, "%s: %s\r\n", h[0], h[1])
	}
	_, _ = io.WriteString(c.w, "\r\n")
}

// body writes the body as the route says. ended says that it closed the
// connection before the end.
func (c *conn) body(r *Route, content []byte) (sent int, ended bool, err error) {
	piece := len(content)
	if r.Chunked > 0 {
		piece = r.Chunked
	}
	if r.Drip > 0 {
		piece = min(piece, r.Drip)
		if err := c.w.Flush(); err != nil {
			return 0, false, err
		}
	}
	for len(content) > 0 {
		part := content[:min(piece, len(content))]
		cut := r.Cut > 0 && sent+len(part) >= r.Cut
		if cut {
			part = part[:r.Cut-sent]
		}
		if r.Chunked > 0 {
			fmt.Fprintf(c.w, "%x\r\n", len(part))
		}
		if _, err := c.w.Write(part); err != nil {
			return sent, false, err
		}
		sent += len(part)
		if cut {
			if err := c.w.Flush(); err != nil {
				return sent, false, err
			}
			c.finish()
			return sent, true, nil
		}
		if r.Chunked > 0 {
			_, _ = io.WriteString(c.w, "\r\n")
		}
		content = content[len(part):]
		if r.Drip > 0 {
			if err := c.w.Flush(); err != nil {
				return sent, false, err
			}
			if len(content) > 0 {
				if err := c.srv.pause(r.Every); err != nil {
					return sent, false, err
				}
			}
		}
	}
	if r.Chunked > 0 {
		_, _ = io.WriteString(c.w, "0\r\n\r\n")
	}
	return sent, false, c.w.Flush()
}
