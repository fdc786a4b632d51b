//go:build linux

package webclient

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"time"

	"netrepro/engine/host/socket/fd"
)

// exchange sends a request and reads its answer; keep says that the connection
// may be used again.
func (c *clientConn) exchange(ctx context.Context, name string, q Request, r *Response) (keep bool, err error) {
	req, err := http.NewRequest(q.Method, "http://"+name+q.Path, nil)
	if err != nil {
		return false, err
	}
	r.stage = "write"
	sent := make(chan error, 1)
	leave := make(chan bool, 1)
	waits := q.Expect
	go func() {
		sent <- fd.Within(ctx, c.nc.SetWriteDeadline,
			func() error { return c.send(req.URL.RequestURI(), name, q, r, leave) })
	}()
	if !waits {
		leave <- true
	}
	var resp *http.Response
	err = fd.Within(ctx, c.nc.SetReadDeadline, func() error {
		if _, err := c.r.Peek(1); err != nil {
			return err
		}
		r.FirstByte = time.Since(r.Started)
		for {
			//nolint:bodyclose // the body is a part of the connection, which is closed or used again
			if resp, err = http.ReadResponse(c.r, req); err != nil {
				return err
			}
			if resp.StatusCode != http.StatusContinue {
				break
			}
			if waits {
				leave <- true
				waits = false
			}
		}
		if waits {
			leave <- false // it is refused, or answered without
			waits = false
		}
		r.Status, r.Header, r.Proto = resp.StatusCode, resp.Header, resp.Proto
		if resp.Close { // the library takes them out
			r.Header.Set("Connection", "close")
		}
		if len(resp.TransferEncoding) > 0 {
			r.Header.Set("Transfer-Encoding", resp.TransferEncoding[0])
		}
		r.Body, err = readBody(resp.Body, q.Stop)
		r.stop = errors.Is(err, errStop)
		if r.stop {
			err = nil
		}
		return err
	})
	var werr error
	wrote := false
	if errors.Is(err, os.ErrDeadlineExceeded) && !waits {
		// The time for writing is over too: which of both ends first is no race.
		werr, wrote = <-sent, true
	} else {
		select {
		case werr = <-sent:
			wrote = true
		default: // still sending what the answer did not wait for, or just done
		}
	}
	if wrote && err != nil && werr != nil && r.FirstByte == 0 { // it could not even ask
		return false, werr
	}
	if !wrote {
		_ = c.nc.SetWriteDeadline(time.Unix(1, 0))
		if waits {
			leave <- false
		}
		werr = <-sent
		_ = c.nc.SetWriteDeadline(time.Time{})
	}
	r.Unsent = r.Status != 0 && r.Sent < len(q.Body)
	whole := werr == nil
	r.stage = "read"
	if err != nil || r.stop || !whole {
		return false, err
	}
	if resp.Close || q.Close || resp.ContentLength < 0 && len(resp.TransferEncoding) == 0 {
		// The server closes, and the client waits for it: whose FIN comes first
		// is no race.
		_ = fd.Within(ctx, c.nc.SetReadDeadline, func() error { _, err := c.r.Peek(1); return err })
		c.ended = c.raw.Ended()
		return false, nil
	}
	return true, nil
}

// errStop says that as much was read as was wanted.
var errStop = errors.New("enough")

// readBody reads a body, all of it or its first bytes.
func readBody(body io.Reader, stop int) ([]byte, error) {
	if stop <= 0 {
		return io.ReadAll(io.LimitReader(body, maxBody))
	}
	b := make([]byte, stop)
	n, err := io.ReadFull(body, b)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return b[:n], nil
	}
	if err == nil {
		err = errStop
	}
	return b[:n], err
}

// send writes a request; the body when it may.
func (c *clientConn) send(path, name string, q Request, r *Response, leave <-chan bool) error {
	w := bufio.NewWriterSize(c.nc, 16<<10)
	fmt.Fprintf(w, "%s %s HTTP/1.1\r\nHost: %s\r\n", q.Method, path, name) // errors show when it is flushed
	header := q.Header
	if len(q.Body) > 0 || q.Method == http.MethodPost || q.Method == http.MethodPut {
		header = append(header, [2]string{"Content-Length", fmt.Sprint(len(q.Body))})
	}
	if q.Expect {
		header = append(header, [2]string{"Expect", "100-continue"})
	}
	if q.Close {
		header = append(header, [2]string{"Connection", "close"})
	}
	for _, h := range header {
		fmt.Fprintf(w, "%s: %s\r\n", h[0], h[1])
	}
	_, _ = io.WriteString(w, "\r\n")
	if q.Expect || len(q.Body) == 0 {
		if err := w.Flush(); err != nil {
			return err
		}
	}
	if !<-leave {
		return errStop
	}
	for body := q.Body; len(body) > 0; {
		n, err := w.Write(body[:min(len(body), 16<<10)])
		r.Sent += n
		if err != nil {
			return err
		}
		body = body[n:]
	}
	return w.Flush()
}
