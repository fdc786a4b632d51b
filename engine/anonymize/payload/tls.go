package payload

import (
	"encoding/binary"

	"netrepro/engine/anonymize/hello"
	tcppayload "netrepro/engine/tcp/payload"
)

// Record content types (RFC 8446, section 5.1) and kinds of messages (section 4).
const (
	changeCipherSpec = 20
	alertRecord      = 21
	handshakeRecord  = 22
	applicationData  = 23
	heartbeat        = 24

	clientHello = 1
	serverHello = 2
	certificate = 11
)

const (
	recordHeader    = 5
	handshakeHeader = 4
	maxRecord       = 1<<14 + 2048 // RFC 5246, section 6.2.3
	maxHello        = 1 << 14
)

// tlsState follows the records of one direction.
type tlsState struct {
	head      [recordHeader]byte
	have      int // bytes of head
	left      int // bytes of the record's body still to come
	size      int // of the body
	kind      byte
	msg       [handshakeHeader]byte
	msgHave   int
	msgLeft   int
	msgSize   int
	encrypted bool
	opaque    bool // what is left of the record is not read
	hello     []byte
	whole     bool // hello has all of the message that has come
	cert      struct {
		head [3]byte
		have int
		left int
		list bool // the length of the list has come
	}
}

// plausible reports whether c may be the byte i of a record's header.
func plausible(i int, c byte) bool {
	switch i {
	case 0:
		return c >= changeCipherSpec && c <= heartbeat
	case 1:
		return c == 3
	case 2:
		return c <= 4
	case 3:
		return c <= maxRecord>>8
	}
	return true
}

func (t *tlsState) idle() bool { return t.have == 0 && t.left == 0 }

// forget gives back the memory of a message that is not whole.
func (t *tlsState) forget(a *Streams) {
	a.held -= len(t.hello)
	t.hello, t.whole = nil, false
}

// skip passes over n bytes that are missing; they must be inside a record's body.
func (t *tlsState) skip(n int) bool {
	if n < 0 || n > t.left {
		return false
	}
	t.left -= n
	if n > t.msgLeft {
		t.opaque, t.msgHave = true, 0
	}
	t.msgLeft -= min(n, t.msgLeft)
	t.whole = false
	t.cert.left = toTheEnd
	return true
}

// feed takes in size bytes of which p has what was captured. It reports false if they
// are no TLS, or the place in the stream is lost.
func (t *tlsState) feed(p *piece, size int) bool {
	for size > 0 {
		if t.left > 0 {
			n := min(t.left, size)
			body := p.cut(min(n, p.len()))
			t.body(&body, n)
			t.left -= n
			size -= n
			continue
		}
		n := min(recordHeader-t.have, size)
		if p.len() < n {
			return false // the header was not captured
		}
		h := p.cut(n)
		t.header(&h)
		size -= n
		if t.have < recordHeader {
			return true
		}
		if !tcppayload.LooksLikeTLS(t.head[:]) {
			return false
		}
		t.have, t.kind, t.left = 0, t.head[0], int(binary.BigEndian.Uint16(t.head[3:]))
		t.size = t.left
		t.opaque = t.kind == handshakeRecord && t.encrypted
		if t.kind == changeCipherSpec || t.kind == applicationData {
			t.encrypted = true
		}
	}
	return true
}

// alphabetEnd is filler that no length begins with.
const alphabetEnd = 'z'

// header takes in some of a record's header. As much of it is kept as may be one.
func (t *tlsState) header(h *piece) {
	fine := 0
	for i := range t.have {
		if !plausible(i, t.head[i]) {
			fine = -1
		}
	}
	for i, c := range h.in {
		t.head[t.have] = c
		if fine == i && plausible(t.have, c) {
			fine++
		}
		if t.have == 3 && !plausible(t.have, c) { // nor shall be what stands in for it
			h.out[i] = alphabetEnd
			h.s.remember(h.seq+uint32(i), h.out[i:i+1])
		}
		t.have++
	}
	if t.have == recordHeader && !tcppayload.LooksLikeTLS(t.head[:]) {
		fine = min(fine, len(h.in)-1)
	}
	h.keep(0, max(fine, 0))
}

// body reads a piece of a record's body that was n bytes on the wire.
func (t *tlsState) body(p *piece, n int) {
	switch {
	case t.kind == changeCipherSpec && t.size == 1, t.kind == alertRecord && t.size == 2:
		p.keep(0, p.len())
	case t.kind == handshakeRecord && !t.opaque:
		t.handshake(p, n)
	}
}

// handshake reads the messages in a piece of a handshake record.
func (t *tlsState) handshake(p *piece, n int) {
	for n > 0 {
		if t.msgLeft > 0 {
			m := min(t.msgLeft, n)
			q := p.cut(min(m, p.len()))
			t.message(&q, m)
			t.msgLeft -= m
			n -= m
			continue
		}
		m := min(handshakeHeader-t.msgHave, n)
		if p.len() < m {
			t.msgHave, t.opaque = 0, true
			return
		}
		q := p.cut(m)
		q.keep(0, m)
		copy(t.msg[t.msgHave:], q.in)
		t.msgHave += m
		n -= m
		if t.msgHave < handshakeHeader {
			return
		}
		t.msgHave = 0
		t.msgLeft = int(t.msg[1])<<16 | int(t.msg[2])<<8 | int(t.msg[3])
		t.msgSize = t.msgLeft
		t.forget(p.s.all)
		t.whole = true
		t.cert.have, t.cert.left, t.cert.list = 0, 0, false
	}
}

// message reads a piece of a message that was n bytes on the wire.
func (t *tlsState) message(p *piece, n int) {
	switch t.msg[0] {
	case clientHello, serverHello:
		all := p.s.all
		if !t.whole || len(t.hello)+p.len() > maxHello || all.held+p.len() > maxHeld {
			t.whole = false
			return
		}
		before := len(t.hello)
		t.hello = append(t.hello, p.in...)
		all.held += p.len()
		hello.Read(t.msg[0] == clientHello, t.hello, t.msgSize, before, p)
		if t.whole = p.len() == n; len(t.hello) == t.msgSize || !t.whole {
			t.forget(all)
		}
	case certificate:
		t.certificates(p, n)
	}
}

// certificates keeps the lengths of certificates (RFC 5246, section 7.4.2).
func (t *tlsState) certificates(p *piece, n int) {
	c := &t.cert
	cut := p.len() < n
	for p.len() > 0 {
		if c.left > 0 {
			m := min(c.left, p.len())
			p.skip(m)
			c.left -= m
			continue
		}
		m := min(len(c.head)-c.have, p.len())
		q := p.cut(m)
		copy(c.head[c.have:], q.in)
		c.have += m
		whole := c.have == len(c.head)
		length := int(c.head[1])<<8 | int(c.head[2])
		if c.head[0] > 0 || whole && length > t.msgSize { // no length
			c.left = toTheEnd
			return
		}
		q.keep(0, m)
		if whole {
			c.have = 0
			if c.list {
				c.left = length
			}
			c.list = true
		}
	}
	if cut {
		c.left = toTheEnd
	}
}

// toTheEnd is more than any message has.
const toTheEnd = 1 << 24
