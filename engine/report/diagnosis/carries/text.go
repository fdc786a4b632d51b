// Package carries says what connections carry, in sentences and as JSON.
//
// It finds nothing out; diagnose/carried does.
package carries

import (
	"fmt"
	"strings"
	"time"

	"netrepro/engine/diagnose/carried/dns"
	"netrepro/engine/diagnose/carried/handshake"
	"netrepro/engine/diagnose/carried/web"
	"netrepro/engine/diagnose/incident"
	"netrepro/engine/report/diagnosis/wording"
)

// Text says in a few sentences what a connection carries; empty if that is not known.
func Text(f *incident.Flow) string {
	if f == nil {
		return ""
	}
	var parts []string
	if f.Carried != nil {
		if t := f.Carried.TLS; t != nil {
			parts = append(parts, tlsText(f.File, &t.Facts)...)
		}
		if h := f.Carried.HTTP; h != nil {
			parts = append(parts, httpText(h)...)
		}
	}
	parts = append(parts, dnsText(f)...)
	return strings.Join(parts, " ")
}

// tlsText are sentences about TLS.
func tlsText(file *incident.File, t *handshake.Facts) (parts []string) {
	h := t.Hello
	var said []string
	if t.Answered {
		said = append(said, handshake.VersionName(t.Version))
	} else if h != nil && len(h.Versions) > 0 {
		said = append(said, "TLS, offered "+offered(h)+" and not answered")
	} else if h != nil {
		said = append(said, "TLS")
	}
	if h != nil && h.ServerName != "" {
		said = append(said, "for "+h.ServerName)
	}
	if t.Answered {
		said = append(said, handshake.SuiteName(t.Suite))
	}
	if t.ALPN != "" {
		said = append(said, t.ALPN+" chosen")
	} else if h != nil && len(h.ALPN) > 0 {
		said = append(said, strings.Join(h.ALPN, " or ")+" offered")
	}
	if t.Flight.Bytes > 0 && h != nil {
		said = append(said, fmt.Sprintf("the server's flight has %d bytes in %s", t.Flight.Bytes,
			wording.Count(t.Flight.Segments, "segment")))
	}
	if len(said) > 0 {
		parts = append(parts, strings.Join(said, ", ")+".")
	}
	if s := certificateText(file, t); s != "" {
		parts = append(parts, s)
	}
	for _, a := range t.Alerts {
		if a.Opened {
			parts = append(parts, fmt.Sprintf("Alert of the %s: %s (frame %d, decrypted).", incident.Name(a.By), a, a.At.N))
		}
	}
	return parts
}

// offered are the versions that a client offers.
func offered(h *handshake.Hello) string {
	return strings.Join(versions(h), ", ")
}

func versions(h *handshake.Hello) (names []string) {
	for _, v := range h.Versions {
		names = append(names, handshake.VersionName(v))
	}
	if h.UpTo && len(names) > 0 {
		names[0] = "up to " + names[0]
	}
	return names
}

const (
	day = "2006-01-02"
	// maxShown is how many names of a certificate are shown.
	maxShown = 4
)

func certificateText(file *incident.File, t *handshake.Facts) string {
	if len(t.Chain) == 0 {
		return ""
	}
	c := &t.Chain[0]
	said := []string{"Certificate " + c.Called()}
	if n := len(c.Names); n > 1 || n == 1 && c.Names[0] != c.Called() {
		s := "names " + strings.Join(c.Names[:min(n, maxShown)], " ")
		if more := n + c.More - maxShown; more > 0 {
			s += fmt.Sprintf(" and %d more", more)
		}
		said = append(said, s)
	}
	if c.SelfSigned {
		said = append(said, "self-signed")
	} else {
		said = append(said, "issued by "+c.Issuer)
	}
	said = append(said, "valid "+c.From.Format(day)+" to "+c.To.Format(day))
	when := handshake.When(file.Start, t.ChainAt)
	if c.Expired(when) {
		said = append(said, "expired when it was captured")
	}
	if c.Early(when) {
		said = append(said, "not valid yet when it was captured")
	}
	if t.Covered != nil && !*t.Covered {
		said = append(said, "not for the name asked for")
	}
	if n := len(t.Chain) - 1; n > 0 {
		said = append(said, fmt.Sprintf("with %s behind it", wording.Count(n, "certificate")))
	}
	s := strings.Join(said, ", ")
	if t.Opened {
		s += " (decrypted)"
	}
	return s + "."
}

// httpText are sentences about HTTP.
func httpText(c *web.Conn) []string {
	n := len(c.Exchanges) + c.Beyond
	if n == 0 {
		return nil
	}
	first, slowest := c.Exchanges[0], c.Exchanges[0]
	for _, e := range c.Exchanges {
		if e.Took > slowest.Took {
			slowest = e
		}
	}
	parts := []string{fmt.Sprintf("HTTP/1, %s: %s.", wording.Count(n, "request"), exchange(first))}
	if slowest != first {
		parts = append(parts, "Slowest: "+exchange(slowest)+".")
	}
	return parts
}

func exchange(e *web.Exchange) string {
	asked := e.Request
	if asked == "" {
		asked = "a request that was not captured"
	}
	switch {
	case e.Status == 0:
		return asked + " without an answer"
	case e.Request == "":
		return fmt.Sprintf("%s, answered %d", asked, e.Status)
	}
	s := fmt.Sprintf("%s answered %d after %v", asked, e.Status, wording.Round(e.Took))
	if e.Got > 0 {
		s += fmt.Sprintf(" with %d bytes", e.Got)
	}
	return s
}

// dnsText are sentences about questions of DNS over the connection, or, of a connection
// whose server's name was asked for, none.
func dnsText(f *incident.Flow) (parts []string) {
	const most = 2
	n := 0
	for _, q := range f.File.DNS.Lookups {
		if !q.TCP || q.Client != f.Ends[incident.Client] || q.Server != f.Ends[incident.Server] {
			continue
		}
		if n++; n <= most {
			parts = append(parts, "DNS question for "+lookup(q)+".")
		}
	}
	if n > most {
		parts = append(parts, fmt.Sprintf("%d more questions.", n-most))
	}
	return parts
}

func lookup(q *dns.Lookup) string {
	s := q.Name + " " + q.Type
	switch {
	case !q.Answered:
		return s + ", not answered"
	case q.Took > 0:
		s += ", " + q.Code + " after " + wording.Round(q.Took).String()
	default:
		s += ", " + q.Code
	}
	if q.Truncated {
		s += ", truncated"
	}
	return s
}

// Asked says what was asked of DNS over UDP in a file, if little was.
func Asked(f *incident.File) (lines []string) {
	const most = 3
	n := 0
	var slowest *dns.Lookup
	var total time.Duration
	for _, q := range f.DNS.Lookups {
		if q.TCP {
			continue
		}
		if n++; slowest == nil || q.Took > slowest.Took {
			slowest = q
		}
		total += q.Took
		if n <= most {
			lines = append(lines, "DNS question for "+lookup(q))
		}
	}
	if n > most {
		return []string{fmt.Sprintf("%d DNS questions, the slowest: %s", n+f.DNS.Beyond, lookup(slowest))}
	}
	return lines
}
