//go:build linux

package webclient

import (
	"bufio"
	"context"
	"crypto/tls"
	"net"
	"net/netip"
	"time"

	"netrepro/engine/host/handshake"
	"netrepro/engine/host/socket"
)

// clientConn is one connection of a session.
type clientConn struct {
	raw  *socket.Conn
	tls  *tls.Conn
	nc   net.Conn
	r    *bufio.Reader
	used bool
	peer *handshake.Peer
	mute bool // closes without close_notify

	tally *Tally
	ended bool // the server has closed
}

// close ends the connection as curl does: close_notify, then FIN. how is for the
// tally.
func (c *clientConn) close(how string) {
	c.tally.end(how, true)
	if c.tls != nil && !c.mute {
		_ = c.raw.SetWriteDeadline(time.Now().Add(time.Second))
		_ = c.tls.CloseWrite() // the server may be gone
	}
	_ = c.raw.Close()
}

func (s *Session) connect(ctx context.Context, r *Response) (*clientConn, error) {
	t := &s.target
	dial := t.Dial
	dial.Options = dial.Nodelay()
	if t.Resolve != nil {
		r.stage = "resolve"
		a, err := t.Resolve(ctx)
		if err != nil {
			return nil, err
		}
		r.Resolved = time.Since(r.Started)
		dial.To = netip.AddrPortFrom(a, dial.To.Port())
	}
	r.stage = "connect"
	r.Remote = dial.To
	p, err := s.host.Bind(dial)
	if err != nil {
		return nil, err
	}
	r.Local = p.Local
	raw, err := p.Connect(ctx)
	if err != nil {
		return nil, err
	}
	r.Connected = time.Since(r.Started)
	c := &clientConn{raw: raw, nc: raw, mute: t.NoCloseNotify, tally: t.Tally}
	if t.TLS != nil {
		r.stage = "handshake"
		c.tls = tls.Client(raw, t.TLS)
		c.nc = c.tls
		if err := c.tls.HandshakeContext(ctx); err != nil {
			_ = raw.Close()
			if ctx.Err() != nil {
				err = ctx.Err()
			}
			return nil, err
		}
		r.Handshaken = time.Since(r.Started)
		c.peer = handshake.PeerOf(c.tls.ConnectionState())
	}
	c.r = bufio.NewReader(c.nc)
	return c, nil
}
