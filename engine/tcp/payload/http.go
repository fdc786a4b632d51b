package payload

import (
	"bytes"
	"strings"
)

// maxLine bounds the start line that is shown.
const maxLine = 200

// Methods are those of RFC 9110, section 9.3, and of RFC 5789, each with the blank behind it.
var Methods = []string{"GET ", "POST ", "HEAD ", "PUT ", "DELETE ", "OPTIONS ", "PATCH ", "CONNECT ", "TRACE "}

// MethodPattern is a regular expression for any of them, without the blank.
var MethodPattern = strings.ReplaceAll(strings.Join(Methods, "|"), " ", "")

// startLine finds the start line of an HTTP/1 message (RFC 9112, sections 3 and
// 4) at the beginning of a segment, where programs put them.
func startLine(b []byte) (Event, bool) {
	if len(b) < 4 || b[0] < 'C' || b[0] > 'T' {
		return Event{}, false
	}
	if bytes.HasPrefix(b, []byte("HTTP/1.")) {
		line, ok := firstLine(b)
		if !ok || len(line) < 12 {
			return Event{}, false
		}
		return Event{"http", "response", line}, true
	}
	for _, m := range Methods {
		if bytes.HasPrefix(b, []byte(m)) {
			line, ok := firstLine(b)
			if !ok {
				return Event{}, false
			}
			if i := strings.LastIndex(line, " HTTP/1."); i > 0 {
				line = line[:i]
			}
			return Event{"http", "request", line}, true
		}
	}
	return Event{}, false
}

// firstLine is the line b begins with, printable or nothing.
func firstLine(b []byte) (string, bool) {
	b = b[:min(len(b), maxLine)]
	if i := bytes.IndexByte(b, '\n'); i >= 0 {
		b = b[:i]
	}
	b = bytes.TrimRight(b, "\r")
	for _, c := range b {
		if c < ' ' || c > '~' {
			return "", false
		}
	}
	return string(b), true
}
