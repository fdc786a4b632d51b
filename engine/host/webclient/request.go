//go:build linux

package webclient

import (
	"context"
	"crypto/tls"
	"net/http"
	"net/netip"
	"time"

	"netrepro/engine/host/handshake"
	"netrepro/engine/host/socket"
)

// Target is whom a client speaks to, and how.
type Target struct {
	Dial socket.DialSpec
	Name string      // for the Host header
	TLS  *tls.Config // nil for plain HTTP
	HTTP2,
	NoCloseNotify bool
	// Resolve finds the address first; nil if it is known.
	Resolve func(ctx context.Context) (netip.Addr, error)
	// Tally accounts for the connections; nil does not.
	Tally *Tally
}

// Request is one request.
type Request struct {
	Method, Path string // GET and / unless said
	Header       [][2]string
	Body         []byte
	// Stop ends the reading of the answer's body after so many bytes and closes
	// the connection; 0 does not.
	Stop int
	// Close says Connection: close.
	Close bool
	// Expect says Expect: 100-continue and waits for leave to send the body.
	Expect bool
}

// Response is what a request brought, as far as it came.
type Response struct {
	socket.Result
	Status int
	Header http.Header
	Body   []byte
	Sent   int // bytes of the request's body that the kernel took
	// Unsent says that the answer came before all of the body was sent, and that the client stopped.
	Unsent        bool
	Proto         string
	Local, Remote netip.AddrPort
	Reused        bool            // the connection had been used before
	Peer          *handshake.Peer // nil without TLS
	// Since the start of the request, 0 if it did not come so far.
	Resolved, Connected, Handshaken, FirstByte time.Duration

	stage string
	stop  bool // the rest of the body is not wanted
}

// why names what failed, and in which stage; empty for nil.
func (r *Response) why(ctx context.Context, err error) string {
	if err == nil {
		return ""
	}
	if ctx.Err() != nil {
		err = ctx.Err()
	}
	what := socket.ErrName(err)
	if why := handshake.Why(err); why != "" {
		what = why
	}
	return r.stage + " " + what
}
