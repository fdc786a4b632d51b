package payload_test

import (
	"bytes"
	"net/netip"
	"regexp"
	"strings"
	"testing"

	"netrepro/engine/anonymize/payload"
	"netrepro/engine/anonymize/standin"
	tcp "netrepro/engine/tcp/payload"
)

var ends = payload.Ends{From: netip.MustParseAddrPort("192.0.2.1:40000"), To: netip.MustParseAddrPort("192.0.2.2:80")}

// secret is what must not be left of what the tests send.
const secret = "zebraquokka"

// stream sends data in pieces, and returns what became of all.
func stream(data string, cuts ...int) string {
	s := payload.NewStreams(standin.NewMap())
	b, from := []byte(data), 0
	for _, to := range append(cuts, len(b)) {
		s.Segment(ends, false, 1000+uint32(from), to-from, b[from:to])
		from = to
	}
	return string(b)
}

func vec16(b string) string { return string([]byte{byte(len(b) >> 8), byte(len(b))}) + b }

// hello is a client's hello that asks for a name.
func hello(name string) string {
	exts := "\x00\x00" + vec16(vec16("\x00"+vec16(name))) + "\x00\x2b" + vec16("\x04\x03\x04\x03\x03") +
		"\x00\x15" + vec16(strings.Repeat(secret, 3))
	body := "\x03\x03" + strings.Repeat("r", 32) + "\x20" + strings.Repeat("s", 32) + vec16("\x13\x01\x13\x02") + "\x01\x00" +
		vec16(exts)
	return "\x16\x03\x01" + vec16("\x01\x00"+vec16(body))
}

func TestStream(t *testing.T) {
	get := "GET /" + secret + "/a HTTP/1.1\r\nHost: www." + secret + ".example:8443\r\nCookie: " + secret + "\r\nX-" + secret +
		": 1\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n" + secret
	h := hello("www." + secret + ".example")
	for _, tt := range []struct {
		name, data string
		cuts       []int
		check      func(out string) bool
	}{
		{"a request", get, nil, func(out string) bool {
			return regexp.MustCompile(`^GET /[a-z2-7]{11}/[a-z] HTTP/1\.1\r\nHost: [a-z2-7]{3}\.[a-z2-7]{11}\.[a-z2-7]{7}:8443\r\n` +
				`Cookie: [a-z2-7]{11}\r\n[a-z2-7]{13}: [a-z]\r\nContent-Length: 5\r\nConnection: keep-alive\r\n\r\n[a-z2-7]+$`).MatchString(out)
		}},
		{"a request in pieces", get, []int{3, 60, 61, 100}, func(out string) bool { return !strings.Contains(out, "X-") }},
		{"a header field cut in its value", strings.Replace(get, ": 5", ": 5371846", 1), []int{strings.Index(get, ": 5") + 2},
			func(out string) bool {
				return strings.Contains(out, "Content-Length: ") && !strings.Contains(out, "5371846") // but for one in 32^7
			}},
		{"a response", "HTTP/1.1 404 Not Found\r\nServer: " + secret + "\r\n\r\n", nil, func(out string) bool {
			return strings.HasPrefix(out, "HTTP/1.1 404 Not Found\r\nServer: ")
		}},
		{"other words beside a status", "HTTP/1.1 404 " + secret + "\r\n\r\n", nil,
			func(out string) bool { return strings.HasPrefix(out, "HTTP/1.1 404 ") }},
		{"values that only look known", "HTTP/1.1 200 OK\r\nContent-Length: " + secret + "\r\nUpgrade: " + secret + "\r\n\r\n", nil,
			func(out string) bool { return strings.HasPrefix(out, "HTTP/1.1 200 OK\r\nContent-Length: ") }},
		{"lines of text", "EHLO " + secret + "\r\nHost: " + secret + "\r\n", nil,
			func(out string) bool { return !strings.ContainsAny(out, "\r\n :") }},
		{"a hello", h, nil, func(out string) bool {
			return out[:11] == h[:11] && strings.Contains(out, "\x13\x01\x13\x02\x01\x00") && strings.Contains(out, "\x04\x03\x04\x03\x03") &&
				strings.Count(out, ".") == 2 && !strings.Contains(out, "rrrr") && !strings.Contains(out, "ssss")
		}},
		{"a hello in pieces", h, []int{7, 9, 50, 90, 100, 120}, func(out string) bool {
			return out[:11] == h[:11] && strings.Contains(out, "\x13\x01\x13\x02\x01\x00") && strings.Contains(out, "\x04\x03\x04\x03\x03")
		}},
		{"an alert", "\x15\x03\x03\x00\x02\x02\x28", nil, func(out string) bool { return out == "\x15\x03\x03\x00\x02\x02\x28" }},
		{"an encrypted alert", "\x15\x03\x03\x00\x0b" + secret, nil, func(out string) bool { return out[:5] == "\x15\x03\x03\x00\x0b" }},
		{"data and another record", "\x17\x03\x03\x00\x0b" + secret + "\x17\x03\x03\x00\x0b" + secret, []int{9},
			func(out string) bool { return out[16:21] == "\x17\x03\x03\x00\x0b" }},
		{"what only begins as a record", "\x16\x03\x01\xff\xff" + secret, nil, func(out string) bool { return !strings.Contains(out, "\xff") }},
	} {
		if out := stream(tt.data, tt.cuts...); len(out) != len(tt.data) || !tt.check(out) ||
			strings.Contains(strings.ToLower(out), secret) {
			t.Errorf("%s: %q", tt.name, out)
		}
	}
}

// TestSameName gives a name the same wherever it stands.
func TestSameName(t *testing.T) {
	m := standin.NewMap()
	s := payload.NewStreams(m)
	const name = "www." + secret + ".example"
	want := m.Name(name)
	for i, data := range []string{hello(name), "GET / HTTP/1.1\r\nHost: " + name + "\r\n\r\n", "CONNECT " + name + ":443 HTTP/1.1\r\n\r\n"} {
		b := []byte(data)
		e := ends
		e.From = netip.AddrPortFrom(e.From.Addr(), uint16(i))
		s.Segment(e, false, 1, len(b), b)
		if !strings.Contains(string(b), want) {
			t.Errorf("%q has not %q", b, want)
		}
	}
}

// TestBounded sends on more connections than are remembered.
func TestBounded(t *testing.T) {
	s := payload.NewStreams(standin.NewMap())
	part := hello(secret)[:80]
	for i := range 1 << 15 {
		e := ends
		e.From = netip.AddrPortFrom(netip.AddrFrom4([4]byte{10, 0, byte(i >> 8), byte(i)}), 1)
		b := []byte(part)
		s.Segment(e, false, 1, len(b), b)
		if !bytes.HasPrefix(b, []byte("\x16\x03\x01")) {
			t.Fatalf("connection %d: %q", i, b)
		}
	}
}

// status is what a response says, if it is one.
var status = regexp.MustCompile(`^HTTP/1\.\d \d{3}`)

// short is an event without what was said in it.
func short(evs []tcp.Event) (out []string) {
	for _, e := range evs {
		detail := e.Detail
		if e.Proto == "http" || e.Name == "client-hello" {
			detail, _, _ = strings.Cut(detail, " ")
		}
		if e.Name == "response" && !status.MatchString(e.Detail) {
			detail = "of another shape"
		}
		if e.Name == "client-hello" && detail != "" {
			detail = "a name"
		}
		out = append(out, e.Proto+" "+e.Name+" "+detail)
	}
	return out
}

// FuzzStream reads of a stream, in any pieces, what was read of the original.
func FuzzStream(f *testing.F) {
	f.Add([]byte(hello("a.example")+"\x14\x03\x03\x00\x01\x01\x16\x03\x03\x00\x04abcd\x15\x03\x03\x00\x02\x01\x00"), []byte{0, 9, 9, 9, 30, 30})
	f.Add([]byte("GET / HTTP/1.1\r\nHost: a\r\n\r\nHTTP/1.1 200 OK\r\n\r\n"), []byte{0, 30, 30, 27, 27, 27})
	f.Add([]byte("\x16\x03\x03\x00\x0f\x0b\x00\x00\x0b\x00\x00\x08\x00\x00\x05hello\x17\x03\x03\x00\x13..................."), []byte{0, 7, 7, 7, 14, 9, 3, 200})
	f.Fuzz(func(t *testing.T, data, plan []byte) {
		s := payload.NewStreams(standin.NewMap())
		var before, after tcp.Stream
		for i := 0; i+2 < len(plan); i += 3 { // from where, how long, how much was captured
			from := min(int(plan[i]), len(data))
			size := min(int(plan[i+1]), len(data)-from)
			b := bytes.Clone(data[from : from+min(int(plan[i+2]), size)])
			want := short(before.Feed(uint32(from), size, b, nil))
			s.Segment(ends, false, uint32(from), size, b)
			got := short(after.Feed(uint32(from), size, b, nil))
			if strings.Join(want, ", ") != strings.Join(got, ", ") {
				t.Fatalf("piece %d of %q: %q became %q: %q", i/3, data[from:from+size], want, got, b)
			}
		}
	})
}
