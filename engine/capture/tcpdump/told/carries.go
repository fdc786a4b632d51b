package told

import (
	"strings"

	"netrepro/engine/pattern"
	"netrepro/engine/tcp/payload"
)

var (
	tlsAlert = pattern.New(`\bAlert \(Level: (\w+), Description: ([^)]+)\)`)
	tlsHello = pattern.New(`\b(Client|Server) Hello(?: \(SNI=([^)\s]+)\))?`)
	httpLine = pattern.New(`(?:^|HTTP: |^HTTP +\d+ +)((?:` + payload.MethodPattern + `) \S+|HTTP/1\.\d \d{3})`)
)

// maxCarried bounds a start line.
const maxCarried = 200

// Carried reads what a list of packets, or tcpdump behind the length, says of what a
// segment carries: alerts and hellos of TLS, start lines of HTTP; nil if it says neither.
func Carried(s string) *payload.Event {
	if m := tlsAlert.FindStringSubmatch(s); m != nil {
		detail := strings.ReplaceAll(strings.ToLower(m[2]), " ", "_")
		if detail == "close_notify" {
			return event("tls", "close-notify", "")
		}
		return event("tls", "alert", strings.ToLower(m[1])+" "+detail)
	}
	if m := tlsHello.FindStringSubmatch(s); m != nil {
		return event("tls", strings.ToLower(m[1])+"-hello", m[2])
	}
	if m := httpLine.FindStringSubmatch(s); m != nil && len(m[1]) <= maxCarried {
		if strings.HasPrefix(m[1], "HTTP/") {
			return event("http", "response", m[1])
		}
		return event("http", "request", m[1])
	}
	return nil
}

func event(proto, name, detail string) *payload.Event {
	return &payload.Event{Proto: proto, Name: name, Detail: detail}
}
