package payload

import (
	"encoding/binary"
	"slices"
	"strings"
	"testing"
)

func record(kind byte, body []byte) []byte {
	return append(binary.BigEndian.AppendUint16([]byte{kind, 3, 3}, uint16(len(body))), body...)
}

func message(kind byte, body []byte) []byte {
	return append([]byte{kind, byte(len(body) >> 16), byte(len(body) >> 8), byte(len(body))}, body...)
}

// hello is a client hello for a server name.
func hello(name string) []byte {
	be := binary.BigEndian
	b := append([]byte{3, 3}, make([]byte, 32)...)
	b = append(b, 0, 0, 2, 0x13, 1, 1, 0)
	ext := be.AppendUint16([]byte{0}, uint16(len(name)))
	ext = append(be.AppendUint16(nil, uint16(len(ext)+len(name))), append(ext, name...)...)
	ext = append(be.AppendUint16([]byte{0, 0}, uint16(len(ext))), ext...)
	return message(1, append(be.AppendUint16(b, uint16(len(ext))), ext...))
}

func feed(s *Stream, from uint32, chunks ...[]byte) []string {
	var out []string
	for _, c := range chunks {
		for _, e := range s.Feed(from, len(c), c, nil) {
			out = append(out, e.String())
		}
		from += uint32(len(c))
	}
	return out
}

func TestStreams(t *testing.T) {
	join := func(bs ...[]byte) []byte { return slices.Concat(bs...) }
	cert := message(11, make([]byte, 3000))
	flight := join(record(22, message(2, make([]byte, 70))), record(22, cert), record(22, message(14, nil)))
	bytewise := func(b []byte) (out [][]byte) {
		for i := range b {
			out = append(out, b[i:i+1])
		}
		return out
	}
	tests := []struct {
		name   string
		chunks [][]byte
		want   string
	}{
		{"client hello", [][]byte{record(22, hello("example.com"))}, "tls client-hello example.com"},
		{"an encrypted alert whose end is in another segment", [][]byte{record(21, make([]byte, 26))[:29], {2, 40}},
			"tls close-notify probably: an encrypted alert"},
		{"a flight", [][]byte{flight}, "tls server-hello|tls certificate|tls server-hello-done"},
		{"a flight in segments", [][]byte{flight[:1000], flight[1000:2400], flight[2400:]},
			"tls server-hello|tls certificate|tls server-hello-done"},
		{"messages that share a record", [][]byte{record(22, join(message(2, make([]byte, 70)), message(14, nil)))},
			"tls server-hello|tls server-hello-done"},
		{"a message over two records", [][]byte{join(record(22, cert[:100]), record(22, cert[100:]),
			record(22, message(14, nil)))}, "tls certificate|tls server-hello-done"},
		{"after the change of cipher", [][]byte{join(record(20, []byte{1}), record(22, make([]byte, 40)))},
			"tls change-cipher-spec|tls finished encrypted"},
		{"an alert", [][]byte{record(21, []byte{2, 48})}, "tls alert fatal unknown_ca"},
		{"close_notify", [][]byte{record(21, []byte{1, 0})}, "tls close-notify"},
		{"an encrypted alert", [][]byte{record(21, make([]byte, 26))}, "tls close-notify probably: an encrypted alert"},
		{"data", [][]byte{record(23, make([]byte, 300))}, "tls application-data"},
		{"a request", [][]byte{[]byte("GET /a?b HTTP/1.1\r\nHost: x\r\n\r\n")}, "http GET /a?b"},
		{"a response", [][]byte{[]byte("HTTP/1.1 204 No Content\r\n\r\n")}, "http HTTP/1.1 204 No Content"},
		{"neither", [][]byte{[]byte("GETTING nowhere"), []byte("\x16\x09\x09"), []byte("hello")}, ""},
		{"STARTTLS", [][]byte{[]byte("a STARTTLS\r\n"), record(22, hello(""))}, "tls client-hello"},
		{"TLS, then plain text", [][]byte{record(21, []byte{2, 70}), []byte("GET / HTTP/1.0\r\n\r\n")},
			"tls alert fatal protocol_version|http GET /"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			var s Stream
			if got := strings.Join(feed(&s, 4294967290, tt.chunks...), "|"); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
	// However a stream is cut, the record headers are found; what the first
	// byte of a message was needed for is not.
	var s Stream
	if got := strings.Join(feed(&s, 1, append([][]byte{flight[:6]}, bytewise(flight[6:])...)...),
		"|"); got != "tls server-hello|tls certificate|tls server-hello-done" {
		t.Errorf("byte by byte: %s", got)
	}
}

func TestStreamRepeatsAndGaps(t *testing.T) {
	var s Stream
	body := record(23, make([]byte, 2000))
	next := record(23, make([]byte, 10))
	all := append(slices.Clone(body), next...)
	count := func(seq uint32, b []byte, captured int) int { return len(s.Feed(seq, len(b), b[:captured], nil)) }
	if n := count(1, all[:1000], 1000); n != 1 {
		t.Errorf("%d events, want the record's", n)
	}
	if n := count(1, all[:1000], 1000); n != 0 {
		t.Errorf("sent again: %d events", n)
	}
	if n := count(1501, all[1500:], len(all)-1500); n != 1 {
		t.Errorf("after a hole within the record: %d events, want the next record's", n)
	}
	var cut Stream
	if n := len(cut.Feed(1, len(all), all[:100], nil)); n != 1 {
		t.Errorf("cut short: %d events, want the first record's", n)
	}
}

func FuzzFeed(f *testing.F) {
	f.Add(record(22, hello("example.com")), 3)
	f.Add([]byte("GET / HTTP/1.1\r\n\r\n"), 0)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		var s Stream
		at := max(0, min(cut, len(b)))
		n := len(s.Feed(1, at, b[:at], nil)) + len(s.Feed(uint32(1+at), len(b)-at, b[at:], nil)) +
			len(s.Feed(uint32(1+len(b)+cut), len(b), b[:at], nil))
		if n > 2*len(b)+2 {
			t.Errorf("%d events in %d bytes", n, len(b))
		}
	})
}
