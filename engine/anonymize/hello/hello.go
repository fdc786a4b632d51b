// Package hello reads the first messages of TLS, and says what in them may be shown.
//
// Invariant: what it says of a byte depends on what came before it alone, so that a
// message may come in pieces.
package hello

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// Sink is told what becomes of the piece of a message that is new. What it is not told
// of is not shown.
type Sink interface {
	Keep(from, to int) // these bytes stay
	Name(from, to int) // these are the name of a host
	Hide(from, to int) // these shall be nothing that can be printed
}

// Read reads a client's or a server's hello of size bytes, of which msg has come so far;
// what begins at from is new.
func Read(client bool, msg []byte, size, from int, to Sink) {
	(&hello{msg: msg, size: size, from: from, p: to}).read(client)
}

// hello reads as much as has come of a client's or server's hello (RFC 8446, section
// 4.1), and keeps what is no secret and names no one.
type hello struct {
	msg  []byte // its beginning
	size int    // of all of it
	from int    // what of msg was there before
	p    Sink   // gets the rest of it
	at   int
}

// keep leaves the next n bytes as they were.
func (h *hello) keep(n int) { h.mark(n, h.p.Keep) }

// mark has f do something to the next n bytes, as far as they are new.
func (h *hello) mark(n int, f func(from, to int)) {
	from, to := max(h.at, h.from), min(h.at+n, len(h.msg))
	if from < to {
		f(from-h.from, to-h.from)
	}
	h.at += n
}

// whole reports whether the next n bytes are all new and have come.
func (h *hello) whole(n int) bool { return h.at >= h.from && h.at+n <= len(h.msg) }

// vector keeps the length of a vector that takes so many bytes, and returns it. It is
// not ok if that has not come, or the vector reaches beyond most.
func (h *hello) vector(size, most int) (n int, ok bool) {
	if h.at+size > len(h.msg) {
		h.keep(size)
		return 0, false
	}
	for _, c := range h.msg[h.at : h.at+size] {
		n = n<<8 | int(c)
	}
	h.keep(size)
	return n, h.at+n <= most
}

// u16 is the number that comes next, if it has come.
func (h *hello) u16() (int, bool) {
	if h.at+2 > len(h.msg) {
		return 0, false
	}
	return int(binary.BigEndian.Uint16(h.msg[h.at:])), true
}

// retryRandom is the random of a server that asks for another hello (RFC 8446, section
// 4.1.3), and downgrade what it ends with where a server could do better.
var (
	retryRandom = []byte{0xcf, 0x21, 0xad, 0x74, 0xe5, 0x9a, 0x61, 0x11, 0xbe, 0x1d, 0x8c, 0x02, 0x1e, 0x65, 0xb8, 0x91,
		0xc2, 0xa2, 0x11, 0x16, 0x7a, 0xbb, 0x8c, 0x5e, 0x07, 0x9e, 0x09, 0xe2, 0xc8, 0xa8, 0x33, 0x9c}
	downgrade = []byte("DOWNGRD")
)

func (h *hello) read(client bool) {
	h.keep(2) // the version
	h.random(client)
	n, ok := h.vector(1, h.size) // the session
	if !ok {
		return
	}
	h.at += n
	if client {
		if n, ok = h.vector(2, h.size); !ok {
			return
		}
		h.keep(n) // cipher suites
		if n, ok = h.vector(1, h.size); !ok {
			return
		}
		h.keep(n) // compression
	} else {
		h.keep(3)
	}
	if h.at >= h.size {
		return
	}
	h.keep(2) // the length of the extensions
	for end := h.size; h.at+4 <= end; {
		kind, ok := h.u16()
		h.keep(2)
		n, fits := h.vector(2, end)
		if !ok || !fits {
			return
		}
		next := h.at + n
		h.extension(kind, n, client)
		h.at = next
	}
}

// random keeps those that mean something.
func (h *hello) random(client bool) {
	const size = 32
	b := h.msg[min(h.at, len(h.msg)):min(h.at+size, len(h.msg))]
	end := h.at + size
	for n := len(retryRandom); !client && n >= 4; n-- { // the whole of it, or as much as it takes to know it
		if (n == len(retryRandom) || n == 4) && bytes.HasPrefix(b, retryRandom[:n]) {
			h.keep(n)
			break
		}
	}
	if !client && len(b) == size && bytes.Equal(b[24:31], downgrade) && b[31] <= 1 {
		h.at = end - 8
		h.keep(8)
	}
	h.at = end
}

// plain are the extensions that are lists of numbers, with the sizes of the length of
// the list and of a number (IANA).
var plain = map[int][2]int{10: {2, 2}, 11: {1, 1}, 13: {2, 2}, 27: {1, 2}, 45: {1, 1}, 50: {2, 2}}

const (
	extServerName = 0
	extFragment   = 1
	extALPN       = 16
	extRecordSize = 28
	extVersions   = 43
	extKeyShare   = 51
	extRenegotiat = 0xff01
)

// extension keeps what an extension of n bytes says, if it is one that names no one.
func (h *hello) extension(kind, n int, client bool) {
	if sizes, ok := plain[kind]; ok {
		h.list(sizes[0], sizes[1], n)
		return
	}
	switch kind {
	case extServerName:
		h.serverName(n)
	case extFragment:
		h.keepIf(n, 1)
	case extRecordSize:
		h.keepIf(n, 2)
	case extALPN:
		h.protocols(n)
	case extVersions:
		if client {
			h.list(1, 2, n)
		} else {
			h.keepIf(n, 2)
		}
	case extKeyShare:
		h.keyShares(n, client)
	case extRenegotiat:
		h.vector(1, h.at+n)
	}
}

// keepIf keeps an extension if it has the size that it should have.
func (h *hello) keepIf(n, size int) {
	if n == size {
		h.keep(n)
	}
}

// list keeps a list of numbers if it is one.
func (h *hello) list(head, size, n int) {
	const most = 256
	if n <= most && n >= head && (n-head)%size == 0 {
		h.keep(n)
	}
}

// serverName replaces the name that a client asks for (RFC 6066, section 3).
func (h *hello) serverName(n int) {
	const head = 5 // lengths of the list and of the name, and its kind
	if n <= head {
		h.keepIf(n, 0)
		return
	}
	all := h.whole(n)
	name := h.msg[min(h.at+head, len(h.msg)):min(h.at+n, len(h.msg))]
	h.keep(head)
	if all {
		h.mark(n-head, func(from, to int) {
			if printable(name) {
				h.p.Name(from, to)
			} else { // it is not shown, and shall not be
				h.p.Hide(from, to)
			}
		})
	}
}

func printable(b []byte) bool {
	return !slices.ContainsFunc(b, func(c byte) bool { return c <= ' ' || c > '~' })
}

// protocolIDs are those that programs agree on (IANA, ALPN protocol IDs).
var protocolIDs = []string{"h2", "h2c", "h3", "http/0.9", "http/1.0", "http/1.1", "spdy/1", "spdy/2", "spdy/3", "spdy/3.1",
	"acme-tls/1", "dot", "doq", "ftp", "imap", "irc", "managesieve", "mqtt", "nntp", "pop3", "postgresql", "coap", "smb",
	"stun.turn", "stun.nat-discovery", "tds/8.0", "webrtc", "c-webrtc", "xmpp-client", "xmpp-server", "radius/1.0",
	"radius/1.1", "sip/2", "ntske/1", "grpc-exp"}

// protocols keeps the lengths, and the protocols that are known (RFC 7301).
func (h *hello) protocols(n int) {
	end := h.at + n
	if _, ok := h.vector(2, end); !ok {
		return
	}
	for h.at < end {
		n, ok := h.vector(1, end)
		if !ok {
			return
		}
		if h.at+n <= len(h.msg) && slices.Contains(protocolIDs, string(h.msg[h.at:h.at+n])) {
			h.keep(n)
			continue
		}
		h.at += n
	}
}

// keyShares keeps groups and lengths (RFC 8446, section 4.2.8).
func (h *hello) keyShares(n int, client bool) {
	end := h.at + n
	if n == 2 { // what a server asks for
		h.keep(2)
		return
	}
	if client {
		if _, ok := h.vector(2, end); !ok {
			return
		}
	}
	for h.at+4 <= end {
		h.keep(2)
		n, ok := h.vector(2, end)
		if !ok {
			return
		}
		h.at += n
	}
}
