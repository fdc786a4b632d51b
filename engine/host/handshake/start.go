//go:build linux

package handshake

import (
	"context"
	"crypto/tls"
	"errors"
	"net/netip"
	"time"

	"netrepro/engine/host/socket"
)

// Call is a TLS handshake under way, from connect to Finished.
type Call struct {
	local, remote netip.AddrPort
	started       time.Time
	done          chan struct{}
	conn          *tls.Conn
	result        socket.Result
}

// Start opens a connection from h and begins a handshake in the background. ctx
// bounds both.
func Start(ctx context.Context, h *socket.Host, s socket.DialSpec, cfg *tls.Config) (*Call, error) {
	p, err := h.Bind(s)
	if err != nil {
		return nil, err
	}
	c := &Call{local: p.Local, remote: s.To, started: time.Now(), done: make(chan struct{})}
	go c.run(ctx, p, cfg)
	return c, nil
}

func (c *Call) run(ctx context.Context, p *socket.Pending, cfg *tls.Config) {
	defer close(c.done)
	fail := func(stage string, err error) {
		if ctx.Err() != nil {
			err = ctx.Err()
		}
		c.result = socket.Result{Err: stage + " " + socket.ErrName(err), Started: c.started,
			Took: time.Since(c.started)}
	}
	raw, err := p.Connect(ctx)
	if err != nil {
		fail("connect", err)
		return
	}
	conn := tls.Client(&Stream{Conn: raw}, cfg)
	if err := conn.HandshakeContext(ctx); err != nil {
		fail("handshake", err)
		_ = raw.Close()
		return
	}
	c.conn = conn
	c.result = socket.Result{Started: c.started, Took: time.Since(c.started)}
}

// Wait waits for the handshake to end.
func (c *Call) Wait(ctx context.Context) (socket.Result, error) {
	select {
	case <-c.done:
		return c.result, nil
	case <-ctx.Done():
		return socket.Result{}, ctx.Err()
	}
}

// Local is the client's address.
func (c *Call) Local() netip.AddrPort { return c.local }

// Remote is the server's address.
func (c *Call) Remote() netip.AddrPort { return c.remote }

// TLS is the connection after a handshake that succeeded.
func (c *Call) TLS() (*tls.Conn, error) {
	select {
	case <-c.done:
	default:
		return nil, errors.New("the handshake is still under way: wait for it first")
	}
	if c.conn == nil {
		return nil, errors.New("there is no connection: " + c.result.Err)
	}
	return c.conn, nil
}
