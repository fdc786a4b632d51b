// Package payload finds TLS records and handshake messages and HTTP start lines in
// a byte stream, from what crosses the wire in the clear.
//
// It decrypts nothing and joins nothing but headers that are split between
// segments.
//
// Invariant: memory per stream is constant, and bytes that were not captured
// are passed over where their number is known.
package payload

// Event is something a stream said.
type Event struct {
	Proto  string // "tls" or "http"
	Name   string // "client-hello", "alert"; of HTTP "request" or "response"
	Detail string // an alert's description, a server name, a start line
}

// String is the event in a few words.
func (e Event) String() string {
	s := e.Proto + " " + e.Name
	if e.Proto == "http" {
		s = e.Proto
	}
	if e.Detail != "" {
		s += " " + e.Detail
	}
	return s
}

// Stream is one direction of a connection.
type Stream struct {
	started bool
	next    uint32 // sequence number of the next byte wanted
	kind    kind
	tls     tlsStream
}

type kind uint8

const (
	unknown kind = iota
	isTLS
	neither // HTTP is looked for at the beginning of each segment
)

// Feed takes in a segment with size bytes of payload from sequence number seq,
// of which data was captured, and appends what it says to evs. Segments that
// bring nothing new say nothing.
func (s *Stream) Feed(seq uint32, size int, data []byte, evs []Event) []Event {
	if size <= 0 {
		return evs
	}
	if !s.started {
		s.started, s.next = true, seq
	}
	switch skip := int32(s.next - seq); {
	case skip >= int32(size):
		return evs // sent before
	case skip > 0:
		data = data[min(int(skip), len(data)):]
		size -= int(skip)
		seq = s.next
	case skip < 0:
		if !s.tls.skip(int(-skip)) {
			s.tls, s.kind = tlsStream{}, unknown // begin anew where a record begins
		}
	}
	s.next = seq + uint32(size)
	if s.kind == unknown || s.kind == isTLS && s.tls.idle() && !MayBeTLS(data) {
		s.kind = neither
		if LooksLikeTLS(data) {
			s.kind = isTLS
		}
	}
	if s.kind == isTLS {
		evs, ok := s.tls.feed(data, size, evs)
		if !ok {
			s.tls, s.kind = tlsStream{}, unknown
		}
		return evs
	}
	s.kind = unknown
	if e, ok := startLine(data); ok {
		evs = append(evs, e)
	}
	return evs
}
