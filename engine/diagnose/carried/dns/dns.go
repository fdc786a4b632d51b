// Package dns pairs questions of DNS with their answers, over UDP and TCP.
//
// It keeps what was asked and how the answer went, not what the answer was.
//
// Invariant: no input makes it panic, and what it keeps is bounded.
package dns

import (
	"encoding/binary"
	"net/netip"
	"strings"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"netrepro/engine/diagnose/carried/stream"
	"netrepro/engine/sanitize"
)

// Port is that of DNS.
const Port = 53

// Lookup is a question, and how it was answered.
type Lookup struct {
	Client, Server netip.AddrPort
	Name           string
	Type           string // "AAAA"
	At             stream.Place
	// Answered says that an answer came, with Code, Truncated and after how long; Took is
	// 0 if the question was not captured.
	Answered  bool
	Code      string // "NXDOMAIN"
	Truncated bool
	Took      time.Duration
	Asked     int // how often, over UDP
	TCP       bool
}

const (
	maxKept    = 2000
	maxWaiting = 1000
)

// Log pairs messages.
type Log struct {
	Lookups []*Lookup
	// Beyond is how many more there were.
	Beyond  int
	waiting map[key]*Lookup
}

type key struct {
	client, server netip.AddrPort
	id             uint16
	name           string
	kind           dnsmessage.Type
	tcp            bool
}

// Add takes in a message from src to dst. What is none is passed over.
func (l *Log) Add(src, dst netip.AddrPort, b []byte, tcp bool, at stream.Place) {
	var p dnsmessage.Parser
	h, err := p.Start(b)
	if err != nil {
		return
	}
	q, err := p.Question()
	if err != nil {
		return
	}
	name := strings.ToLower(q.Name.String())
	if h.Response {
		src, dst = dst, src
	}
	k := key{src, dst, h.ID, name, q.Type, tcp}
	asked := l.waiting[k]
	if asked == nil {
		asked = &Lookup{Client: src, Server: dst, Name: sanitize.Text(name), Type: typeName(q.Type), At: at, TCP: tcp}
		if l.add(asked); l.waiting == nil || len(l.waiting) >= maxWaiting {
			l.waiting = map[key]*Lookup{}
		}
		if !h.Response {
			l.waiting[k] = asked
		}
	}
	if !h.Response {
		asked.Asked++
		return
	}
	if asked.Answered {
		return
	}
	asked.Answered, asked.Code, asked.Truncated = true, codeName(h.RCode), h.Truncated
	if asked.Asked > 0 {
		asked.Took = max(at.Time-asked.At.Time, 0)
	}
	delete(l.waiting, k)
}

func (l *Log) add(q *Lookup) {
	if len(l.Lookups) < maxKept {
		l.Lookups = append(l.Lookups, q)
	} else {
		l.Beyond++
	}
}

// more are types that the package that reads messages has no names for (IANA).
var more = map[dnsmessage.Type]string{43: "DS", 46: "RRSIG", 47: "NSEC", 48: "DNSKEY", 52: "TLSA", 64: "SVCB",
	65: "HTTPS", 257: "CAA"}

func typeName(t dnsmessage.Type) string {
	if n := more[t]; n != "" {
		return n
	}
	if s, ok := strings.CutPrefix(t.String(), "Type"); ok {
		return s
	}
	return "TYPE" + t.String()
}

// codes are response codes by number (IANA).
var codes = [...]string{"NOERROR", "FORMERR", "SERVFAIL", "NXDOMAIN", "NOTIMP", "REFUSED", "YXDOMAIN", "YXRRSET",
	"NXRRSET", "NOTAUTH", "NOTZONE"}

func codeName(c dnsmessage.RCode) string {
	if int(c) < len(codes) {
		return codes[c]
	}
	return sanitize.Text(c.String())
}

// Stream cuts one direction of a connection into messages (RFC 1035, section 4.2.2).
type Stream struct {
	Budget *stream.Budget // for what is not whole yet
	buf    []byte
	drawn  int
}

// Take takes in size bytes, of which data was captured, and calls f for each message. It
// reports false if the place in the stream is lost.
func (s *Stream) Take(data []byte, size int, f func([]byte)) bool {
	const prefix = 2
	s.Budget.Return(s.drawn)
	if s.drawn = 0; len(data) < size {
		s.buf = nil
		return false
	}
	s.buf = append(s.buf, data...)
	for len(s.buf) >= prefix {
		n := prefix + int(binary.BigEndian.Uint16(s.buf))
		if len(s.buf) < n {
			break
		}
		f(s.buf[prefix:n])
		s.buf = s.buf[n:]
	}
	if len(s.buf) == 0 {
		s.buf = nil
		return true
	}
	if !s.Budget.Draw(len(s.buf)) {
		s.buf = nil
		return false
	}
	s.drawn = len(s.buf)
	return true
}
