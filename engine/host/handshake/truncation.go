//go:build linux

package handshake

import (
	"crypto/tls"
	"errors"
	"io"
	"sync/atomic"

	"netrepro/engine/host/socket"
)

// Stream is a connection below TLS that remembers whether TCP itself has ended:
// what TLS reports as its end then was not said in TLS (RFC 8446, section 6.1,
// calls that a truncation attack).
type Stream struct {
	*socket.Conn
	ended atomic.Bool
}

// Read implements net.Conn.
func (s *Stream) Read(b []byte) (int, error) {
	n, err := s.Conn.Read(b)
	if errors.Is(err, io.EOF) {
		s.ended.Store(true)
	}
	return n, err
}

// errTruncated is the end of TCP without a close_notify before it.
var errTruncated = errors.New("EOF without close_notify")

// Truncated makes err, of reading t, [errTruncated] if it is that.
func Truncated(t *tls.Conn, err error) error {
	if s, ok := t.NetConn().(*Stream); ok && errors.Is(err, io.EOF) && s.ended.Load() {
		return errTruncated
	}
	return err
}
