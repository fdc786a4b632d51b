package handshake

import (
	"bytes"
	"slices"

	"golang.org/x/crypto/cryptobyte"

	"netrepro/engine/diagnose/carried/stream"
	"netrepro/engine/sanitize"
)

// Handshake messages (RFC 8446, section 4).
const (
	clientHello         = 1
	serverHello         = 2
	encryptedExtensions = 8
	certificate         = 11
	finished            = 20
)

// Extensions (RFC 8446, section 4.2).
const (
	extServerName = 0
	extALPN       = 16
	extVersions   = 43
)

// retryRandom is the random of a server that asks for another hello (RFC 8446, section
// 4.1.3).
var retryRandom = []byte{0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
	0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c}

// Bounds of what is kept of a hello.
const (
	maxName      = 255
	maxProtocols = 16
	maxVersions  = 16
)

// message takes in a handshake message.
func (c *Conn) message(side int, kind byte, b []byte, at stream.Place) {
	switch kind {
	case clientHello:
		if h := readClient(b); h != nil {
			h.At = at
			c.Client = side
			if c.Hello == nil {
				c.Hello = h
			} else if !c.Retried { // another handshake on the same connection: of TLS 1.2, in the clear
				return
			}
			c.Hello.random = h.random
		}
	case serverHello:
		c.readServer(side, b)
	case encryptedExtensions:
		s := cryptobyte.String(b)
		c.extensions(&s)
	case certificate:
		if c.Client != side && len(c.Chain) == 0 {
			c.readChain(b, at)
		}
	}
}

// readClient reads a ClientHello, nil if it is none.
func readClient(b []byte) *Hello {
	s := cryptobyte.String(b)
	h := &Hello{}
	var version uint16
	var random, suites, session, compression []byte
	if !s.ReadUint16(&version) || !s.ReadBytes(&random, len(h.random)) ||
		!s.ReadUint8LengthPrefixed((*cryptobyte.String)(&session)) ||
		!s.ReadUint16LengthPrefixed((*cryptobyte.String)(&suites)) ||
		!s.ReadUint8LengthPrefixed((*cryptobyte.String)(&compression)) {
		return nil
	}
	copy(h.random[:], random)
	h.Versions, h.UpTo = []uint16{version}, true
	each(&s, func(kind uint16, e cryptobyte.String) {
		switch kind {
		case extServerName:
			var list, name cryptobyte.String
			var of uint8
			if e.ReadUint16LengthPrefixed(&list) && list.ReadUint8(&of) && of == 0 &&
				list.ReadUint16LengthPrefixed(&name) && len(name) <= maxName {
				h.ServerName = sanitize.Text(string(name))
			}
		case extALPN:
			h.ALPN = protocols(e)
		case extVersions:
			var list cryptobyte.String
			var v uint16
			if !e.ReadUint8LengthPrefixed(&list) {
				return
			}
			h.Versions, h.UpTo = nil, false
			for list.ReadUint16(&v) && len(h.Versions) < maxVersions {
				if !grease(v) {
					h.Versions = append(h.Versions, v)
				}
			}
			slices.SortFunc(h.Versions, func(a, b uint16) int { return int(b) - int(a) })
		}
	})
	return h
}

// each calls f for the extensions that come next.
func each(s *cryptobyte.String, f func(kind uint16, e cryptobyte.String)) {
	var all, e cryptobyte.String
	var kind uint16
	if !s.ReadUint16LengthPrefixed(&all) {
		return
	}
	for all.ReadUint16(&kind) && all.ReadUint16LengthPrefixed(&e) {
		f(kind, e)
	}
}

// grease reports whether a number is there to keep peers used to unknown ones (RFC 8701).
func grease(v uint16) bool { return v&0x0f0f == 0x0a0a && v>>8 == v&0xff }

// protocols reads names of application protocols (RFC 7301), GREASE left aside.
func protocols(e cryptobyte.String) (names []string) {
	var list, name cryptobyte.String
	if !e.ReadUint16LengthPrefixed(&list) {
		return nil
	}
	for list.ReadUint8LengthPrefixed(&name) && len(names) < maxProtocols {
		if len(name) == 2 && grease(uint16(name[0])<<8|uint16(name[1])) {
			continue
		}
		names = append(names, sanitize.Text(string(name)))
	}
	return names
}

// readServer reads a ServerHello.
func (c *Conn) readServer(side int, b []byte) {
	s := cryptobyte.String(b)
	var version, suite uint16
	var random, session cryptobyte.String
	var compression uint8
	if c.Answered || c.Client == side || !s.ReadUint16(&version) || !s.ReadBytes((*[]byte)(&random), len(retryRandom)) ||
		!s.ReadUint8LengthPrefixed(&session) || !s.ReadUint16(&suite) || !s.ReadUint8(&compression) {
		return
	}
	if bytes.Equal(random, retryRandom) {
		c.Retried = true
		return
	}
	c.Version, c.Suite, c.Answered, c.flight = version, suite, true, true
	if c.Client < 0 {
		c.Client = 1 - side
	}
	c.extensions(&s)
}

// extensions are those by which a server says what it chose.
func (c *Conn) extensions(s *cryptobyte.String) {
	each(s, func(kind uint16, e cryptobyte.String) {
		switch kind {
		case extVersions:
			var v uint16
			if e.ReadUint16(&v) {
				c.Version = v
			}
		case extALPN:
			if ps := protocols(e); len(ps) == 1 {
				c.ALPN = ps[0]
			}
		}
	})
}
