package payload

import (
	"bytes"
	"net/http"
	"strconv"
	"strings"

	"netrepro/engine/pattern"
	tcppayload "netrepro/engine/tcp/payload"
)

// maxLine bounds the start line that is looked for.
const maxLine = 200

// startsHTTP reports whether b begins with the start line of a message of HTTP/1 (RFC
// 9112, sections 3 and 4).
func startsHTTP(b []byte) bool {
	response := bytes.HasPrefix(b, []byte(version))
	if !response && method(b) == "" {
		return false
	}
	line := b[:min(len(b), maxLine)]
	if i := bytes.IndexByte(line, '\n'); i >= 0 {
		line = line[:i]
	}
	line = bytes.TrimRight(line, "\r")
	for _, c := range line {
		if c < ' ' || c > '~' {
			return false
		}
	}
	return !response || len(line) >= len("HTTP/1.1 200")
}

const version = "HTTP/1."

func method(b []byte) string {
	for _, m := range tcppayload.Methods {
		if bytes.HasPrefix(b, []byte(m)) {
			return m
		}
	}
	return ""
}

// httpHead replaces what is said in the lines of a message up to the one that is empty,
// of which start says that the first is the start line.
func (s *stream) httpHead(p *piece, start bool) {
	for p.len() > 0 {
		n := bytes.IndexByte(p.in, '\n')
		whole := n >= 0
		if !whole {
			n = p.len()
		}
		line := p.cut(n)
		if k := len(line.in); k > 0 && line.in[k-1] == '\r' {
			line.keep(k-1, k)
			line.in, line.out = line.in[:k-1], line.out[:k-1]
		}
		if whole {
			end := p.cut(1)
			end.keep(0, 1)
		}
		switch {
		case s.midLine: // its beginning was in another segment
		case start:
			line.startLine()
		case len(line.in) == 0 && whole:
			s.head = false
			return // what follows is the body
		default:
			line.field(whole)
		}
		start, s.midLine = false, !whole
	}
}

// startLine replaces what is asked for, and the words beside a status that are not those
// of the standard.
func (p *piece) startLine() {
	if m := method(p.in); m != "" {
		p.keep(0, len(m))
		target := len(p.in)
		if i := bytes.LastIndex(p.in, []byte(" "+version)); i >= len(m)-1 {
			target = i
			end := i + 1 + len(version)
			if len(p.in) == end+1 && p.in[end] >= '0' && p.in[end] <= '9' {
				end++
			}
			p.keep(i, end)
		}
		p.words(len(m), target, false)
		return
	}
	const status = len("HTTP/1.1 200")
	for i := range status {
		c := p.in[i]
		digit := c >= '0' && c <= '9'
		if i < len(version) || i == 8 && c == ' ' || i != 8 && digit {
			p.keep(i, i+1)
		} else { // no digit, as it was none
			p.out[i] = 'x'
			p.s.remember(p.seq+uint32(i), p.out[i:i+1])
		}
	}
	if code, err := strconv.Atoi(string(p.in[status-3 : status])); err == nil && len(p.in) > status &&
		p.in[status] == ' ' {
		p.keep(status, status+1)
		if strings.EqualFold(http.StatusText(code), string(p.in[status+1:])) {
			p.keep(status+1, len(p.in))
		}
	}
}

// separators give a target and the name of a host their shape.
const separators = "/?&=.:;,#@"

// words replaces what stands between separators, each word by the same that stands in
// for it in names of hosts. The number of a port may stay.
func (p *piece) words(from, to int, port bool) {
	if from >= to {
		return
	}
	copy(p.out[from:to], p.in[from:to])
	for i := from; i < to; {
		n := i
		for n < to && !strings.ContainsRune(separators, rune(p.in[n])) {
			n++
		}
		word := string(p.in[i:n])
		isPort := port && i > from && p.in[i-1] == ':' && n == to && portNumber.MatchString(word)
		scheme := (word == "http" || word == "https") && bytes.HasPrefix(p.in[n:to], []byte("://"))
		if !isPort && !scheme {
			p.s.all.names.Label(p.out[i:n])
		}
		i = n + 1
	}
	p.s.remember(p.seq+uint32(from), p.out[from:to])
}

var portNumber = pattern.New(`^\d{1,5}$`)

// field replaces the value of a header field, and its name if it is not one that
// everybody uses.
func (p *piece) field(whole bool) {
	colon := bytes.IndexByte(p.in, ':')
	if colon < 0 {
		return
	}
	name := strings.ToLower(string(p.in[:colon]))
	shape, known := fields[name]
	if known {
		p.keep(0, colon)
	}
	p.keep(colon, colon+1)
	from := colon + 1
	for from < p.len() && p.in[from] == ' ' {
		p.keep(from, from+1)
		from++
	}
	value := string(p.in[from:])
	switch {
	case !whole || value == "": // more of it may come
	case name == "host":
		p.words(from, p.len(), true)
	case shape != nil && shape.MatchString(value):
		p.keep(from, p.len())
	default:
		copy(p.out[from:], p.in[from:])
		p.s.all.names.Label(p.out[from:])
		p.s.remember(p.seq+uint32(from), p.out[from:])
	}
}

// shape is what the value of a field may be, to stay.
func shape(s string) *pattern.Pattern { return pattern.New(`^(?i:` + s + `)$`) }

// fields are the header fields whose names stay, with the values that do (IANA, HTTP
// field names).
var fields = map[string]*pattern.Pattern{
	"connection":        shape(`(keep-alive|close|upgrade|te|http2-settings)(, ?(keep-alive|close|upgrade|te|http2-settings))*`),
	"proxy-connection":  shape(`keep-alive|close`),
	"keep-alive":        shape(`(timeout|max)=\d{1,6}(, ?(timeout|max)=\d{1,6})?`),
	"content-length":    shape(`\d{1,19}`),
	"transfer-encoding": shape(`(chunked|gzip|deflate|identity)(, ?(chunked|gzip|deflate))*`),
	"content-encoding":  shape(`gzip|deflate|br|zstd|identity`),
	"upgrade":           shape(`websocket|h2c`),
	"expect":            shape(`100-continue`),
	"te":                shape(`trailers`),
	"accept-ranges":     shape(`bytes|none`),
	"range":             shape(`bytes=\d{0,19}-\d{0,19}`),
	"content-range":     shape(`bytes (\*|\d{1,19}-\d{1,19})/(\*|\d{1,19})`),
	"retry-after":       shape(`\d{1,6}`),
	"age":               shape(`\d{1,9}`),
	"max-forwards":      shape(`\d{1,3}`),
	"cache-control":     shape(`(no-cache|no-store|private|public)(, ?(no-cache|no-store|private|public))*`),
	"accept":            nil, "accept-charset": nil, "accept-encoding": nil, "accept-language": nil, "allow": nil,
	"authorization": nil, "content-disposition": nil, "content-language": nil, "content-location": nil,
	"content-type": nil, "cookie": nil, "date": nil, "etag": nil, "expires": nil, "forwarded": nil, "from": nil,
	"host": nil, "if-match": nil, "if-modified-since": nil, "if-none-match": nil, "if-range": nil,
	"if-unmodified-since": nil, "last-modified": nil, "link": nil, "location": nil, "origin": nil, "pragma": nil,
	"proxy-authenticate": nil, "proxy-authorization": nil, "referer": nil, "server": nil, "set-cookie": nil,
	"strict-transport-security": nil, "trailer": nil, "user-agent": nil, "vary": nil, "via": nil, "warning": nil,
	"www-authenticate": nil, "x-forwarded-for": nil, "x-forwarded-host": nil, "x-forwarded-proto": nil,
	"sec-websocket-accept": nil, "sec-websocket-key": nil, "sec-websocket-protocol": nil, "sec-websocket-version": nil,
}
