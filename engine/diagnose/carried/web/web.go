// Package web reads HTTP/1 in the clear: start lines, how much was sent, and how long
// answers take.
//
// It keeps no header and no body.
//
// Invariant: no input makes it panic, and what it keeps of a connection is bounded.
package web

import (
	"bytes"
	"strconv"
	"strings"
	"time"

	"netrepro/engine/diagnose/carried/stream"
	"netrepro/engine/sanitize"
	"netrepro/engine/tcp/payload"
)

// Exchange is a request and its answer.
type Exchange struct {
	Request string // its line without the version; empty if it was not captured
	At      stream.Place
	// Status is the answer's code, 0 if none came; Answer is where it begins.
	Status int
	Answer stream.Place
	// Took is from the request's last byte to the answer's first, 0 if that is not known
	// or the answer came sooner.
	Took time.Duration
	// Sent and Got are the bytes of the request and of the answer, headers included.
	Sent, Got int

	method string
	end    time.Duration // of the request
}

const (
	// maxKept is how many exchanges of a connection are kept, maxWaiting how many requests
	// may wait for an answer.
	maxKept    = 50
	maxWaiting = 100
	// maxLine bounds a start line that is kept, maxHeader a header line that is read.
	maxLine = 200
	// each is what an exchange takes.
	each      = 400
	maxHeader = 8 << 10
)

// Conn reads one connection.
type Conn struct {
	Exchanges []*Exchange
	// Beyond is how many more exchanges there were.
	Beyond int

	budget  *stream.Budget
	client  int // the side that asks, -1 if not known
	waiting []*Exchange
	sides   [2]message
}

// New reads a connection. The budget is for what is kept.
func New(b *stream.Budget) *Conn { return &Conn{budget: b, client: -1} }

type state uint8

const (
	between state = iota // a start line comes next
	headers
	body    // of known length
	chunks  // a chunk's size comes next
	trailer // behind the last chunk
	opaque  // whatever comes: until the end, or another protocol
	skipLF  // the end of a chunk
)

// message is what one side is in the middle of.
type message struct {
	state   state
	line    []byte // that is not whole yet
	drawn   int    // of the budget, for it
	left    int    // bytes of the body or chunk
	length  int    // Content-Length, -1 if there is none
	chunked bool
	of      *Exchange
}

// Begins reports whether b begins with a start line of HTTP/1, or with as much of one as
// it has.
func Begins(b []byte) bool {
	if len(b) < 4 {
		return false
	}
	if bytes.HasPrefix(b, []byte("HTTP/1.")) {
		return true
	}
	line, _, whole := bytes.Cut(b[:min(len(b), maxHeader)], []byte{'\n'})
	for _, m := range payload.Methods {
		if bytes.HasPrefix(b, []byte(m)) {
			return !whole || bytes.Contains(line, []byte(" HTTP/1."))
		}
	}
	return false
}

// Take takes in bytes that side sent, size of them, of which data was captured. It reports
// false if the place in the stream is lost.
func (c *Conn) Take(side int, data []byte, size int, at stream.Place) bool {
	m := &c.sides[side]
	missing := size - len(data)
	for len(data) > 0 {
		switch m.state {
		case body:
			n := min(m.left, len(data))
			c.count(side, m, n, at)
			m.left -= n
			data = data[n:]
			if m.left == 0 {
				c.after(m)
			}
		case opaque:
			c.count(side, m, len(data), at)
			data = nil
		default:
			i := bytes.IndexByte(data, '\n')
			n := i + 1
			if i < 0 {
				n = len(data)
			}
			if len(m.line)+n > maxHeader || !c.budget.Draw(n) {
				c.reset(m)
				return false
			}
			m.drawn += n
			if m.state == between && len(m.line) == 0 && !c.start(side, m, data, at) {
				c.reset(m)
				return false
			}
			c.count(side, m, n, at)
			m.line = append(m.line, data[:n]...)
			data = data[n:]
			if i >= 0 {
				line := strings.TrimRight(string(m.line), "\r\n")
				m.line = m.line[:0]
				c.budget.Return(m.drawn)
				m.drawn = 0
				c.read(side, m, line)
			}
		}
	}
	return missing == 0 || c.Gap(side, missing)
}

// Gap passes over n bytes that were not captured. It reports false if the place in the
// stream is lost.
func (c *Conn) Gap(side, n int) bool {
	m := &c.sides[side]
	switch {
	case m.state == opaque:
	case m.state == body && n <= m.left:
		if m.left -= n; m.left == 0 {
			if m.of != nil {
				m.of.got(c.client == side, n)
			}
			c.after(m)
			return true
		}
	default:
		c.reset(m)
		return false
	}
	if m.of != nil {
		m.of.got(c.client == side, n)
	}
	return true
}

func (c *Conn) reset(m *message) {
	c.budget.Return(m.drawn)
	*m = message{}
}

// after is what comes behind a body.
func (c *Conn) after(m *message) {
	if m.chunked {
		m.state = skipLF
		return
	}
	c.reset(m)
}

func (e *Exchange) got(client bool, n int) {
	if client {
		e.Sent += n
	} else {
		e.Got += n
	}
}

func (c *Conn) count(side int, m *message, n int, at stream.Place) {
	if m.of == nil {
		return
	}
	m.of.got(c.client == side, n)
	if c.client == side {
		m.of.end = at.Time
	}
}

// start begins a message where a start line must be.
func (c *Conn) start(side int, m *message, b []byte, at stream.Place) bool {
	if len(b) == 0 {
		return false
	}
	if b[0] == '\r' || b[0] == '\n' { // an empty line before it (RFC 9112, section 2.2)
		return true
	}
	answer := bytes.HasPrefix(b, []byte("HTTP/1."))
	if !answer && !Begins(b) {
		return false
	}
	if c.client < 0 {
		if c.client = side; answer {
			c.client = 1 - side
		}
	}
	if (side == c.client) == answer {
		return false
	}
	if answer {
		m.of = c.oldest()
		if m.of.Status == 0 {
			m.of.Answer = at
			if m.of.Request != "" {
				m.of.Took = max(at.Time-m.of.end, 0)
			}
		}
		return true
	}
	m.of = c.add(&Exchange{At: at, end: at.Time})
	if len(c.waiting) < maxWaiting {
		c.waiting = append(c.waiting, m.of)
	}
	return true
}

// oldest is the request that is answered next; one is made up if it was not captured.
func (c *Conn) oldest() *Exchange {
	if len(c.waiting) == 0 {
		return c.add(&Exchange{})
	}
	return c.waiting[0]
}

func (c *Conn) add(e *Exchange) *Exchange {
	if len(c.Exchanges) < maxKept && c.budget.Draw(each) {
		c.Exchanges = append(c.Exchanges, e)
	} else {
		c.Beyond++
	}
	return e
}

// read takes in a line.
func (c *Conn) read(side int, m *message, line string) {
	switch m.state {
	case between:
		if m.of == nil {
			c.reset(m)
			return
		}
		m.state, m.length = headers, -1
		if side == c.client {
			text, _, _ := strings.Cut(line, " HTTP/1.")
			m.of.Request = sanitize.Text(text[:min(len(text), maxLine)])
			m.of.method, _, _ = strings.Cut(line, " ")
			return
		}
		if words := strings.Fields(line); len(words) > 1 {
			n, err := strconv.Atoi(words[1])
			if err == nil && n >= 100 && n < 1000 && m.of.Status < 200 {
				m.of.Status = n
			}
		}
	case headers:
		if line == "" {
			c.begin(side, m)
			return
		}
		name, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch {
		case strings.EqualFold(name, "Content-Length"):
			if n, err := strconv.Atoi(value); err == nil && n >= 0 {
				m.length = n
			}
		case strings.EqualFold(name, "Transfer-Encoding"):
			m.chunked = m.chunked || strings.Contains(strings.ToLower(value), "chunked")
		}
	case skipLF:
		m.state = chunks
	case chunks:
		size, _, _ := strings.Cut(line, ";")
		n, err := strconv.ParseInt(strings.TrimSpace(size), 16, 32)
		switch {
		case err != nil || n < 0:
			m.state = opaque
		case n == 0:
			m.state = trailer
		default:
			m.state, m.left = body, int(n)
		}
	case trailer:
		if line == "" {
			c.reset(m)
		}
	}
}

// begin decides how long the body is (RFC 9112, section 6.3).
func (c *Conn) begin(side int, m *message) {
	answer := side != c.client
	e := m.of
	if answer && e.Status >= 100 && e.Status < 200 && e.Status != 101 {
		c.reset(m) // the final answer follows
		return
	}
	if answer && len(c.waiting) > 0 && c.waiting[0] == e {
		c.waiting = c.waiting[1:]
	}
	switch {
	case answer && (e.Status == 101 || e.method == "CONNECT" && e.Status < 300):
		c.sides[0].state, c.sides[1].state = opaque, opaque
		c.sides[side].of, c.sides[1-side].of = nil, nil
	case answer && (e.method == "HEAD" || e.Status == 204 || e.Status == 304):
		c.reset(m)
	case m.chunked:
		m.state = chunks
	case m.length > 0:
		m.state, m.left = body, m.length
	case m.length == 0 || !answer:
		c.reset(m)
	default:
		m.state = opaque // until the connection ends
	}
}

// Asks is the side that asks, -1 if not known.
func (c *Conn) Asks() int { return c.client }

// Tell adds what a text tells of a message without its bytes: the start line of one.
func (c *Conn) Tell(side int, line string, at stream.Place) {
	m := &c.sides[side]
	if c.reset(m); !c.start(side, m, []byte(line), at) {
		return
	}
	c.read(side, m, line)
	if c.client != side && len(c.waiting) > 0 && c.waiting[0] == m.of && m.of.Status >= 200 {
		c.waiting = c.waiting[1:]
	}
	if m.of != nil && c.client != side && c.sides[1-side].of == m.of {
		c.reset(&c.sides[1-side])
	}
	c.reset(m)
}
